"""GRPO on simulated APIs: `python -m jaxrlvr.train [configs/x.py] [--section.field value ...]`.

    task -> rollout -> trajectory -> verdict -> advantage -> batch -> loss -> update -> checkpoint

`train` below is the whole algorithm; each word of that line is a module. Without arguments the embedded seed learns on a laptop.
`--resume RUN` goes on from a run's last checkpoint; `--dry-run` says what would run and stops before compiling.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np

from jaxrlvr import console, grpo, metrics
from jaxrlvr.arguments import Arguments, read_arguments
from jaxrlvr.batch import Batch, Row, Suffix, pack
from jaxrlvr.checkpoint import Checkpoints
from jaxrlvr.config import RunConfig
from jaxrlvr.errors import command
from jaxrlvr.evaluate import Score, evaluate, write_episodes
from jaxrlvr.interrupt import Interruption
from jaxrlvr.learner import Learner, TrainState, make_optimizer
from jaxrlvr.plan import check_plan, describe
from jaxrlvr.policy import Policy, load_policy
from jaxrlvr.rollout import Group, rollout
from jaxrlvr.run import RunDirectory
from jaxrlvr.tasks import training_tasks


def train(config: RunConfig, policy: Policy, run: RunDirectory, interruption: Interruption) -> dict[str, Any]:
    """GRPO from the run's last checkpoint, or from the start, to `config.steps`. Returns the run's summary."""
    began, compiles = time.monotonic(), metrics.CompileCounter()
    sampler = policy.sampler(config.rollout)
    learner = make_learner(config, policy)
    checkpoints = Checkpoints(run.checkpoints, config.keep_checkpoints)
    state, done = learner.init(policy.params), 0
    if checkpoints.latest() is None:
        before = judge(config, policy, state, sampler, run, step=0)
        run.remember("before", before)
    else:
        done, state = checkpoints.restore(state)
        before = run.recall("before")
    log = metrics.MetricsLog(run.path, resume_from=done)

    for step in console.steps(done + 1, config.steps):
        figures: metrics.Figures = {}
        with timed(figures, "sample"):
            tasks = training_tasks(config.tasks, config.seed, step)
            groups = rollout(sampler, state.params, policy.chat, tasks, config.rollout, seed=config.seed, step=step)
        with timed(figures, "pack"):
            advantages = advantages_of(groups, config.grpo)
            batches = batches_of(groups, advantages, config, policy)
        with timed(figures, "update"):
            state, stats = learner.update(state, batches)
            figures |= metrics.update_figures(stats)
        figures |= metrics.rollout_figures(groups) | {"compiles": float(compiles.count)}
        log.write(step, figures)
        console.say(metrics.line(step, config.steps, figures))
        write_episodes(run.episodes / "train.jsonl", groups[:1], policy.chat, step=step)
        if interruption.asked or step % config.checkpoint_every == 0 or step == config.steps:
            checkpoints.save(step, state)
        interruption.stop_if_asked(step)

    log.close()
    checkpoints.close()
    after = judge(config, policy, state, sampler, run, step=config.steps)
    return summary(before, after, config, time.monotonic() - began)
