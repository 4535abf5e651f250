"""Fine-tune on demonstrations: `python -m jaxrlvr.sft CONFIG.py [--out DIR] [--field value ...]`.

Or on recorded chats: `python -m jaxrlvr.sft CHATS.jsonl --model X [--out DIR] [--field value ...]`. A file of chats is
imitated with the settings of `of_chats`, which fields change: `--stages.0.steps 500`. With `--lora.rank 16` adapters
are trained and not the weights; `--lora.alpha` and `--lora.targets` are as in `train`.

`run` below is the whole of it: stages one after the other, each an update for each of its steps. What a resumed run
needs is in DIR/training: the config, the checkpoints, the metrics. `--resume DIR` goes on from the last checkpoint.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from flax import nnx

import models
from jaxrlvr.config import apply_arguments, differences, from_json, load_config, to_json
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
from jaxrlvr.preflight.arguments import DEFAULT, consequences, refuse_harmful, take
from jaxrlvr.preflight.validation import trained_names
from jaxrlvr.rollout.policy import ADAPTER, load_chat
from jaxrlvr.runtime import console
from jaxrlvr.runtime.compilation_cache import use_compilation_cache
from jaxrlvr.runtime.errors import UserError, command
from jaxrlvr.runtime.interrupt import Interruption, interruptible
from jaxrlvr.runtime.resource_errors import explain_resource_errors
from jaxrlvr.runtime.watchdog import Watchdog
from jaxrlvr.storage import lock
from jaxrlvr.storage.atomic_files import records, write_whole
from jaxrlvr.storage.checkpoint import Checkpoints

PROGRAM = "python -m jaxrlvr.sft CONFIG.py|CHATS.jsonl"
SEED = DEFAULT.with_name("seed.py")
ABOUT = """Fine-tune on demonstrations, or on recorded chats: CHATS.jsonl --model DIR.

--resume DIR    go on from the last checkpoint of a directory that was --out
--force         with --resume: go on although a changed setting makes it another run

Each field of CONFIG.py is an option, shown here with its value in configs/seed.py:"""
TRAINING = "training"
"""The directory in a run's result of what a resumed run needs; the result is whole without it."""
SHOWN = 50
"""Updates between lines on the console."""
HARMLESS = ("checkpoint_every", "keep_checkpoints", "stall_seconds")
"""What may change when a run is resumed, beside the last stage's steps: the updates made would have been the same."""
ROUNDING = ("micro_batch", "prefix_buckets", "suffix_buckets")
"""What may change too, but other sums round otherwise."""


@dataclass(frozen=True)
class Stretch:
    """A stage and its place in the run, whose updates it makes from `begin` + 1 to `end`."""

    stage: Stage
    directory: Path
    """Where its result is written."""
    begin: int
    end: int


def run(config: SFTConfig, interruption: Interruption, resume: bool = False) -> bool:
    """Train all stages and write each stage's model, the last one to `config.out` itself. Returns whether that was
    reached before somebody asked to stop.

    Adapters are added to the weights; alone, as peft loads them, they are in the directory's `adapter`. With `resume`
    it goes on from the last whole checkpoint. Raises UserError if `config.out` holds anything else or another process
    trains it, RunStopped if it cannot be written.
    """
    out, plan = Path(config.out), stretches(config)
    if not resume:
        check_unused(out)
    source = models.resolve(config.model) if config.model else out / "stages" / START
    with ExitStack() as held:
        held.enter_context(explain_resource_errors(out, "--micro-batch"))
        held.enter_context(closing(locked(out)))
        watchdog = held.enter_context(Watchdog(config.stall_seconds, setting="--stall-seconds"))
        watchdog.report("loading the model")
        checkpoints = Checkpoints(out / TRAINING / "checkpoints", config.keep_checkpoints, owner=True)
        held.enter_context(closing(checkpoints))
        if not config.model and checkpoints.latest() is None:
            check_start(config)
            write_whole(out / TRAINING / "config.json", to_json(config))
            start_from_nothing(config, source)
        decoder, chat = models.load(source, lora=config.lora), load_chat(source)
        check_data(config, chat)
        for stretch in plan:
            check_frozen(stretch.stage.optimizer.frozen, trained_names(decoder.config))
        graphdef, params = nnx.split(decoder)
        done, state = resumed(plan, checkpoints, graphdef, params)
        if resume:
            console.say(f"going on after update {done}" if done else "there is no checkpoint: beginning again")
        write_whole(out / TRAINING / "config.json", to_json(config))
        report = held.enter_context(closing(Report(out / TRAINING, done)))
        for stretch in plan:
            if done > stretch.end and stretch is not plan[-1]:
                continue  # a later stage's checkpoint was taken
            learner = learner_of(graphdef, stretch.stage)
            if state is None:
                state = learner.init(params)
            for step_batches in batches(chat, stretch.stage, config, done - stretch.begin):
                if interruption.asked:
                    break
                watchdog.report(f"making update {done + 1}")
                state, stats = learner.update(state, step_batches)
                done += 1
                report.update(stretch, done, stats, step_batches)
                if done % config.checkpoint_every == 0:
                    checkpoints.save(done, trainable_state(state))
            watchdog.report(f"writing what update {done} led to")
            if done:
                checkpoints.save(done, trainable_state(state))
            if done < stretch.end:
                break
            write(config, nnx.merge(graphdef, state.params), stretch.directory, source)
            console.say(f"{stretch.stage.name}: wrote {stretch.directory}")
            params, state = state.params, None
        checkpoints.finish()
    if done < plan[-1].end:
        console.say(f"stopped after update {done}; go on with: python -m jaxrlvr.sft --resume {out}")
    return done >= plan[-1].end


