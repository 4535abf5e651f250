"""Command lines of the commands that train: a config file or a run to resume, and options that change settings.

`read_command_line` reads those of `train` and `sft`; `read_arguments` is `train`'s.
"""

import contextlib
import difflib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Generic, TypeVar

import tyro

from envs.cli import program
from envs.reward.verdict import RULES
from jaxrlvr.config import RunConfig
from jaxrlvr.preflight.config_file import load_config
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import differences, flag, former_names, names, resume_rule, sections
from jaxrlvr.storage.run_directory import SCORING_RULES, RunDirectory

T = TypeVar("T")

ABOUT = """Train a model with GRPO on tasks of simulated APIs. Without CONFIG.py: configs/tiny.py.

--model DIR     start from a Hugging Face directory or hub id; short for --policy.model
--resume RUN    continue a run directory from its last checkpoint
--force         with --resume: continue with changed settings that make it a different run
--dry-run       print model, devices, memory and first prompt, or why the run cannot work here, and exit

Each setting of the config is an option, shown with the config's value as its default:"""
DEFAULT = Path(__file__).parents[2] / "configs" / "tiny.py"


@dataclass(frozen=True)
class CommandLine(Generic[T]):
    """The command line of a command that trains, with configs of class T."""

    program: str
    """The usage that --help shows."""
    about: str
    """The text of --help above the options."""
    load: Callable[[str], T]
    """File named on the command line, empty for none -> config."""
    open_run: Callable[[str], tuple[RunDirectory, T]]
    """Directory after --resume -> the run and its stored config."""
    check_changes: Callable[[str, T, Sequence[str]], None]
    """(directory, stored config, changed settings): raises UserError for changes that not even --force allows."""


@dataclass(frozen=True)
class Arguments(Generic[T]):
    """A command line that was read."""

    config: T
    name: str
    """The config file's stem, after which a new run's directory is named; empty for a resumed run."""
    dry_run: bool = False
    resumed: RunDirectory | None = None
    changed: tuple[str, ...] = ()
    """The settings in which a resumed run differs from its stored config."""


def read_arguments(arguments: Sequence[str]) -> Arguments[RunConfig]:
    """Read `[CONFIG.py] [--model X] [--resume RUN [--force]] [--dry-run] [--section.field value ...]`.

    Raises UserError for arguments that do not work, alone or together.
    """
    rest = [argument for argument in arguments if argument != "--dry-run"]
    model = take(rest, "--model")
    if model is not None:
        rest.append(f"--policy.model={model}")
    usage = f"{program('jaxrlvr.train')} [CONFIG.py]"
    read = read_command_line(CommandLine(usage, ABOUT, _load, _open_run, _check_changes), rest)
    if read.resumed and "--force" not in arguments:
        _check_rules(read.resumed)
    return replace(read, name=read.name or DEFAULT.stem, dry_run="--dry-run" in arguments)


def read_command_line(command: CommandLine[T], arguments: Sequence[str]) -> Arguments[T]:
    """Read `[FILE] [--resume RUN [--force]] [--section.field value ...]`.

    Raises UserError for arguments that do not work, alone or together.
    """
    rest = [argument for argument in arguments if argument != "--force"]
    force, resume = len(rest) < len(arguments), take(rest, "--resume")
    file = rest.pop(0) if rest and not rest[0].startswith("-") else ""
    if resume is None:
        if force:
            raise UserError("--force needs --resume: it continues a run with settings that make it a different one")
        return Arguments(apply_arguments(command.load(file), rest, command.program, command.about), Path(file).stem)
    if file:
        raise UserError(f"--resume takes the config from the run: leave out {file}")
    run, stored = command.open_run(resume)
    config = apply_arguments(stored, rest, command.program, command.about)
    changed = differences(stored, config)
    command.check_changes(resume, stored, changed)
    refused = [name for name in changed if resume_rule(stored, name) == "refused"]
    if refused and not force:
        raise UserError(
            f"{resume} cannot continue with a different {', '.join(refused)}: start a new run, "
            "or add --force to continue as a different run"
        )
    return Arguments(config, "", resumed=run, changed=tuple(changed))


def consequences(config: object, changed: Sequence[str]) -> str:
    """Return a message on what the changed settings of a resumed run mean for it."""
    rules = {name: resume_rule(config, name) for name in changed}
    forced = [name for name in changed if rules[name] == "refused"]
    rounding = [name for name in changed if rules[name] == "rounding"]
    message = f"continuing with a different {', '.join(changed)}"
    if forced:
        return f"{message}; forced: from here on, {', '.join(forced)} make it a different run"
    return f"{message}; {', '.join(rounding)} may change the last digits of results" if rounding else message


