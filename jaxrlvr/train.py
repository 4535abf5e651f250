"""GRPO on simulated APIs: `python -m jaxrlvr.train [configs/x.py] [--section.field value ...]`.

    task -> rollout -> trajectory -> verdict -> advantage -> batch -> loss -> update -> checkpoint

`train` below is the whole algorithm; each word of that line is a module. Without arguments the embedded seed learns on
a laptop. `--resume RUN` goes on from a run's last checkpoint; `--dry-run` says what would run and stops before
compiling.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from jaxrlvr.collection import Synchronous, source_of
from jaxrlvr.config import RunConfig
from jaxrlvr.evaluation import Evaluation, judge, write_episodes
from jaxrlvr.learning import grpo
from jaxrlvr.learning.batch import pack, to_training_groups
from jaxrlvr.learning.learner import Learner, TrainState
from jaxrlvr.learning.optimizer import make_optimizer
from jaxrlvr.monitoring import guards, metrics
from jaxrlvr.monitoring.run_log import RunLog
from jaxrlvr.monitoring.utilisation import Meter, measured_peak
from jaxrlvr.preflight import memory_estimate
from jaxrlvr.preflight.arguments import Arguments, consequences, read_arguments
from jaxrlvr.preflight.dry_run import describe
from jaxrlvr.preflight.validation import check
from jaxrlvr.preflight.warmup import warm_up
from jaxrlvr.rollout import curriculum, dynamic_sampling
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.multihost import rollout
from jaxrlvr.rollout.policy import Policy, inspect_model, load_policy
from jaxrlvr.rollout.rollout import Group
from jaxrlvr.rollout.tasks import training_tasks
from jaxrlvr.runtime import console, distributed
from jaxrlvr.runtime.compilation_cache import use_compilation_cache
from jaxrlvr.runtime.errors import command
from jaxrlvr.runtime.interrupt import Interruption, interruptible
from jaxrlvr.runtime.resource_errors import explain_resource_errors
from jaxrlvr.runtime.timing import Figures, timed
from jaxrlvr.runtime.watchdog import Watchdog
from jaxrlvr.sampling.sampler import Sampler
from jaxrlvr.storage.checkpoint import Checkpoints
from jaxrlvr.storage.progress import Progress
from jaxrlvr.storage.run_directory import RunDirectory


class Abandoned(Exception):
    """An evaluation that a signal cut short; a resumed run makes it again."""


def train(config: RunConfig, policy: Policy, run: RunDirectory, interruption: Interruption) -> int:
    """GRPO from the run's last whole checkpoint, or from the start, to `config.steps`. Returns the last step made.

    Raises RunStopped if a guard ends the run or a checkpoint cannot be written.
    """
    compiles = metrics.CompileCounter()
    sampler, learner = policy.sampler(config.rollout), make_learner(config, policy)
    shape = config.learner.shape(config.rollout.prefix_buckets)
    checkpoints = Checkpoints(run.checkpoints, config.keep_checkpoints, owner=True)
    source = source_of(config, partial(draw, config, policy.chat), sampler, learner, policy.params)
    with Watchdog(config.guards.stall_seconds) as watchdog, closing(checkpoints), source:
        watchdog.report("compiling")
        console.say("compiling ...")
        state = learner.init(policy.params)
        checkpoints.warm_up(source.kept(state))
        meter = make_meter(config, policy)
        state = warm_up(config, sampler, learner, state, shape)
        done, state, progress = resumed(run, checkpoints, source, state)
        run.write_config(config)  # only now is it known that the run can go on with it
        log = RunLog(run, policy.chat, config.steps, config.evaluation.every, resume_from=done)
        judged = Evaluator(config, policy, sampler, source, run, log, interruption, watchdog)
        with closing(log), suppress(Abandoned):
            if not done:
                run.save_result("before", judged(state, done))
            # Only the first process has the records of earlier processes.
            elif distributed.first(partial(log.evaluation_due, done)):
                judged(state, done)
            for step in console.progress(done + 1, config.steps):
                if interruption.asked:
                    break
                watchdog.report(f"sampling for step {step}")
                drawn, figures = source.draw(step, state, progress)
                progress.rates = curriculum.updated(progress.rates, drawn.groups)
                with timed(figures, "seconds/pack"):
                    used, advantage_BG = drawn.used
                    batches, ordered = pack(to_training_groups(used, advantage_BG), shape, policy.chat.pad_token)
                watchdog.report(f"making the update of step {step}")
                with timed(figures, "seconds/update"):
                    figures |= source.begin(step, state, progress, batches)
                    state, stats = learner.update(state, batches, guards.norm_limit(progress, config.guards))
                    figures |= metrics.update_figures(stats, batches, [group.scenario for group in ordered])
                figures |= metrics.step_figures(drawn, figures) | meter.figures(drawn, figures) | compiles.figures()
                log.step(step, figures, drawn.groups, batches)
                for warning in review(config, progress, step, figures, drawn.groups):
                    console.say(f"  warning: {warning}")
                done = step
                if step % config.checkpoint_every == 0 or step == config.steps:
                    watchdog.report(f"writing the checkpoint of step {step}")
                    checkpoints.save(step, source.kept(state), progress.to_notes())
                if log.evaluation_due(step):
                    judged(state, step)
            if done >= config.steps:
                run.save_result("after", judged(state, done))
        if interruption.asked and done:
            checkpoints.save(done, source.kept(state), progress.to_notes())
        watchdog.report("waiting for the last checkpoint to be written")
        checkpoints.finish()
    return done


def review(config: RunConfig, progress: Progress, step: int, figures: Figures, groups: Sequence[Group]) -> list[str]:
    """What the guards say of a step. Raises RunStopped."""
    # One step ahead the weights correct for the lag, and the guard's figures are free of it.
    corrected = config.grpo.correction != "off" and not config.rollout.asynchronous
    limits = guards.mismatch_limits(config.guards, config.policy.compute_dtype, corrected)
    return guards.check_step(progress, step, figures, groups, config.guards, limits)


def resumed(
    run: RunDirectory, checkpoints: Checkpoints, source: Synchronous, state: TrainState
) -> tuple[int, TrainState, Progress]:
    """The step, state and progress of the newest whole checkpoint; of step 0 if there is none yet."""
    if checkpoints.latest() is None:
        if run.read_lines("metrics"):
            console.say("there is no checkpoint: beginning again with the first step")
        return 0, state, Progress()
    step, kept, notes = checkpoints.restore(source.kept(state))
    checkpoints.forget_after(step)
    return step, source.restored(kept, state), Progress.from_notes(notes)


def draw(
    config: RunConfig,
    chat: Chat,
    sampler: Sampler,
    params: Any,
    rates: curriculum.Rates,
    step: int,
    figures: Figures,
) -> dynamic_sampling.StepGroups:
    """Tasks -> scored groups -> advantages; with `grpo.refills`, again until the step is full of useful groups."""
    acting, seed = config.rollout, config.seed

    def play(again: int) -> list[Group]:
        tasks = training_tasks(config.tasks, seed, step, again, rates)
        numbers = range(again * len(tasks), (again + 1) * len(tasks))
        with timed(figures, "seconds/sample"):
            return rollout(sampler, params, chat, tasks, acting, seed=seed, step=step, numbers=numbers, figures=figures)

    def advantages(groups: Sequence[Group]) -> np.ndarray:
        with timed(figures, "seconds/pack"):
            return grpo.advantages(groups, config.grpo)

    return dynamic_sampling.draw(play, advantages, config.tasks.per_step, config.grpo.refills)


def make_learner(config: RunConfig, policy: Policy) -> Learner:
    """The learner with the GRPO objective; the reference model is the policy as it was loaded."""
    return Learner(
        policy.graphdef,
        make_optimizer(config.optimizer),
        grpo.objective(config.grpo),
        config.rollout.temperature,
        reference=policy.params if config.grpo.kl_beta else None,
        mesh=policy.mesh,
    )


def make_meter(config: RunConfig, policy: Policy) -> Meter:
    """What turns a step's tokens and seconds into FLOPs a second; measures the machine."""
    flat, reference = grpo.objective(config.grpo).has_gradient_without_advantage, config.grpo.kl_beta > 0
    return Meter(policy.config, measured_peak(config.policy.compute_dtype), flat, reference)


