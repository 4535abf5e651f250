"""Train with GRPO on simulated APIs: `python -m jaxrlvr.train [configs/x.py] [--section.field value ...]`.

    task -> rollout -> trajectory -> verdict -> advantage -> batch -> loss -> update -> checkpoint

`train` below is the whole algorithm. Without arguments the embedded seed model learns on a laptop. `--resume RUN`
continues from a run's last checkpoint; `--dry-run` prints the run's sizes and memory and exits before compiling.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from functools import partial

from jaxrlvr.collection import StepSampler, StepSource, make_source
from jaxrlvr.config import RunConfig
from jaxrlvr.evaluation.episode_files import write_episodes
from jaxrlvr.evaluation.held_out import Evaluation, HeldOut, evaluate
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
from jaxrlvr.preflight.oracle_fit import why_unsolvable
from jaxrlvr.preflight.validation import check
from jaxrlvr.preflight.warmup import warm_up
from jaxrlvr.rollout import curriculum
from jaxrlvr.rollout.policy import Policy, inspect_model, load_policy, make_placement
from jaxrlvr.rollout.rollout import Actor
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime import console, distributed
from jaxrlvr.runtime.compilation_cache import use_compilation_cache
from jaxrlvr.runtime.errors import UserError, command
from jaxrlvr.runtime.interrupt import Interruption, interruptible
from jaxrlvr.runtime.resource_errors import explain_resource_errors
from jaxrlvr.runtime.settings import to_json
from jaxrlvr.runtime.timing import Figures, timed
from jaxrlvr.runtime.watchdog import Watchdog
from jaxrlvr.sampling.sampler import Sampler
from jaxrlvr.storage.checkpoint import Checkpoints
from jaxrlvr.storage.progress import Progress
from jaxrlvr.storage.run_directory import RunDirectory


class EvaluationAbandoned(Exception):
    """A signal ended an evaluation early; a resumed run repeats it."""


def train(config: RunConfig, policy: Policy, run: RunDirectory, interruption: Interruption) -> int:
    """Train with GRPO from the run's last whole checkpoint, or from the start, to `config.steps`.

    Returns the last step made. Raises RunStopped if a guard ends the run or a checkpoint cannot be written.
    """
    compiles = metrics.CompileCounter()
    sampler, learner = policy.sampler(config.rollout), make_learner(config, policy)
    shape = config.learner.shape(config.rollout.prefix_buckets)
    checkpoints = Checkpoints(run.checkpoints, config.keep_checkpoints, owner=True)
    source = make_source(config, StepSampler(config, sampler, policy.chat), learner, policy.params)
    with Watchdog(config.guards.stall_seconds) as watchdog, closing(checkpoints), source:
        watchdog.report("compiling")
        console.say("compiling ...")
        state = learner.init(policy.params)
        checkpoints.warm_up(source.checkpoint_state(state))
        meter = make_meter(config, policy)
        state = warm_up(config, sampler, learner, state, shape)
        done, state, progress = resumed(run, checkpoints, source, state)
        # Not earlier: a config that cannot resume this run must not replace the stored one.
        run.write_config(to_json(config))
        log = RunLog(run, policy.chat, config.steps, config.evaluation.every, resume_from=done)
        evaluator = Evaluator(config, policy, sampler, source, run, log, interruption, watchdog)
        with closing(log), suppress(EvaluationAbandoned):
            if not done:
                run.save_result("before", evaluator(state, done))
            # Only the first process has the records of earlier processes.
            elif distributed.broadcast(partial(log.evaluation_due, done)):
                evaluator(state, done)
            for step in console.progress(done + 1, config.steps):
                if interruption.requested:
                    break
                watchdog.report(f"sampling for step {step}")
                rollouts, figures = source.rollout(step, state, progress)
                progress.rates = curriculum.updated(progress.rates, rollouts.played)
                with timed(figures, "seconds/pack"):
                    training_groups = to_training_groups(rollouts.groups, rollouts.advantages_BG)
                    batches, ordered = pack(training_groups, shape, policy.chat.pad_token)
                watchdog.report(f"making the update of step {step}")
                with timed(figures, "seconds/update"):
                    figures |= source.start_next(step, state, progress, batches)
                    state, stats = learner.update(state, batches, guards.norm_limit(progress, config.guards))
                    figures |= metrics.update_figures(stats, batches, [group.scenario for group in ordered])
                figures |= metrics.step_figures(rollouts, figures) | meter.figures(rollouts, figures)
                figures |= compiles.figures()
                log.step(step, figures, rollouts.played, batches)
                for warning in review(config, progress, step, figures, rollouts.played):
                    console.say(f"  warning: {warning}")
                done = step
                if step % config.checkpoint_every == 0 or step == config.steps:
                    watchdog.report(f"writing the checkpoint of step {step}")
                    checkpoints.save(step, source.checkpoint_state(state), progress.to_notes())
                if log.evaluation_due(step):
                    evaluator(state, step)
            if done >= config.steps:
                run.save_result("after", evaluator(state, done))
        if interruption.requested and done:
            checkpoints.save(done, source.checkpoint_state(state), progress.to_notes())
        watchdog.report("waiting for the last checkpoint to be written")
        checkpoints.finish()
    return done


def review(config: RunConfig, progress: Progress, step: int, figures: Figures, groups: Sequence[Group]) -> list[str]:
    """Return the guards' warnings about a step. Raises RunStopped."""
    # One step ahead, the correction is for the lag, which the guards' mismatch figures do not contain.
    corrected = config.grpo.correction != "off" and not config.rollout.asynchronous
    limits = guards.mismatch_limits(config.guards, config.policy.compute_dtype, corrected)
    return guards.check_step(progress, step, figures, groups, config.guards, limits)


