"""Settings: dataclass fields that declare their limits and resume rule, and configs as JSON.

A config is a frozen dataclass of settings and sections, which are such dataclasses themselves. Dotted names such as
`policy.mesh.data` or `stages.0.steps` address settings; elements of a tuple of sections have their index.
"""

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from jaxrlvr.runtime.errors import UserError

T = TypeVar("T")

OnResume = Literal["refused", "rounding", "harmless", "harmless_in_last"]
"""Whether a resumed run may change a setting: not without --force; yes, but sums round differently; yes, finished steps
do not depend on it; only in the last section of a tuple.
"""


def setting(
    default: Any,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    on_resume: OnResume = "refused",
    formerly: tuple[str, ...] = (),
) -> Any:
    """Return a dataclass field with a default, limits of its value, a resume rule, and names of earlier versions."""
    declared = declare(at_least=at_least, above=above, at_most=at_most, on_resume=on_resume, formerly=formerly)
    return dataclasses.field(default=default, metadata=declared)


def declare(
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    on_resume: OnResume = "refused",
    formerly: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the metadata of a setting: `setting` without a default."""
    limits = {"at_least": at_least, "above": above, "at_most": at_most}
    declared = {name: limit for name, limit in limits.items() if limit is not None}
    return declared | {"on_resume": on_resume, "formerly": formerly}


def sections(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted prefix, section) of a config and of every section in it: ("", config), ("policy.", ...), ..."""
    yield prefix, config
    for part in dataclasses.fields(config):
        value = getattr(config, part.name)
        if dataclasses.is_dataclass(value):
            yield from sections(value, f"{prefix}{part.name}.")
        elif isinstance(value, tuple) and any(map(dataclasses.is_dataclass, value)):
            for index, element in enumerate(value):
                yield from sections(element, f"{prefix}{part.name}.{index}.")


def names(config: Any) -> list[str]:
    """Return the dotted names of all settings."""
    return [
        prefix + part.name
        for prefix, section in sections(config)
        for part in dataclasses.fields(section)
        if not dataclasses.is_dataclass(getattr(section, part.name))
    ]


def former_names(config: Any) -> dict[str, str]:
    """Return the dotted names that settings had in earlier versions, each with the name that it has now."""
    return {
        prefix + old: prefix + part.name
        for prefix, section in sections(config)
        for part in dataclasses.fields(section)
        for old in part.metadata.get("formerly", ())
    }


def former_fields(kind: Any) -> dict[str, str]:
    """Return CLASS.OLD -> CLASS.NEW for the former names of settings in a config class and in its sections' classes."""
    if not dataclasses.is_dataclass(kind):
        return {old: new for part in get_args(kind) for old, new in former_fields(part).items()}
    renamed = {
        f"{kind.__name__}.{old}": f"{kind.__name__}.{part.name}"  # type: ignore[union-attr]
        for part in dataclasses.fields(kind)
        for old in part.metadata.get("formerly", ())
    }
    return renamed | {old: new for hint in get_type_hints(kind).values() for old, new in former_fields(hint).items()}


def flag(name: str) -> str:
    """Return the command line option of a setting."""
    return f"--{name.replace('_', '-')}"


def out_of_range(section: Any) -> Iterator[tuple[str, float, str]]:
    """Yield (name, value, allowed values) of each number of a section that is outside of its declared limits or not
    finite. Numbers without limits pass; sections inside of it are not visited.
    """
    for part in dataclasses.fields(section):
        value, limits = getattr(section, part.name), part.metadata
        if not isinstance(value, int | float) or isinstance(value, bool) or not (allowed := _in_words(limits)):
            continue
        above, below = limits.get("at_least", -math.inf) <= value, value <= limits.get("at_most", math.inf)
        if not (math.isfinite(value) and above and below and limits.get("above", -math.inf) < value):
            yield part.name, value, allowed


def check_limits(section: Any, prefix: str = "") -> None:
    """Raise UserError for the first number of a section that is outside of its limits, as an option of the command line
    whose name begins with the section's dotted prefix.
    """
    for name, value, allowed in out_of_range(section):
        raise UserError(f"{flag(prefix + name)} {value} is out of range: use {allowed}")


def _in_words(limits: Mapping[str, Any]) -> str:
    """Return the allowed values for a message; empty if there are no limits."""
    low, high = limits.get("at_least"), limits.get("at_most")
    if "above" in limits:
        return f"a number above {limits['above']}" + (f", at most {high}" if high is not None else "")
    if low is None or high is None:
        return f"{low} or more" if low is not None else f"{high} or less" if high is not None else ""
    return f"{low} to {high}"


def resume_rule(config: Any, name: str) -> OnResume:
    """Return the resume rule of a setting, by its name as `differences` gives it."""
    rule: OnResume = "refused"
    section, last = config, True
    for key in name.split("."):
        if isinstance(section, tuple):
            last, section = int(key) == len(section) - 1, section[int(key)]
            continue
        (part,) = [part for part in dataclasses.fields(section) if part.name == key]
        rule, section = part.metadata.get("on_resume", "refused"), getattr(section, key)
    if rule == "harmless_in_last":
        return "harmless" if last else "refused"
    return rule


def differences(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Return the dotted names of settings in which two configs of one class differ."""
    changed = []
    for part in dataclasses.fields(old):
        a, b = getattr(old, part.name), getattr(new, part.name)
        if dataclasses.is_dataclass(a) and type(a) is type(b):
            changed += differences(a, b, f"{prefix}{part.name}.")
        elif isinstance(a, tuple) and len(a) == len(b) and any(map(dataclasses.is_dataclass, a)):
            for index, (element, other) in enumerate(zip(a, b, strict=True)):
                changed += differences(element, other, f"{prefix}{part.name}.{index}.")
        elif a != b:
            changed.append(prefix + part.name)
    return changed


def to_json(config: Any) -> str:
    """Return a config as JSON text."""
    return json.dumps(dataclasses.asdict(config), indent=2) + "\n"


def from_json(text: str, kind: type[T]) -> T:
    """Return the config of class `kind` that `to_json` wrote, in this version or in an earlier one.

    Raises UserError naming keys that this version does not know, values of the wrong type, and missing fields;
    ValueError for text that is not JSON.
    """
    return _build(kind, json.loads(text), "")


def _build(kind: type[T], values: Any, prefix: str) -> T:
    if not isinstance(values, dict):
        raise UserError(f"config.json: {prefix.rstrip('.') or 'it'} is {values!r}, expected an object of settings")
    parts = dataclasses.fields(kind)  # type: ignore[arg-type]
    current = {old: part.name for part in parts for old in part.metadata.get("formerly", ()) if part.name not in values}
    values = {current.get(name, name): value for name, value in values.items()}
    hints = get_type_hints(kind)
    if unknown := sorted(set(values) - set(hints)):
        raise UserError(
            f"config.json has keys that this version does not know: {', '.join(prefix + name for name in unknown)}"
        )
    arguments = {name: _read(hints[name], value, prefix + name) for name, value in values.items()}
    required = [part.name for part in parts if part.default is part.default_factory is dataclasses.MISSING]
    if missing := [prefix + name for name in required if name not in arguments]:
        raise UserError(f"config.json lacks {', '.join(missing)}")
    return kind(**arguments)


def _read(hint: Any, value: Any, name: str) -> Any:
    """Convert a value from JSON to the declared type. Of a Literal only the type is checked here: the check of the
    whole config knows better messages.
    """
    if get_origin(hint) in (Union, UnionType):
        (hint,) = [option for option in get_args(hint) if option is not type(None)]
        if value is None:
            return None
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, f"{name}.")  # type: ignore[arg-type]
    if get_origin(hint) is tuple and isinstance(value, list):
        elements = _element_types(hint, len(value))
        if len(elements) == len(value):
            return tuple(_read(of, v, f"{name}.{n}") for n, (of, v) in enumerate(zip(elements, value, strict=True)))
    if get_origin(hint) is Literal:
        hint = type(get_args(hint)[0])
    if not _fits(value, hint):
        raise UserError(f"config.json: {name} is {value!r}, expected {_type_name(hint)}")
    return value


def wrong_types(config: Any) -> Iterator[str]:
    """Yield a message for each value that is not of the type that its field declares; Python itself does not check."""
    for prefix, section in sections(config):
        hints = get_type_hints(type(section))
        for part in dataclasses.fields(section):
            value, hint = getattr(section, part.name), hints[part.name]
            if not _fits(value, hint):
                yield f"{prefix}{part.name} is {value!r} and must be {_type_name(hint)}"


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        if not isinstance(value, tuple):
            return False
        elements = _element_types(hint, len(value))
        return len(value) == len(elements) and all(map(_fits, value, elements))
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(value, option) for option in get_args(hint))
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    return isinstance(value, hint)


def _element_types(hint: Any, count: int) -> tuple[Any, ...]:
    """Return the types of the elements of a tuple type, of which `tuple[int, ...]` has as many as wanted."""
    types = get_args(hint)
    return types[:1] * count if types[-1] is Ellipsis else types


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