def stretches(config: SFTConfig) -> list[Stretch]:
    """The stages that a run makes, from `config.first_stage` on."""
    found, begin, out = list[Stretch](), 0, Path(config.out)
    for stage in config.stages[config.first_stage :]:
        directory = out if stage is config.stages[-1] else out / "stages" / stage.name
        found.append(Stretch(stage, directory, begin, begin + stage.steps))
        begin += stage.steps
    return found


def check_unused(out: Path) -> None:
    """Raise UserError if there is anything at `out` but what a process leaves that was killed before it began."""
    if out.is_dir() and not any(file.is_file() and file.name != lock.NAME for file in out.rglob("*")):
        return
    if out.exists():
        begun = (out / TRAINING / "config.json").is_file()
        more = f", or go on with --resume {out}" if begun else ""
        raise UserError(f"{out} is not an empty directory: choose another --out{more}")


def locked(out: Path) -> IO[str]:
    """Keep other processes from training this result until the returned file is closed; UserError if one does."""
    try:
        (out / TRAINING).mkdir(parents=True, exist_ok=True)
        return lock.locked(out / TRAINING)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another --out") from error


def learner_of(graphdef: Any, stage: Stage) -> Learner:
    """The learner with the stage's optimizer, which imitates."""
    return Learner(graphdef, make_optimizer(stage.optimizer), IMITATION)


def resumed(
    plan: Sequence[Stretch], checkpoints: Checkpoints, graphdef: Any, params: Any
) -> tuple[int, TrainState | None]:
    """The updates made and the state of the newest whole checkpoint; 0 and None if there is none yet."""
    if checkpoints.latest() is None:
        return 0, None

    def fresh(step: int) -> TrainState:
        stretch = next((one for one in plan if step <= one.end), plan[-1])
        return learner_of(graphdef, stretch.stage).init(params)

    step, restored, _ = checkpoints.restore_by(lambda step: trainable_state(fresh(step)))
    checkpoints.forget_after(step)
    return step, with_frozen(restored, TrainState(params, None))


class Report:
    """What a run tells of its updates after `done`: each in metrics.jsonl and TensorBoard, every 50 on the console."""

    def __init__(self, directory: Path, done: int) -> None:
        self._log = MetricsLog(directory, done)
        self._told: Sequence[Mapping[str, Any]] = records(directory / "metrics.jsonl")[-SHOWN:]
        self._began = time.monotonic()

    def update(self, stretch: Stretch, step: int, stats: UpdateStats, step_batches: Sequence[Batch]) -> None:
        """Note an update. Raises UserError if none of the last ones was finite."""
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
        self._told = [*self._told, {"step": step, **figures}][-SHOWN:]
        number, stage = step - stretch.begin, stretch.stage
        if number % SHOWN == 0 or step == stretch.end:
            recent = self._told[-((number - 1) % SHOWN + 1) :]
            console.say(f"{stage.name} {number}/{stage.steps}  {line(recent)}")
            check_finite(stage, recent)

    def close(self) -> None:
        """Flush and close the metrics."""
        self._log.close()


