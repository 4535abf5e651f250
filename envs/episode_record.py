"""The format of a stored episode: its fields, their valid values, and one sentence for every violation."""

from collections.abc import Callable, Mapping
from typing import Any

from envs.api.errors import EnvError
from envs.trace import ERRORS

Rule = tuple[Callable[[Any], bool], str, bool]
"""(predicate on the value, description of valid values, whether the field is required)."""
_SHOWN = 60
"""Longest excerpt of an invalid value, in characters."""


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _yes_or_no(value: Any) -> bool:
    return isinstance(value, bool)


def _object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _reward(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


EPISODE: Mapping[str, Rule] = {
    "task": (_object, "an object", True),
    "calls": (lambda value: isinstance(value, list), "a list of objects", True),
    "stopped": (_yes_or_no, "true or false", True),
    "answer": (_text, "a string", False),
    "trace_only": (_yes_or_no, "true or false", False),
    "digest": (_text, "a string", False),
    "rules": (_count, "an integer, 0 or more", False),
}
TASK: Mapping[str, Rule] = {
    "scenario": (_text, "a string", True),
    "seed": (_integer, "an integer", True),
    "split": (_text, "a string", True),
    "difficulty": (lambda value: _integer(value) and 1 <= value <= 5, "an integer from 1 to 5", False),
    "tools": (_count, "an integer, 0 or more", False),
}
CALL: Mapping[str, Rule] = {
    "name": (_text, "a string", True),
    "arguments": (_object, "an object", True),
    "status": (_count, "an integer, 0 or more", True),
    "body": (lambda value: True, "any value", True),
    "error": (lambda value: value == "" or value in ERRORS, f'"" or one of {", ".join(ERRORS)}', False),
    "turn": (_count, "an integer, 0 or more", False),
}
VERDICT: Mapping[str, Rule] = {
    "reward": (_reward, "a number from 0 to 1", True),
    "success": (_yes_or_no, "true or false", True),
}


def demand(what: str, fields: Mapping[str, Any], rules: Mapping[str, Rule], closed: bool = False) -> None:
    """Raise EnvError for the first missing or invalid field; if `closed`, also for the first field without a rule."""
    for name, (fits, expected, required) in rules.items():
        if name not in fields:
            if required:
                raise EnvError(f'{what} needs "{name}": {expected}')
        elif not fits(fields[name]):
            raise EnvError(f'"{name}" of {what} should be {expected}, not {shown(fields[name])}')
    if closed and (unknown := [name for name in fields if name not in rules]):
        raise EnvError(f"{what} has no field {shown(unknown[0])}; its fields are {', '.join(rules)}")


def shown(value: Any) -> str:
    """Return a value as ASCII text, cut to _SHOWN characters."""
    # Python refuses to convert integers with very many digits to text.
    if isinstance(value, int) and value.bit_length() > 4 * _SHOWN:
        return "a number that long"
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def check_episode(episode: Mapping[str, Any]) -> None:
    """Raise EnvError naming the field and the value unless this is a valid stored episode."""
    demand("a stored episode", episode, EPISODE)
    demand('a stored "task"', episode["task"], TASK, closed=True)
    for number, call in enumerate(episode["calls"], 1):
        if not isinstance(call, Mapping):
            raise EnvError(f"stored call {number} should be an object, not {shown(call)}")
        demand(f"stored call {number}", call, CALL, closed=True)


def check_verdict(verdict: Any) -> None:
    """Raise EnvError naming the field and the value unless this is a valid stored verdict."""
    if not isinstance(verdict, Mapping):
        raise EnvError(f'the "verdict" should be an object, not {shown(verdict)}')
    demand('a stored "verdict"', verdict, VERDICT)
