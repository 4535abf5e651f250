"""The command line of `train`: a config file, a run to resume, changes to single fields."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jaxrlvr.config import RunConfig, apply_arguments, differences, from_json, load_config
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.storage.run_directory import RunDirectory

PROGRAM = "python -m jaxrlvr.train [CONFIG.py]"
ABOUT = """Train with GRPO on verdicts of simulated APIs. Without CONFIG.py: configs/tiny.py.

--model DIR     start from a Hugging Face directory or hub id; the short form of --policy.model
--resume RUN    go on from the last checkpoint of a run directory
--force         with --resume: go on although a changed setting makes it another run
--dry-run       say what would run on this machine, its sizes and memory, or why it cannot, and stop

Each field of the config is an option, shown here with the value that it has in the config:"""
DEFAULT = Path(__file__).parents[2] / "configs" / "tiny.py"
HARMLESS = (
    "about",
    "steps",
    "checkpoint_every",
    "keep_checkpoints",
    "evaluation.tasks",
    "evaluation.every",
    "evaluation.batch",
    "guards.mismatch_kl",
    "guards.mismatch_gap",
    "guards.explode",
    "guards.max_skipped",
    "guards.max_faults",
    "guards.stall_seconds",
)
"""What may change when a run is resumed: the steps already made would have been the same."""
ROUNDING = (
    "policy.mesh.data",
    "policy.mesh.fsdp",
    "policy.mesh.tensor",
    "policy.sampling_mesh.data",
    "policy.sampling_mesh.fsdp",
    "policy.sampling_mesh.tensor",
    "policy.remat",
    "policy.attention",
    "learner.micro_groups",
    "learner.suffix_buckets",
    "learner.row_buckets",
    "rollout.prefix_buckets",
    "rollout.answer_chunk",
    "rollout.return_fraction",
    "rollout.slots",
    "rollout.share_prefixes",
)
"""What may change too, but other sums round otherwise: the run goes on and is no longer equal to the last bit."""


@dataclass(frozen=True)
class Arguments:
    """What was asked for."""

    config: RunConfig
    name: str
    """Names a new run's directory: the config file's stem."""
    dry_run: bool = False
    resumed: RunDirectory | None = None
    changed: tuple[str, ...] = ()
    """The settings in which a resumed run differs from its config.json."""


def read_arguments(arguments: list[str]) -> Arguments:
    """Read `[CONFIG.py] [--model X] [--resume RUN [--force]] [--dry-run] [--section.field value ...]`.

    Raises UserError for what cannot be.
    """
    rest = list(arguments)
    dry_run = "--dry-run" in rest
    force = "--force" in rest
    rest = [argument for argument in rest if argument not in ("--dry-run", "--force")]
    resume = take(rest, "--resume")
    model = take(rest, "--model")
    file = rest.pop(0) if rest and not rest[0].startswith("-") else None
    if resume is not None:
        if file is not None:
            raise UserError(f"--resume takes its config from the run: leave {file} out")
        return _resumed(resume, rest, model, dry_run, force)
    if force:
        raise UserError("--force goes with --resume: it lets a run go on with settings that change what it is")
    config = apply_arguments(load_config(file or str(DEFAULT), RunConfig), rest, PROGRAM, ABOUT)
    if model is not None:
        config = replace(config, policy=replace(config.policy, model=model))
    return Arguments(config, Path(file or DEFAULT).stem, dry_run)


def _resumed(resume: str, rest: list[str], model: str | None, dry_run: bool, force: bool) -> Arguments:
    run = RunDirectory.open(resume)
    stored = run.read_config(from_json, RunConfig)
    config = apply_arguments(stored, rest, PROGRAM, ABOUT)
    if model is not None:
        config = replace(config, policy=replace(config.policy, model=model))
    changed = differences(stored, config)
    if "rollout.asynchronous" in changed:
        held = "hold" if stored.rollout.asynchronous else "lack"
        raise UserError(
            f"{resume} cannot go on with another rollout.asynchronous, not even with --force: its checkpoints {held} "
            "the policy that samples ahead; start a new run from its weights, which python -m jaxrlvr.export writes"
        )
    refuse_harmful(resume, changed, HARMLESS + ROUNDING, force)
    return Arguments(config, "", dry_run, run, tuple(changed))


def refuse_harmful(run: str, changed: Sequence[str], allowed: Sequence[str], force: bool) -> None:
    """Raise UserError naming the changed settings that are not `allowed` to, unless forced."""
    harmful = [name for name in changed if name not in allowed]
    if harmful and not force:
        raise UserError(
            f"{run} cannot go on with another {', '.join(harmful)}: start a new run for that, "
            "or add --force if the figures need not be those of one run"
        )


def consequences(
    changed: Sequence[str], harmless: Sequence[str] = HARMLESS, of_rounding: Sequence[str] = ROUNDING
) -> str:
    """What to say of a run that goes on with these settings changed."""
    harmful = [name for name in changed if name not in (*harmless, *of_rounding)]
    rounding = [name for name in changed if name in of_rounding]
    said = f"going on with another {', '.join(changed)}"
    if harmful:
        return f"{said}; forced: {', '.join(harmful)} make it another run from here"
    return f"{said}; {', '.join(rounding)} may change the last digits" if rounding else said


def take(arguments: list[str], flag: str) -> str | None:
    """Remove `flag VALUE` or `flag=VALUE` from the arguments and return the value."""
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name != flag:
            continue
        if equals:
            del arguments[place]
            return value
        if place + 1 == len(arguments):
            raise UserError(f"{flag} needs a value")
        value = arguments[place + 1]
        del arguments[place : place + 2]
        return value
    return None
