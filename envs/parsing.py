"""Model text -> calls, in Qwen3's Hermes form: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`.

Nothing that a model can write raises. What is no call becomes a `Malformed` with a sentence the model can act on.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envs.operation import Json

OPEN, CLOSE = "<tool_call>", "</tool_call>"
THOUGHT, END_OF_THOUGHT = "<think>", "</think>"
_DEPTH = 64
"""Deeper nesting than any API takes."""


@dataclass(frozen=True)
class Wanted:
    """A call that the text asks for."""

    name: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True)
class Malformed:
    """Text that was meant as a call and is none."""

    error: str
    """malformed_json or malformed_call."""
    message: str


class _Refused(ValueError):
    """JSON that Python would take and the real API would not."""


def parse_calls(text: str) -> list[Wanted | Malformed]:
    """The calls of one turn, in order; empty if there is none. Calls inside a thought do not count."""
    # The prompt may have opened the thought, so only its end is sure to be here; one that never ends was cut off.
    said = text.rpartition(END_OF_THOUGHT)[2].partition(THOUGHT)[0]
    calls: list[Wanted | Malformed] = []
    for part in said.split(OPEN)[1:]:
        inside, closed, _ = part.partition(CLOSE)
        if closed:
            calls.append(_parse_one(inside))
        else:
            calls.append(Malformed("malformed_json", f"The tool call is not closed: write {CLOSE} after its JSON."))
    return calls


def _parse_one(text: str) -> Wanted | Malformed:
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except _Refused as error:
        return Malformed("malformed_json", f"The tool call is not valid JSON: {error}.")
    except UnicodeEncodeError:
        return Malformed("malformed_json", "The tool call is not valid JSON: it has half of a surrogate pair.")
    except json.JSONDecodeError as error:
        return Malformed("malformed_json", f"The tool call is not valid JSON: {error.msg} at character {error.pos}.")
    except RecursionError:
        return Malformed("malformed_json", "The tool call is nested too deeply.")
    except ValueError:
        return Malformed("malformed_json", "The tool call is not valid JSON: a number has too many digits.")
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return Malformed("malformed_call", 'A tool call is an object with a "name" (string) and "arguments" (object).')
    arguments = value.get("arguments", {})
    if not isinstance(arguments, dict):
        return Malformed("malformed_call", f'The "arguments" of {value["name"][:80]} must be an object.')
    if _deeper_than(arguments, _DEPTH):
        return Malformed("malformed_json", "The tool call is nested too deeply.")
    return Wanted(value["name"], arguments)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Refused("a key stands twice in one object")
    return made


def _no_constant(name: str) -> float:
    raise _Refused(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Refused("a number is too large")
    return number


def _deeper_than(value: Json, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < 0 or any(_deeper_than(item, depth - 1) for item in inner)
