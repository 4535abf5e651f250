"""Parse calls in Hermes JSON as strictly as real APIs read JSON: no NaN, no duplicate keys, no lone surrogates."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envs.api.operation import Json

_DEPTH = 64
"""Deepest nesting of arguments, more than any API accepts."""


@dataclass(frozen=True)
class ParsedCall:
    """A call read from text, not yet made."""

    name: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True)
class Malformed:
    """Text that was meant as a call but cannot be read as one."""

    error: str
    """malformed_json or malformed_call."""
    message: str
    """A sentence for the model."""


class NotJson(ValueError):
    """Text that is not JSON, or JSON that Python accepts but a real API does not; the message says why."""


def call_of(text: str) -> ParsedCall | Malformed:
    """Parse a JSON object with "name" and "arguments"."""
    try:
        value = load(text)
    except NotJson as error:
        return Malformed("malformed_json", f"The tool call {error}.")
    return call_from(value)


def call_from(value: Json) -> ParsedCall | Malformed:
    """Return the call that a parsed JSON value describes."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return Malformed("malformed_call", 'A tool call is an object with a "name" (string) and "arguments" (object).')
    arguments = value.get("arguments", {})
    if not isinstance(arguments, dict):
        return Malformed("malformed_call", f'The "arguments" of {value["name"][:80]} must be an object.')
    if deeper_than(arguments, _DEPTH):
        return Malformed("malformed_json", "The tool call is nested too deeply.")
    return ParsedCall(value["name"], arguments)


def load(text: str) -> Json:
    """Parse JSON text. Raises NotJson with a predicate to follow "The tool call"."""
    return load_first(text, whole=True)[0]


def load_first(text: str, start: int = 0, whole: bool = False) -> tuple[Json, int]:
    """Parse the JSON value at `start`; return it and the index of its end. Raises NotJson.

    With `whole`, the text must contain nothing else.
    """
    try:
        if whole:
            value, end = json.loads(text, object_pairs_hook=_unique, **_NUMBERS), len(text)
        else:
            value, end = _DECODER.raw_decode(text, start)
        json.dumps(value, ensure_ascii=False).encode()
    except _Refused as error:
        raise NotJson(f"is not valid JSON: {error}") from error
    except UnicodeEncodeError as error:
        raise NotJson("is not valid JSON: it has half of a surrogate pair") from error
    except json.JSONDecodeError as error:
        raise NotJson(f"is not valid JSON: {error.msg} at character {error.pos - start}") from error
    except RecursionError as error:
        raise NotJson("is nested too deeply") from error
    except ValueError as error:
        raise NotJson("is not valid JSON: a number has too many digits") from error
    return value, end


class _Refused(ValueError):
    """JSON that Python accepts but a real API does not."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise _Refused("a key stands twice in one object")
    return result


def _no_constant(name: str) -> float:
    raise _Refused(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Refused("a number is too large")
    return number


_NUMBERS: dict[str, Any] = {"parse_constant": _no_constant, "parse_float": _finite}
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, **_NUMBERS)


def deeper_than(value: Json, depth: int) -> bool:
    """Return whether a value is nested more than `depth` levels deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < 0 or any(deeper_than(item, depth - 1) for item in inner)
