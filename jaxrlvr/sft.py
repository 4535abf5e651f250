"""Fine-tune on demonstrations: `python -m jaxrlvr.sft CONFIG.py [--out DIR] [--field value ...]`.

Or on recorded chats: `python -m jaxrlvr.sft CHATS.jsonl --model X [--out DIR] [--field value ...]`, with the settings
of `of_chats`, which options change: `--stages.0.steps 500`. `--lora.rank 16` trains adapters instead of the weights;
`--lora.alpha` and `--lora.targets` are as in `train`.

`run` below is the algorithm: one stage after the other, one update per step. DIR/training is the run directory:
config, checkpoints, metrics. `--resume DIR` continues from the last checkpoint.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx

import models
from envs.cli import program
from jaxrlvr.imitation.stages import (
    IMITATION,
    START,
    SFTConfig,
    Stage,
    batches,
    check_data,
    check_start,
    start_from_nothing,
)
from jaxrlvr.learning.batch import Batch, sampled_tokens
from jaxrlvr.learning.learner import Learner, TrainState, UpdateStats, trainable_state, with_frozen
from jaxrlvr.learning.optimizer import OptimizerConfig, check_frozen, make_optimizer
from jaxrlvr.monitoring.metrics import MetricsLog
from jaxrlvr.preflight.arguments import DEFAULT, Arguments, CommandLine, consequences, read_command_line
from jaxrlvr.preflight.config_file import load_config
from jaxrlvr.preflight.validation import trained_names
from jaxrlvr.rollout.policy import ADAPTER, load_chat
from jaxrlvr.runtime import console
from jaxrlvr.runtime.compilation_cache import use_compilation_cache
from jaxrlvr.runtime.errors import UserError, command
from jaxrlvr.runtime.interrupt import Interruption, interruptible
from jaxrlvr.runtime.resource_errors import explain_resource_errors
from jaxrlvr.runtime.settings import from_json, to_json
from jaxrlvr.runtime.watchdog import Watchdog
from jaxrlvr.storage import lock
from jaxrlvr.storage.checkpoint import Checkpoints
from jaxrlvr.storage.run_directory import RunDirectory

SEED = DEFAULT.with_name("seed.py")
ABOUT = """Fine-tune a model on demonstrations or recorded chats. Chats need a model: CHATS.jsonl --model DIR.

--resume DIR    continue a run from its last checkpoint; DIR was its --out
--force         with --resume: continue with changed settings that make it a different run

