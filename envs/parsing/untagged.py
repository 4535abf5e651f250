"""A call without tags, which some checkpoints write: a JSON object with "name" and "arguments", bare or in a fence.

Only an object that begins with one of the two keys is looked at, so that JSON which a model merely shows is no call.
"""

import re

from envs.parsing.hermes_json import Malformed, NotJson, Wanted, call_from, load_first

_START = re.compile(r'\{[ \t\r\n]{0,99}"(?:name|arguments)"')


def calls_of(text: str) -> list[Wanted | Malformed]:
    """The calls in a text, up to and with the first that cannot be read."""
    calls: list[Wanted | Malformed] = []
    end = 0
    while found := _START.search(text, end):
        try:
            value, end = load_first(text, found.start())
        except NotJson as error:
            # What follows may lie inside the broken one.
            return [*calls, Malformed("malformed_json", f"The tool call {error}.")]
        if {"name", "arguments"} <= value.keys():
            calls.append(call_from(value))
    return calls
