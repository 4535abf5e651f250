"""Parse calls without tags, which some checkpoints write: JSON objects with "name" and "arguments", bare or fenced.

Only an object whose first key is one of the two counts, so that other JSON in the text is not taken for a call.
"""

import re

from envs.parsing.hermes_json import Malformed, NotJson, ParsedCall, call_from, load_first

_START = re.compile(r'\{[ \t\r\n]{0,99}"(?:name|arguments)"')


def calls_of(text: str) -> list[ParsedCall | Malformed]:
    """Return the calls in a text, up to and including the first that cannot be read."""
    calls: list[ParsedCall | Malformed] = []
    end = 0
    while match := _START.search(text, end):
        try:
            value, end = load_first(text, match.start())
        except NotJson as error:
            # Further matches may lie inside the broken object.
            return [*calls, Malformed("malformed_json", f"The tool call {error}.")]
        if {"name", "arguments"} <= value.keys():
            calls.append(call_from(value))
    return calls
