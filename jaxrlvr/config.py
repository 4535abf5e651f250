"""What a run is: one frozen record, written as a Python file in `configs/` and changed on the command line.

Each part is declared beside the code that reads it; this file only puts them together and applies `--section.field
value`.
"""

import contextlib
import dataclasses
import difflib
import importlib.util
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import tyro

from jaxrlvr.evaluation.held_out import EvaluationConfig
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.learner import LearnerConfig
from jaxrlvr.learning.optimizer import OptimizerConfig
from jaxrlvr.monitoring.guards import GuardConfig
from jaxrlvr.rollout.policy import PolicyConfig
from jaxrlvr.rollout.rollout import RolloutConfig
from jaxrlvr.rollout.tasks import TaskConfig
from jaxrlvr.runtime.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class RunConfig:
    """A training run."""

    about: str = ""
    """What the run needs and how long it takes, for people."""
    steps: int = 40
    """Updates in all."""
    seed: int = 0
    """Fixes tasks, sampling and everything else that is drawn."""
    run_dir: str = ""
    """Where the run is written; empty for a new directory under runs/."""
    checkpoint_every: int = 5
    """Steps between checkpoints; the last step always makes one."""
    keep_checkpoints: int = 2
    """Older checkpoints are deleted."""
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    tasks: TaskConfig = field(default_factory=TaskConfig)
    rollout: RolloutConfig = field(default_factory=RolloutConfig)
    grpo: GRPOConfig = field(default_factory=GRPOConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    guards: GuardConfig = field(default_factory=GuardConfig)


def load_config(path: str, kind: type[T]) -> T:
    """The result of `config()` in a Python file. Raises UserError if the file has no such function or it gives another
    kind.
    """
    file = Path(path)
    if not file.is_file():
        known = (
            ", ".join(sorted(str(p) for p in file.parent.glob("*.py") if p.stem != "__init__"))
            if file.parent.is_dir()
            else ""
        )
        raise UserError(f"no such config file: {path}" + (f"; there are {known}" if known else ""))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (UserError, KeyboardInterrupt):
        raise
    except Exception as error:  # whatever a user's file raises is the user's to mend
        raise UserError(f"{path} does not run: {type(error).__name__}: {error}") from error
    make = getattr(module, "config", None)
    try:
        made = make() if callable(make) else None
    except (UserError, KeyboardInterrupt):
        raise
    except Exception as error:  # as above
        raise UserError(f"{path}: config() fails: {type(error).__name__}: {error}") from error
    if not isinstance(made, kind):
        raise UserError(f"{path} has no function config() that returns a {kind.__name__}")
    if wrong := list(_misfits(made)):
        raise UserError(f"{path}: {'; '.join(wrong)}")
    return made


def _misfits(section: Any, prefix: str = "") -> Iterator[str]:
    """What is wrong with each value that is not of the kind its field declares; Python itself does not look."""
    hints = get_type_hints(type(section))
    for part in dataclasses.fields(section):
        name, value, hint = prefix + part.name, getattr(section, part.name), hints[part.name]
        if not _fits(value, hint):
            kind = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
            yield f"{name} is {value!r} and must be {kind}"
        elif dataclasses.is_dataclass(value):
            yield from _misfits(value, f"{name}.")


def _fits(value: Any, hint: Any) -> bool:
    kinds = get_args(hint)
    if get_origin(hint) is Literal:
        return value in kinds
    if get_origin(hint) is tuple:
        if not isinstance(value, tuple):
            return False
        every = kinds[:1] * len(value) if kinds[-1] is Ellipsis else kinds
        return len(value) == len(every) and all(map(_fits, value, every))
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(value, kind) for kind in kinds)
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    return isinstance(value, hint)