def line(told: Sequence[Mapping[str, Any]]) -> str:
    """The figures of some updates in a line."""
    seconds, tokens = (sum(figures[name] for figures in told) for name in ("seconds/update", "tokens/padded"))
    return (
        f"loss {np.mean([figures['update/loss'] for figures in told]):.4f}  "
        f"grad norm {told[-1]['update/grad_norm']:.2f}  {tokens / max(seconds, 1e-9):,.0f} tokens/s  {seconds:.0f} s"
    )


def check_finite(stage: Stage, told: Sequence[Mapping[str, Any]]) -> None:
    """Say how many of some updates were skipped. Raises UserError if all of them were."""
    lost = int(sum(figures["update/skipped"] for figures in told))
    if lost:
        console.say(f"{stage.name}: skipped {lost} of {len(told)} updates, which were not finite")
    if lost == len(told):
        raise UserError(
            f"stage {stage.name!r} learns nothing: no update of the last {lost} was finite; lower "
            "--stages.0.optimizer.learning-rate or look at the data"
        )


def write(config: SFTConfig, decoder: models.Decoder, directory: Path, source: Path) -> None:
    """Write a model as a Hugging Face directory, with its adapters beside it if it has some."""
    models.save(decoder, directory, source_dir=source)
    if config.lora.rank:
        models.save_adapter(decoder, directory / ADAPTER, base=str(source))


def of_chats(file: str) -> SFTConfig:
    """One stage on a file of chats: up to four with one prompt share it."""
    optimizer = OptimizerConfig(learning_rate=1e-5, warmup_steps=10)
    stage = Stage("chats", steps=100, optimizer=optimizer, chats=file, episodes=32, members=4)
    sizes = (256, 512, 1024, 2048, 4096)
    return SFTConfig((stage,), micro_batch=8, prefix_buckets=sizes, suffix_buckets=sizes)


def read_arguments(arguments: list[str]) -> tuple[SFTConfig, bool]:
    """Read `CONFIG.py|CHATS.jsonl [--field value ...]` or `--resume DIR [--force] [--field value ...]`: the config, and
    whether its run is to be taken up again. Raises UserError for what cannot be.
    """
    rest = [argument for argument in arguments if argument != "--force"]
    force, resume = len(rest) < len(arguments), take(rest, "--resume")
    if rest and rest[0] in ("-h", "--help"):
        rest = [str(SEED), *rest]
    file = rest.pop(0) if rest and not rest[0].startswith("-") else None
    if resume is not None:
        if file is not None:
            raise UserError(f"--resume takes its config from the run: leave {file} out")
        return _resumed(resume, rest, force), True
    if force:
        raise UserError("--force goes with --resume: it lets a run go on with settings that change what it is")
    if file is None:
        raise UserError("name a config file first: python -m jaxrlvr.sft configs/seed.py")
    usual = of_chats(file) if file.endswith(".jsonl") else load_config(file, SFTConfig)
    config = apply_arguments(usual, rest, PROGRAM, ABOUT)
    if file.endswith(".jsonl") and not config.model:
        raise UserError(f"{file} is a file of chats: name the model that shall learn them with --model")
    return config, False


def _resumed(out: str, rest: list[str], force: bool) -> SFTConfig:
    file = Path(out) / TRAINING / "config.json"
    if not file.is_file():
        raise UserError(f"{out} holds no run of this command to go on with: it has no {TRAINING}/config.json")
    try:
        stored = replace(from_json(file.read_text(encoding="utf-8"), SFTConfig), out=out)
    except (ValueError, TypeError) as error:
        raise UserError(f"{file} is not a run's config: {error}") from error
    config = apply_arguments(stored, rest, PROGRAM, ABOUT)
    changed = tuple(differences(stored, config))
    harmless = (*HARMLESS, f"stages.{len(stored.stages) - 1}.steps")
    if "out" in changed:
        raise UserError("--resume goes on in its own directory: leave --out out")
    refuse_harmful(out, changed, harmless + ROUNDING, force)
    if changed:
        console.say(consequences(changed, harmless, ROUNDING))
    return config


def main(arguments: list[str]) -> int:
    """Read the arguments and train. Exit code 130 after Ctrl-C."""
    config, resume = read_arguments(arguments)
    use_compilation_cache()
    with interruptible() as interruption:
        return 0 if run(config, interruption, resume) else interruption.exit_code


if __name__ == "__main__":
    command(main)
