"""Laws of runs that are killed: whatever the instant, the resumed run equals the run that was never killed.

Each child is a real process that trains a very small model. It reports to its parent when it begins to sample, to
update, to write a checkpoint, to evaluate; the parent kills it at a random instant of such a phase, and starts the next
child in the same run directory. The children are forked from one process that has imported everything, so that each
costs seconds. A child that hangs prints its stacks and exits, which fails the test.
"""

import faulthandler
import hashlib
import json
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

PHASES = ("sampling", "update", "checkpoint", "evaluation")
STEPS = 4
LIMIT = 300
"""Seconds after which a child counts as hanging; it needs about five."""
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["jaxrlvr.train", "transformers.models.qwen2.tokenization_qwen2"])


def make_model(directory: Path) -> None:
    """A random model of one layer with the seed's tokenizer."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    import models
    from jaxrlvr.rollout.policy import SEED_MODEL, load_chat

    shape = replace(
        models.read_config(SEED_MODEL), hidden_size=16, num_layers=1, num_heads=2, num_kv_heads=1, head_dim=8,
        mlp_size=16,
    )  # fmt: skip
    graphdef, params = nnx.split(nnx.eval_shape(lambda: models.Decoder(shape, rngs=nnx.Rngs(0))))
    rng = np.random.default_rng(1)
    stop = load_chat(SEED_MODEL).stop_token

    def draw(path: Any, like: jax.ShapeDtypeStruct) -> jax.Array:
        name = jax.tree_util.keystr(path)
        value = (1.0 if "norm" in name else 0.0) + 0.3 * rng.standard_normal(like.shape)
        if "embedding" in name:
            value[stop] *= 5  # some turns end before they are cut off, some do not
        return jnp.asarray(value, like.dtype)

    drawn = jax.tree_util.tree_map_with_path(draw, params)
    models.save(nnx.merge(graphdef, drawn), directory, source_dir=SEED_MODEL)


def make_config(model: Path, run: Path, ahead: bool) -> Any:
    """Four steps of two tasks, a checkpoint in each, an evaluation after the second; all features that have state."""
    from jaxrlvr.config import RunConfig
    from jaxrlvr.evaluation.held_out import EvaluationConfig
    from jaxrlvr.learning.grpo import GRPOConfig
    from jaxrlvr.learning.learner import LearnerConfig
    from jaxrlvr.learning.optimizer import OptimizerConfig
    from jaxrlvr.monitoring.guards import GuardConfig
    from jaxrlvr.rollout.policy import PolicyConfig
    from jaxrlvr.rollout.rollout import RolloutConfig
    from jaxrlvr.rollout.tasks import TaskConfig

    return RunConfig(
        steps=STEPS,
        run_dir=str(run),
        checkpoint_every=1,
        policy=PolicyConfig(model=str(model)),
        tasks=TaskConfig(scenarios=("jira_create_issue", "jira_transition_ticket"), per_step=2, curriculum=True),
        rollout=RolloutConfig(
            group_size=2,
            max_turns=2,
            turn_tokens=8,
            prefix_buckets=(192,),
            suffix_buckets=(48,),
            answer_chunk=16,
            asynchronous=ahead,
        ),
        grpo=GRPOConfig(refills=1, correction="token" if ahead else "off"),
        learner=LearnerConfig(micro_groups=2, suffix_buckets=(48,)),
        optimizer=OptimizerConfig(learning_rate=1e-2),
        evaluation=EvaluationConfig(tasks=2, batch=2, every=2),
        guards=GuardConfig(mismatch_gap=1e-4),
    )


def child(model: Path, path: Path, cache: Path, ahead: bool, reports: Connection) -> None:
    """Start or resume the run in `path`; report when each phase begins and ends."""
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(cache)
    log = os.open(path.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.dump_traceback_later(LIMIT, exit=True, file=log)
    import envs
    from jaxrlvr import collection, train
    from jaxrlvr.evaluation import held_out
    from jaxrlvr.learning.learner import Learner
    from jaxrlvr.runtime.settings import to_json
    from jaxrlvr.storage.checkpoint import Checkpoints

    def report(owner: Any, name: str, phase: str) -> None:
        original = getattr(owner, name)

        def reporting(*arguments: Any, **settings: Any) -> Any:
            reports.send((phase, "begins", time.monotonic()))
            result = original(*arguments, **settings)
            reports.send((phase, "ends", time.monotonic()))
            return result

        setattr(owner, name, reporting)

    report(collection, "rollout", "sampling")
    report(held_out, "rollout", "evaluation")
    report(Learner, "update", "update")
    report(Checkpoints, "save", "checkpoint")
    verdict = envs.Episode.verdict
    # A random model calls nothing: here every turn is answered, and a longer one is better.
    envs.Episode.step = lambda self, text: (  # type: ignore[method-assign]
        setattr(self, "said", getattr(self, "said", "") + text),  # type: ignore[func-returns-value]
        envs.Reply(False, ('{"id": "12"}',)),
    )[1]
    envs.Episode.verdict = lambda self: replace(  # type: ignore[method-assign]
        verdict(self), reward=min(1.0, len(getattr(self, "said", "")) / 100)
    )
    if (path / "config.json").exists():
        arguments = ["--resume", str(path)]
    else:
        file = path.with_suffix(".py")
        text = to_json(make_config(model, path, ahead))
        file.write_text(
            "from jaxrlvr.config import RunConfig\nfrom jaxrlvr.runtime.settings import from_json\n\n\n"
            f"def config():\n    return from_json('''{text}''', RunConfig)\n"
        )
        arguments = [str(file)]
    code = train.main(arguments)
    reports.send(("end", str(code), time.monotonic()))


class Runs:
    """Starts and kills the children of one model."""

    def __init__(self, folder: Path, ahead: bool = False) -> None:
        self.folder, self.ahead = folder, ahead
        self.model = folder / "model"
        self.lengths: dict[str, list[float]] = {phase: [] for phase in PHASES}
        make_model(self.model)

    def go(self, path: Path, kill: tuple[str, int, float] | None = None) -> bool:
        """Start or resume the run in `path`; kill it in the n-th occurrence of a phase, at a fraction of the phase's
        usual length. Returns whether the run ended by itself.
        """
        receiver, sender = SERVER.Pipe(duplex=False)
        process = SERVER.Process(target=child, args=(self.model, path, self.folder / "compiled", self.ahead, sender))
        process.start()
        sender.close()
        seen, began, code = 0, 0.0, ""
        try:
            while not code:
                phase, what, moment = receiver.recv()
                if phase == "end":
                    code = what
                elif what == "begins":
                    began, seen = moment, seen + (kill is not None and phase == kill[0])
                    if kill is not None and phase == kill[0] and seen == kill[1]:
                        usual = sorted(self.lengths[phase])[len(self.lengths[phase]) // 2]
                        # A checkpoint goes on being written after `save` has returned.
                        time.sleep(kill[2] * (usual + 0.15 * (phase == "checkpoint")))
                        break
                else:
                    self.lengths[phase].append(moment - began)
        except EOFError:
            raise AssertionError(path.with_suffix(".log").read_text()[-3000:]) from None
        finally:
            if not code:
                process.kill()
            process.join()
            receiver.close()
        ended = code == "" or (code, process.exitcode) == ("0", 0)
        assert ended, path.with_suffix(".log").read_text()[-3000:]
        return code == "0"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """One model for all children."""
    return Runs(tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def whole(runs: Runs) -> dict[str, Any]:
    """The results of a run that was never killed."""
    path = runs.folder / "whole"
    assert runs.go(path)
    return left_behind(path)


def left_behind(path: Path) -> dict[str, Any]:
    """The figures of every step, the evaluations, the episodes, and a hash of the weights of the last checkpoint."""
    import jax
    import numpy as np

    from jaxrlvr.monitoring.metrics import MACHINE_DEPENDENT
    from jaxrlvr.preflight.load_trained import load_trained

    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(load_trained(str(path)).params):
        digest.update(np.asarray(leaf).tobytes())
    return {
        "figures": [{k: v for k, v in line.items() if not k.startswith(MACHINE_DEPENDENT)} for line in lines],
        "weights": digest.hexdigest(),
        **{name: json.loads((path / f"{name}.json").read_text()) for name in ("before", "after")},
        "evaluations": (path / "evaluations.jsonl").read_text(),
        "episodes": {file.name: file.read_text() for file in sorted((path / "episodes").iterdir())},
    }


def instants(count: int, rng: random.Random) -> Iterator[tuple[str, int, float]]:
    """Yield the phases in turn, each in its first or second occurrence, at a random fraction of it."""
    for number in range(count):
        yield PHASES[number % len(PHASES)], rng.choice((1, 1, 2)), rng.random()


def kill_and_compare(runs: Runs, whole: dict[str, Any], count: int, seed: int) -> None:
    """Kill `count` times; every run that reaches its end must equal the whole one."""
    number, path, kills = 0, runs.folder / f"run-{seed}-0", 0
    for kill in instants(10 * count, random.Random(seed)):
        if runs.go(path, kill):
            assert left_behind(path) == whole, f"run {number} after {kills} kills"
            number += 1
            path = runs.folder / f"run-{seed}-{number}"
        else:
            kills += 1
        if kills == count:
            break
    assert kills == count
    if path.exists():
        assert runs.go(path)
        assert left_behind(path) == whole, f"run {number} after {kills} kills"


def test_kill__at_random_instants_changes_nothing(runs: Runs, whole: dict[str, Any]) -> None:
    kill_and_compare(runs, whole, count=8, seed=0)


@pytest.mark.slow
def test_kill__a_hundred_times_changes_nothing(runs: Runs, whole: dict[str, Any]) -> None:
    kill_and_compare(runs, whole, count=100, seed=1)


@pytest.mark.slow
def test_kill__of_a_run_that_samples_ahead_changes_nothing(tmp_path: Path) -> None:
    runs = Runs(tmp_path, ahead=True)
    assert runs.go(tmp_path / "whole")
    whole = left_behind(tmp_path / "whole")
    assert [line["policy_lag"] for line in whole["figures"]] == [0, 1, 1, 1]
    kill_and_compare(runs, whole, count=12, seed=2)


def test_whole__has_what_a_kill_could_lose(whole: dict[str, Any]) -> None:
    figures = whole["figures"]
    assert [line["step"] for line in figures] == list(range(1, STEPS + 1))
    assert sum(line["update/grad_norm"] > 0 for line in figures) >= 3, "the weights must move"
    assert {line["groups/refills"] for line in figures} == {0, 1}, "some steps are refilled, some not"
    assert [json.loads(line)["step"] for line in whole["evaluations"].splitlines()] == [0, 2, STEPS]