Each setting of CONFIG.py is an option, shown with the value of configs/seed.py as its default:"""
TRAINING = "training"
"""Name of the run directory inside the result; the result is a complete model without it."""
SHOWN = 50
"""Updates between lines on the console."""


@dataclass(frozen=True)
class Stretch:
    """A stage and the updates of the run that it makes: `begin` + 1 to `end`."""

    stage: Stage
    directory: Path
    """Directory of the exported model."""
    begin: int
    end: int


def run(config: SFTConfig, interruption: Interruption, resume: bool = False) -> bool:
    """Train all stages and write each stage's model, the last one's to `config.out`. Returns False if interrupted.

    Adapters are merged into the model; `config.out`/adapter contains them alone, as peft loads them. With `resume` the
    run continues from its last whole checkpoint. Raises UserError if `config.out` is in use or another process trains
    it, RunStopped if it cannot be written.
    """
    out, plan = Path(config.out), stretches(config)
    directory = run_directory(out)
    if not resume:
        check_unused(out)
    source = models.resolve(config.model) if config.model else out / "stages" / START
    with ExitStack() as stack:
        stack.enter_context(explain_resource_errors(out, "--micro-batch"))
        stack.enter_context(closing(directory.lock()))
        watchdog = stack.enter_context(Watchdog(config.stall_seconds, setting="--stall-seconds"))
        watchdog.report("loading the model")
        checkpoints = Checkpoints(directory.checkpoints, config.keep_checkpoints, owner=True)
        stack.enter_context(closing(checkpoints))
        if not config.model and checkpoints.latest() is None:
            check_start(config)
            directory.write_config(to_json(config))
            start_from_nothing(config, source)
        decoder, chat = models.load(source, lora=config.lora), load_chat(source)
        check_data(config, chat)
        for stretch in plan:
            check_frozen(stretch.stage.optimizer.frozen, trained_names(decoder.config))
        graphdef, params = nnx.split(decoder)
        done, state = resumed(plan, checkpoints, graphdef, params)
        if resume:
            console.say(f"continuing after update {done}" if done else "no checkpoint yet: starting from update 1")
        directory.write_config(to_json(config))
        report = stack.enter_context(closing(Report(directory, done)))
        for stretch in plan:
            if done > stretch.end and stretch is not plan[-1]:
                continue  # the checkpoint is of a later stage
            learner = learner_of(graphdef, stretch.stage)
            if state is None:
                state = learner.init(params)
            for step_batches in batches(chat, stretch.stage, config, done - stretch.begin):
                if interruption.requested:
                    break
                watchdog.report(f"making update {done + 1}")
                state, stats = learner.update(state, step_batches)
                done += 1
                report.update(stretch, done, stats, step_batches)
                if done % config.checkpoint_every == 0:
                    checkpoints.save(done, trainable_state(state))
            watchdog.report(f"writing the checkpoint and the model of update {done}")
            if done:
                checkpoints.save(done, trainable_state(state))
            if done < stretch.end:
                break
            write(config, nnx.merge(graphdef, state.params), stretch.directory, source)
            console.say(f"{stretch.stage.name}: wrote {stretch.directory}")
            params, state = state.params, None
        checkpoints.finish()
    if done < plan[-1].end:
        console.say(f"stopped after update {done}; continue with: python -m jaxrlvr.sft --resume {out}")
    return done >= plan[-1].end


def stretches(config: SFTConfig) -> list[Stretch]:
    """Return the stages that the run makes, from `config.first_stage` on, with their updates."""
    plan, begin, out = list[Stretch](), 0, Path(config.out)
    for stage in config.stages[config.first_stage :]:
        directory = out if stage is config.stages[-1] else out / "stages" / stage.name
        plan.append(Stretch(stage, directory, begin, begin + stage.steps))
        begin += stage.steps
    return plan


def run_directory(out: Path) -> RunDirectory:
    """Return the run directory inside the result."""
    return RunDirectory(out / TRAINING, option="--out")


def check_unused(out: Path) -> None:
    """Raise UserError if `out` contains anything but the lock of a process that was killed before it began."""
    if out.is_dir() and not any(file.is_file() and file.name != lock.NAME for file in out.rglob("*")):
        return
    if out.exists():
        begun = run_directory(out).config_file.is_file()
        hint = f", or continue with --resume {out}" if begun else ""
        raise UserError(f"{out} is not an empty directory: choose another --out{hint}")


def learner_of(graphdef: Any, stage: Stage) -> Learner:
    """Return a learner with the stage's optimizer and the imitation objective."""
    return Learner(graphdef, make_optimizer(stage.optimizer), IMITATION)


def resumed(
    plan: Sequence[Stretch], checkpoints: Checkpoints, graphdef: Any, params: Any
) -> tuple[int, TrainState | None]:
    """Return the updates made and the state of the newest whole checkpoint; 0 and None if there is none yet."""
    if checkpoints.latest() is None:
        return 0, None

    def fresh(step: int) -> TrainState:
        stretch = next((stretch for stretch in plan if step <= stretch.end), plan[-1])
        return learner_of(graphdef, stretch.stage).init(params)

    step, restored, _ = checkpoints.restore_by(lambda step: trainable_state(fresh(step)))
    checkpoints.forget_after(step)
    return step, with_frozen(restored, TrainState(params, None))


class Report:
    """Metrics of the updates after `done`: each to metrics.jsonl and TensorBoard, a console line every 50."""

    def __init__(self, directory: RunDirectory, done: int) -> None:
        self._log = MetricsLog(directory.path, done)
        self._recent: Sequence[Mapping[str, Any]] = directory.read_lines("metrics")[-SHOWN:]
        self._began = time.monotonic()

    def update(self, stretch: Stretch, step: int, stats: UpdateStats, step_batches: Sequence[Batch]) -> None:
        """Record an update. Raises UserError if none of the updates of the last console line was finite."""
        now = time.monotonic()
        figures = {
            "update/loss": float(stats.means.loss),
            "update/entropy": float(stats.means.entropy),
            "update/grad_norm": float(stats.grad_norm),
            "update/skipped": float(stats.skipped),
            "tokens/learned": float(sampled_tokens(step_batches)),
            "tokens/padded": float(sum(batch.prefix_BP.size + batch.suffix_BGT.size for batch in step_batches)),
            "seconds/update": now - self._began,
        }
        self._began = now
        self._log.write(step, figures)
        self._recent = [*self._recent, {"step": step, **figures}][-SHOWN:]
        number, stage = step - stretch.begin, stretch.stage
        if number % SHOWN == 0 or step == stretch.end:
            since_line = self._recent[-((number - 1) % SHOWN + 1) :]
            console.say(f"{stage.name} {number}/{stage.steps}  {line(since_line)}")
            check_finite(stage, since_line)

    def close(self) -> None:
        """Flush and close the metrics."""
        self._log.close()


