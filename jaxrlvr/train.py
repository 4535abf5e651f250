"""GRPO on simulated APIs: `python -m jaxrlvr.train [configs/x.py] [--section.field value ...]`.

    task -> rollout -> trajectory -> verdict -> advantage -> batch -> loss -> update -> checkpoint

`train` below is the whole algorithm; each word of that line is a module. Without arguments the embedded seed learns on
a laptop. `--resume RUN` goes on from a run's last checkpoint; `--dry-run` says what would run and stops before
compiling.
"""

import time
from collections.abc import Iterable

from jaxrlvr import console, distributed, grpo, metrics, shares
from jaxrlvr.arguments import read_arguments
from jaxrlvr.batch import Shape, pack, rows
from jaxrlvr.checkpoint import Checkpoints
from jaxrlvr.clock import timed
from jaxrlvr.compilation import use_compilation_cache
from jaxrlvr.config import RunConfig
from jaxrlvr.errors import UserError, command
from jaxrlvr.evaluation import Judgement, judge, write_episodes
from jaxrlvr.interrupt import Interruption, interruptible
from jaxrlvr.learner import Learner, TrainState, changing, completed, make_optimizer
from jaxrlvr.plan import check, describe
from jaxrlvr.policy import Policy, load_policy, peek
from jaxrlvr.rollout import Group
from jaxrlvr.run import RunDirectory
from jaxrlvr.sampler import Sampler
from jaxrlvr.shares import rollout
from jaxrlvr.tasks import training_tasks
from jaxrlvr.warmup import warm_up


def train(config: RunConfig, policy: Policy, run: RunDirectory, interruption: Interruption) -> int:
    """GRPO from the run's last checkpoint, or from the start, to `config.steps`. Returns the last step made."""
    compiles = metrics.CompileCounter()
    sampler, learner = shares.sampler(policy, config.rollout), make_learner(config, policy)
    shape = Shape(config.learner.micro_groups, config.rollout.prefix_buckets, config.learner.suffix_buckets)
    checkpoints = Checkpoints(run.checkpoints, config.keep_checkpoints)
    state, done = learner.init(policy.params), 0
    console.say("compiling ...")
    state = warm_up(config, sampler, learner, state, shape)
    if checkpoints.latest() is not None:
        done, restored = checkpoints.restore(changing(state))
        state = completed(restored, state)
    elif not interruption.asked:
        run.remember("before", evaluated(config, policy, state, sampler, run, done))
    log = metrics.MetricsLog(run.path, resume_from=done)
    run.forget_after(done)

    for step in console.progress(done + 1, config.steps):
        if interruption.asked:
            break
        figures: metrics.Figures = {}
        with timed(figures, "seconds/sample"):
            tasks = training_tasks(config.tasks, config.seed, step)
            acting, seed = config.rollout, config.seed
            groups = rollout(sampler, state.params, policy.chat, tasks, acting, seed=seed, step=step, figures=figures)
        with timed(figures, "seconds/pack"):
            advantage_BG = grpo.advantages(groups, config.grpo)
            batches = pack(rows(groups, advantage_BG), shape, policy.chat.pad_token)
        with timed(figures, "seconds/update"):
            state, stats = learner.update(state, batches)
            figures |= metrics.update_figures(stats)
        figures |= metrics.rollout_figures(groups) | {"compiles": float(compiles.count)}
        log.write(step, figures)
        console.say(metrics.line(step, config.steps, figures))
        write_episodes(run.episodes / "train.jsonl", groups[:1], policy.chat, step=step)
        done = step
        if interruption.asked or step % config.checkpoint_every == 0 or step == config.steps:
            checkpoints.save(step, changing(state))
        due = config.evaluation.every and step % config.evaluation.every == 0 and step < config.steps
        if due and not interruption.asked:
            evaluated(config, policy, state, sampler, run, step)

    if done >= config.steps and not interruption.asked:
        run.remember("after", evaluated(config, policy, state, sampler, run, done))
    log.close()
    checkpoints.close()
    return done


def make_learner(config: RunConfig, policy: Policy) -> Learner:
    """The learner with the GRPO objective; the reference model is the policy as it was loaded."""
    if config.grpo.balance_loss and not policy.config.num_experts:
        raise UserError("--grpo.balance-loss needs a mixture of experts, and this model has none: leave it at 0")
    return Learner(
        policy.graphdef,
        make_optimizer(config.optimizer),
        grpo.objective(config.grpo),
        config.rollout.temperature,
        reference=policy.params if config.grpo.kl_beta else None,
        mesh=policy.mesh,
        denominator=grpo.denominator(config.grpo),
        flat_teaches=grpo.flat_teaches(config.grpo),
        balance=config.grpo.balance_loss,
    )


def evaluated(
    config: RunConfig, policy: Policy, state: TrainState, sampler: Sampler, run: RunDirectory, step: int
) -> Judgement:
    """Judge the policy on the held-out tasks, keep every episode, and print the table."""
    console.say(f"evaluating on {config.evaluation.tasks} held-out tasks per scenario, greedy and sampled ...")
    for old in run.episodes.glob(f"step-{step:05d}-*.jsonl"):
        old.unlink()

    def keep(way: str, groups: Iterable[Group]) -> None:
        write_episodes(run.episodes / f"step-{step:05d}-{way}.jsonl", groups, policy.chat, step=step, way=way)

    acting, chat = config.rollout, policy.chat
    scores = judge(sampler, state.params, chat, config.tasks, config.evaluation, acting, seed=config.seed, keep=keep)
    console.scores(f"after {step} steps" if step else "before training", scores)
    return scores


def summarize(run: RunDirectory, steps: int, seconds: float) -> None:
    """Write summary.json and print the table before and after."""
    before, after = run.recall("before"), run.recall("after")
    ways = {"before": before, "after": after}
    scenarios = {
        name: {
            when: {**scores["greedy"][name], "sampled_reward": scores["sampled"][name]["reward"],
                   "sampled_success": scores["sampled"][name]["success"]}
            for when, scores in ways.items()
        }
        for name in after["greedy"]
    }  # fmt: skip
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
        source, model, chat = peek(config.policy)
        check(config, chat)
        console.say(describe(config, source, model, chat))
        return 0
    run = asked.resumed or distributed.first(lambda: RunDirectory.reserve(config, asked.name))
    policy = load_policy(config.policy)
    check(config, policy.chat)
    console.say(describe(config, str(policy.source), policy.config, policy.chat))
    if asked.resumed is None and distributed.is_first():
        run.begin(config)
    run = run.own_records()
    with interruptible() as asked_to_stop:
        interruption = distributed.shared(asked_to_stop)
        done = train(config, policy, run, interruption)
    if interruption.asked:
        console.say(f"stopped after step {done}; go on with: python -m jaxrlvr.train --resume {run.path}")
        return interruption.exit_code
    if distributed.is_first():
        summarize(run, done, time.monotonic() - began)
    return 0


if __name__ == "__main__":
    command(distributed.joined(main))