@dataclass(frozen=True)
class Evaluator:
    """Judges the policy on the held-out tasks."""

    config: RunConfig
    policy: Policy
    sampler: Sampler
    source: Synchronous
    run: RunDirectory
    log: RunLog
    interruption: Interruption
    watchdog: Watchdog

    def __call__(self, state: TrainState, step: int) -> Evaluation:
        """Scores after `step` steps; every episode is kept, the table printed. Raises Abandoned when asked to stop."""
        config, chat, episodes = self.config, self.policy.chat, self.run.episodes
        self._moved(step)
        self.source.settle()  # not beside the sampling of the next step: there may be no memory for both
        console.say(f"evaluating on {config.evaluation.tasks} held-out tasks per scenario, greedy and sampled ...")
        for old in episodes.glob(f"step-{step:05d}-*.jsonl"):
            old.unlink()

        def keep(way: str, groups: Sequence[Group]) -> None:
            write_episodes(episodes / f"step-{step:05d}-{way}.jsonl", groups, chat, step=step, way=way)
            if failed := guards.check_faults(groups, config.guards):
                console.say(f"  warning: {failed}")

        asked = self.sampler, state.params, chat, config.tasks, config.evaluation, config.rollout
        scores = judge(*asked, seed=config.seed, keep=keep, moved=partial(self._moved, step))
        self.log.evaluation(step, scores)
        return scores

    def _moved(self, step: int) -> None:
        self.watchdog.report(f"evaluating after step {step}")
        if self.interruption.asked:
            raise Abandoned