def line(updates: Sequence[Mapping[str, Any]]) -> str:
    """Format the metrics of several updates as one console line."""
    seconds, tokens = (sum(figures[name] for figures in updates) for name in ("seconds/update", "tokens/padded"))
    return (
        f"loss {np.mean([figures['update/loss'] for figures in updates]):.4f}  "
        f"grad norm {updates[-1]['update/grad_norm']:.2f}  {tokens / max(seconds, 1e-9):,.0f} tokens/s  {seconds:.0f} s"
    )


def check_finite(stage: Stage, updates: Sequence[Mapping[str, Any]]) -> None:
    """Print how many of the updates were skipped. Raises UserError if all of them were."""
    skipped = int(sum(figures["update/skipped"] for figures in updates))
    if skipped:
        console.say(f"{stage.name}: skipped {skipped} of {len(updates)} updates, which were not finite")
    if skipped == len(updates):
        raise UserError(
            f"stage {stage.name!r} learns nothing: no update of the last {skipped} was finite; lower "
            "--stages.0.optimizer.learning-rate or look at the data"
        )


def write(config: SFTConfig, decoder: models.Decoder, directory: Path, source: Path) -> None:
    """Write a model as a Hugging Face directory, and its adapters, if any, to the directory's `adapter`."""
    models.save(decoder, directory, source_dir=source)
    if config.lora.rank:
        models.save_adapter(decoder, directory / ADAPTER, base=str(source))


def of_chats(file: str) -> SFTConfig:
    """Return the settings for a file of chats: one stage, in which up to four chats with the same prompt share it."""
    optimizer = OptimizerConfig(learning_rate=1e-5, warmup_steps=10)
    stage = Stage("chats", steps=100, optimizer=optimizer, chats=file, episodes=32, members=4)
    sizes = (256, 512, 1024, 2048, 4096)
    return SFTConfig((stage,), micro_batch=8, prefix_buckets=sizes, suffix_buckets=sizes)


def read_arguments(arguments: Sequence[str]) -> Arguments[SFTConfig]:
    """Read `CONFIG.py|CHATS.jsonl [--field value ...]` or `--resume DIR [--force] [--field value ...]`.

    Raises UserError for arguments that do not work, alone or together.
    """
    if arguments and arguments[0] in ("-h", "--help"):
        arguments = [str(SEED), *arguments]
    usage = f"{program('jaxrlvr.sft')} CONFIG.py|CHATS.jsonl"
    read = read_command_line(CommandLine(usage, ABOUT, _load, _open_run, _check_changes), arguments)
    first, *_ = read.config.stages
    if read.resumed is None and first.chats and not read.config.model:
        raise UserError(f"{first.chats} is a file of chats: name the model to train on them with --model")
    return read


def _load(file: str) -> SFTConfig:
    if not file:
        raise UserError("name a config file first: python -m jaxrlvr.sft configs/seed.py")
    if not file.endswith(".jsonl"):
        return load_config(file, SFTConfig)
    if not Path(file).is_file():
        raise UserError(f"no such file of chats: {file}")
    return of_chats(file)


def _open_run(out: str) -> tuple[RunDirectory, SFTConfig]:
    file = Path(out) / TRAINING / "config.json"
    if not file.is_file():
        raise UserError(f"{out} has no run of this command to continue: there is no {TRAINING}/config.json in it")
    try:
        return RunDirectory(file.parent), replace(from_json(file.read_text(encoding="utf-8"), SFTConfig), out=out)
    except (ValueError, TypeError) as error:
        raise UserError(f"{file} is not a run's config: {error}") from error


def _check_changes(run: str, stored: SFTConfig, changed: Sequence[str]) -> None:
    if "out" in changed:
        raise UserError("--resume continues in the run's own directory: leave out --out")


def main(arguments: list[str]) -> int:
    """Read the arguments and train. Exit code 130 after Ctrl-C."""
    read = read_arguments(arguments)
    if read.changed:
        console.say(consequences(read.config, read.changed))
    use_compilation_cache()
    with interruptible() as interruption:
        return 0 if run(read.config, interruption, resume=read.resumed is not None) else interruption.exit_code


if __name__ == "__main__":
    command(main)