def apply_arguments(config: T, arguments: Sequence[str], program: str, about: str | None = None) -> T:
    """`config` with `--section.field value` arguments applied. Raises UserError for a value of the wrong kind, and for
    an unknown key with the nearest known ones. `program` and `about` head the text of --help.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            changed, unknown = tyro.cli(
                type(config),
                default=config,
                args=list(arguments),
                prog=program,
                description=about,
                return_unknown_args=True,
                config=(tyro.conf.AvoidSubcommands,),
            )
    except SystemExit as ended:
        if not ended.code:
            raise  # --help
        raise UserError(_one_line(said.getvalue())) from None
    if unknown:
        flags = [f"--{name}".replace("_", "-") for name in _keys(config)]
        near = difflib.get_close_matches(unknown[0].split("=")[0].replace("_", "-"), flags, n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; --help lists them all"
        raise UserError(f"unknown argument {unknown[0]}{hint}")
    return changed


def _one_line(boxed: str) -> str:
    """What tyro says in a box of several lines: below its title, above its rule."""
    lines = [line.strip(" │╭╮╰╯─") for line in boxed.splitlines()]
    said = [line for line in lines if line.strip("-")][1:]
    ends = [n for n, line in enumerate(said) if line.startswith(("Argument helptext", "For full helptext"))]
    return " ".join(said[: ends[0] if ends else None])


def _keys(config: Any, prefix: str = "") -> list[str]:
    keys = []
    for part in dataclasses.fields(config):
        value = getattr(config, part.name)
        keys += _keys(value, f"{prefix}{part.name}.") if dataclasses.is_dataclass(value) else [prefix + part.name]
    return keys


def to_json(config: Any) -> str:
    """The config as JSON text, for the run directory."""
    return json.dumps(dataclasses.asdict(config), indent=2) + "\n"


def from_json(text: str, kind: type[T] = RunConfig) -> T:  # type: ignore[assignment]
    """The config that `to_json` wrote. Raises UserError naming keys that this version does not know, values of the
    wrong kind, and fields without which there is no config.
    """
    return _build(kind, json.loads(text), "")


def _build(kind: type[T], values: Any, where: str) -> T:
    if not isinstance(values, dict):
        raise UserError(f"config.json: {where.rstrip('.') or 'it'} is {values!r}, expected an object of settings")
    hints = get_type_hints(kind)
    if strange := sorted(set(values) - set(hints)):
        raise UserError(
            f"config.json has keys that this version does not know: {', '.join(where + name for name in strange)}"
        )
    made = {name: _read(hints[name], value, where + name) for name, value in values.items()}
    usual = {part.name: (part.default, part.default_factory) for part in dataclasses.fields(kind)}  # type: ignore[arg-type]
    lacking = [name for name, told in usual.items() if all(one is dataclasses.MISSING for one in told)]
    if lost := [where + name for name in lacking if name not in made]:
        raise UserError(f"config.json lacks {', '.join(lost)}")
    return kind(**made)


def _read(hint: Any, value: Any, where: str) -> Any:
    """A stored value as what its field declares; of kinds that are words the check of the whole config knows more."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = [one for one in get_args(hint) if one is not type(None)]
        if value is None:
            return None
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, f"{where}.")  # type: ignore[arg-type]
    if get_origin(hint) is tuple and isinstance(value, list):
        kinds = get_args(hint)
        every = kinds[:1] * len(value) if kinds[-1] is Ellipsis else kinds
        if len(every) == len(value):
            return tuple(_read(of, one, f"{where}.{n}") for n, (of, one) in enumerate(zip(every, value, strict=True)))
    if get_origin(hint) is Literal:
        hint = type(get_args(hint)[0])
    if not _fits(value, hint):
        name = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
        raise UserError(f"config.json: {where} is {value!r}, expected {name}")
    return value


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """The names of fields in which two configs differ."""
    found = []
    for part in dataclasses.fields(old):
        a, b = getattr(old, part.name), getattr(new, part.name)
        if dataclasses.is_dataclass(a) and type(a) is type(b):
            found += differences(a, b, f"{where}{part.name}.")
        elif isinstance(a, tuple) and len(a) == len(b) and any(map(dataclasses.is_dataclass, a)):
            for number, pair in enumerate(zip(a, b, strict=True)):
                found += differences(*pair, f"{where}{part.name}.{number}.")
        elif a != b:
            found.append(where + part.name)
    return found