def resumed(
    run: RunDirectory, checkpoints: Checkpoints, source: StepSource, state: TrainState
) -> tuple[int, TrainState, Progress]:
    """Restore step, state and progress from the newest whole checkpoint; step 0 if there is none yet."""
    if checkpoints.latest() is None:
        if run.read_lines("metrics"):
            console.say("there is no checkpoint: starting again from the first step")
        return 0, state, Progress()
    step, stored, notes = checkpoints.restore(source.checkpoint_state(state))
    checkpoints.forget_after(step)
    return step, source.restored(stored, state), Progress.from_notes(notes)


def make_learner(config: RunConfig, policy: Policy) -> Learner:
    """Make the learner with the GRPO objective; the reference model is the policy as loaded."""
    return Learner(
        policy.graphdef,
        make_optimizer(config.optimizer),
        grpo.objective(config.grpo),
        config.rollout.temperature,
        reference=policy.params if config.grpo.kl_beta else None,
        mesh=policy.mesh,
    )


def make_meter(config: RunConfig, policy: Policy) -> Meter:
    """Make the meter that turns tokens and seconds into FLOP/s; measures the machine's peak first."""
    flat, reference = grpo.objective(config.grpo).has_gradient_without_advantage, config.grpo.kl_beta > 0
    return Meter(policy.config, measured_peak(config.policy.compute_dtype), flat, reference)


@dataclass(frozen=True)
class Evaluator:
    """Evaluates a run's policy on the held-out tasks, stores every episode and prints the table."""

    config: RunConfig
    policy: Policy
    sampler: Sampler
    source: StepSource
    run: RunDirectory
    log: RunLog
    interruption: Interruption
    watchdog: Watchdog

    def __call__(self, state: TrainState, step: int) -> Evaluation:
        """Evaluate after `step` steps. Raises EvaluationAbandoned once a stop was requested."""
        config, chat, episodes = self.config, self.policy.chat, self.run.episodes
        self._report(step)
        self.source.wait()  # memory may not suffice for both this and the sampling of the next step
        console.say(f"evaluating on {config.evaluation.tasks} held-out tasks per scenario, greedy and sampled ...")
        for old in episodes.glob(f"step-{step:05d}-*.jsonl"):
            old.unlink()

        def store(way: str, groups: Sequence[Group]) -> None:
            write_episodes(episodes / f"step-{step:05d}-{way}.jsonl", groups, chat, {"step": step, "way": way})
            if warning := guards.check_faults(groups, config.guards):
                console.say(f"  warning: {warning}")

        actor = Actor(self.sampler, state.params, chat)
        held_out = HeldOut(config.tasks, config.evaluation, config.rollout, config.seed)
        scores = evaluate(actor, held_out, on_groups=store, on_batch=partial(self._report, step))
        self.log.evaluation(step, scores)
        return scores

    def _report(self, step: int) -> None:
        self.watchdog.report(f"evaluating after step {step}")
        if self.interruption.requested:
            raise EvaluationAbandoned


def summarize(run: RunDirectory, steps: int, seconds: float) -> None:
    """Write summary.json and print the table of scores before and after, without scores that are unknown."""
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
    """Read the arguments, load the model and train. Returns the exit code: 130 after Ctrl-C."""
    start = time.monotonic()
    command_line = read_arguments(arguments)
    config = command_line.config
    use_compilation_cache()
    check(config, None)  # all that does not need the model, before it is loaded
    if command_line.dry_run:
        source, model, chat = inspect_model(config.policy)
        placement = make_placement(config.policy, model)
        check(config, chat, placement)
        if command_line.resumed is None:
            RunDirectory.reserve(config.run_dir, command_line.name)  # writes nothing
        console.say(describe(config, source, placement, chat))
        if problem := why_unsolvable(config, chat):
            raise UserError(problem)
        return 0
    with ExitStack() as resources:
        run = command_line.resumed or distributed.broadcast(
            lambda: RunDirectory.reserve(config.run_dir, command_line.name)
        )
        if command_line.resumed and distributed.is_first():
            resources.enter_context(closing(run.lock()))
        with Watchdog(config.guards.stall_seconds) as watchdog:
            watchdog.report("loading the model")
            policy = load_policy(config.policy)
        check(config, policy.chat, policy.placement)
        memory_estimate.check(config, policy.placement)
        console.say(describe(config, str(policy.source), policy.placement, policy.chat))
        if problem := why_unsolvable(config, policy.chat):
            console.say(f"warning: {problem}")
        if distributed.is_first():
            begin(command_line, run, resources)
        run = run.for_this_process()
        with interruptible() as local:
            interruption = distributed.shared_interruption(local)
            with explain_resource_errors(run.path):
                done = train(config, policy, run, interruption)
        if interruption.requested:
            console.say(f"stopped after step {done}; continue with: python -m jaxrlvr.train --resume {run.path}")
            return interruption.exit_code
        if distributed.is_first():
            summarize(run, done, time.monotonic() - start)
    return 0


def begin(command_line: Arguments[RunConfig], run: RunDirectory, resources: ExitStack) -> None:
    """Create and lock a new run's directory, or print the settings that changed in a resumed run."""
    if command_line.resumed is None:
        resources.enter_context(closing(run.lock()))
        run.begin(to_json(command_line.config))
    elif command_line.changed:
        console.say(consequences(command_line.config, command_line.changed))


if __name__ == "__main__":
    command(distributed.multi_process(main))