def summarize(run: RunDirectory, steps: int, seconds: float) -> None:
    """Write summary.json and print the table before and after; what is not known of before is left out."""
    before, after = run.load_result("before") or {"greedy": {}, "sampled": {}}, run.load_result("after")
    ways = {"before": before, "after": after}
    scenarios = {
        name: {
            when: {**scores["greedy"][name], "sampled_reward": scores["sampled"][name]["reward"],
                   "sampled_success": scores["sampled"][name]["success"]}
            for when, scores in ways.items() if name in scores["greedy"]
        }
        for name in after["greedy"]
    }  # fmt: skip
    for name, both in scenarios.items():
        if "before" not in both or both["before"]["tasks"] != both["after"]["tasks"]:
            counts = f"{both['before']['tasks']} tasks" if "before" in both else "nothing"
            console.say(f"{name}: {counts} judged before training and {both['after']['tasks']} after it")
    run.write_summary(
        {"scenarios": scenarios, "seconds": seconds, "peak_rss_bytes": metrics.peak_rss_bytes(), "steps": steps}
    )
    console.change(f"held-out tasks, before→after {steps} steps", before, after)
    console.say(f"{seconds:.0f} s in all, at most {metrics.peak_rss_bytes() / 1e9:.2f} GB of memory")
    console.say(f"the run: {run.path}\nas a Hugging Face model: python -m jaxrlvr.export {run.path} --out my-model")


def main(arguments: list[str]) -> int:
    """Read the arguments, load everything, train. Exit code 130 after Ctrl-C."""
    began = time.monotonic()
    asked = read_arguments(arguments)
    config = asked.config
    use_compilation_cache()
    if asked.dry_run:
        source, model, chat = inspect_model(config.policy)
        check(config, chat, model)
        if asked.resumed is None:
            RunDirectory.reserve(config, asked.name)  # writes nothing
        console.say(describe(config, source, model, chat))
        return 0
    check(config, None)  # whatever can be told without the model, before it is read
    with ExitStack() as held:
        run = asked.resumed or distributed.first(lambda: RunDirectory.reserve(config, asked.name))
        if asked.resumed and distributed.is_first():
            held.enter_context(closing(run.lock()))
        with Watchdog(config.guards.stall_seconds) as watchdog:
            watchdog.report("loading the model")
            policy = load_policy(config.policy)
        check(config, policy.chat, policy.config)
        memory_estimate.check(config, policy.config)
        console.say(describe(config, str(policy.source), policy.config, policy.chat))
        if distributed.is_first():
            begin(asked, run, held)
        run = run.own_records()
        with interruptible() as asked_to_stop:
            interruption = distributed.shared(asked_to_stop)
            with explain_resource_errors(run.path):
                done = train(config, policy, run, interruption)
        if interruption.asked:
            console.say(f"stopped after step {done}; go on with: python -m jaxrlvr.train --resume {run.path}")
            return interruption.exit_code
        if distributed.is_first():
            summarize(run, done, time.monotonic() - began)
    return 0


def begin(asked: Arguments, run: RunDirectory, held: ExitStack) -> None:
    """Lock and make a new run's directory, or say what a resumed one goes on with."""
    if asked.resumed is None:
        held.enter_context(closing(run.lock()))
        run.begin(asked.config)
    elif asked.changed:
        console.say(consequences(asked.changed))


if __name__ == "__main__":
    command(distributed.joined(main))