def apply_arguments(config: T, arguments: Sequence[str], program: str, about: str | None = None) -> T:
    """Return `config` with `--section.field value` arguments applied; `program` and `about` head the text of --help.

    Raises UserError for a value of the wrong type, for a setting's former name with its present one, and for an unknown
    option with the most similar ones.
    """
    options = [argument.split("=")[0].replace("_", "-") for argument in arguments if argument.startswith("--")]
    former = {flag(old): flag(new) for old, new in former_names(config).items()}
    # A switch is negated as --section.no-field.
    former |= {_negated(old): _negated(new) for old, new in former.items()}
    if renamed := [f"{option} is now {former[option]}" for option in options if option in former]:
        raise UserError("; ".join(renamed))
    stderr = io.StringIO()
    try:
        with contextlib.redirect_stderr(stderr):
            changed, unknown = tyro.cli(
                type(config),
                default=config,
                args=list(arguments),
                prog=program,
                description=about,
                return_unknown_args=True,
                config=(tyro.conf.AvoidSubcommands,),
            )
    except SystemExit as exit:
        if not exit.code:
            raise  # --help
        raise UserError(_wrong_value(_one_line(stderr.getvalue()))) from None
    if unknown:
        raise UserError(_unknown(config, unknown[0], arguments))
    return changed


def _unknown(config: object, argument: str, arguments: Sequence[str]) -> str:
    """Return a message on an argument that tyro does not know, which may be a value written after a switch."""
    switches: dict[str, str] = {}
    for prefix, section in sections(config):
        for part in fields(section):
            if isinstance(getattr(section, part.name), bool):
                switch = flag(prefix + part.name)
                switches |= {switch: switch, _negated(switch): switch}
    words = [word for given in arguments for word in given.split("=", 1)]
    for before, word in pairwise(words):
        name = before.replace("_", "-")
        if word == argument and not word.startswith("-") and name in switches:
            switch = switches[name]
            return f"{name} takes no value, not {argument!r}: write {switch} or {_negated(switch)}"
    option = argument.split("=")[0].replace("_", "-")
    similar = difflib.get_close_matches(option, map(flag, names(config)), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(similar)}?" if similar else "see --help"
    return f"unknown argument {argument}; {hint}"


def _wrong_value(message: str) -> str:
    """Return tyro's message on a value: for a number the option, the value and the type."""
    number = r"Error parsing (\S+): (?:invalid literal for (int)\(\).*?|could not convert string to (float)): (.*)"
    if match := re.fullmatch(number, message):
        option, whole, real, value = match.groups()
        return f"{option} is {value}, expected {whole or real}"
    return f"{message.removeprefix('Error parsing ').split(' Got errors:')[0].rstrip('.')}; see --help"


def _negated(option: str) -> str:
    section, dot, name = option.removeprefix("--").rpartition(".")
    return f"--{section}{dot}no-{name}"


def _one_line(boxed: str) -> str:
    """Return tyro's message, which it prints in a box of several lines: below its title, above its rule."""
    lines = [line.strip(" │╭╮╰╯─") for line in boxed.splitlines()]
    message = [line for line in lines if line.strip("-")][1:]
    ends = [n for n, line in enumerate(message) if line.startswith(("Argument helptext", "For full helptext"))]
    return " ".join(message[: ends[0] if ends else None])


def take(arguments: list[str], option: str) -> str | None:
    """Remove `OPTION VALUE` or `OPTION=VALUE` from the arguments and return the value; None if it is not there."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name != option:
            continue
        if equals:
            del arguments[index]
            return value
        if index + 1 == len(arguments):
            raise UserError(f"{option} needs a value")
        value = arguments[index + 1]
        del arguments[index : index + 2]
        return value
    return None


def _check_changes(run: str, stored: RunConfig, changed: Sequence[str]) -> None:
    if "rollout.asynchronous" in changed:
        contain = "contain" if stored.rollout.asynchronous else "lack"
        raise UserError(
            f"{run} cannot continue with a different rollout.asynchronous, not even with --force: its checkpoints "
            f"{contain} the policy that samples ahead; start a new run from its weights: python -m jaxrlvr.export"
        )


def _check_rules(run: RunDirectory) -> None:
    """Raise UserError for a run whose episodes were scored by the rules of another version."""
    rules = run.load_result(SCORING_RULES) or 1
    if rules != RULES and (run.path / "metrics.jsonl").exists():
        raise UserError(
            f"{run.path} was scored by version {rules} of the rules of rewards, and this is version {RULES}: "
            "its figures would mean two things. Start a new run from its weights (python -m jaxrlvr.export), or add "
            "--force to continue as a different run"
        )


def _load(file: str) -> RunConfig:
    return load_config(file or str(DEFAULT), RunConfig)


def _open_run(path: str) -> tuple[RunDirectory, RunConfig]:
    run = RunDirectory.open(path)
    return run, run.read_config(RunConfig)
