"""Thoughts: the part of a turn before the last `</think>`, which neither calls a tool nor answers anybody."""

import re

from envs.parsing import hermes_json, qwen_xml

THOUGHT, END_OF_THOUGHT = "<think>", "</think>"
_CALL = re.compile(r"<tool_call>((?:(?!<tool_call>).)*?)</tool_call>", re.DOTALL)


def without_thoughts(text: str) -> str:
    """Return what follows the last end of a thought, up to a thought that was cut off.

    The prompt may have opened the thought, so only its end is certain to be here. Tags inside a call, as in the text
    of a comment, are part of the call.
    """
    if END_OF_THOUGHT not in text and THOUGHT not in text:
        return text
    hidden = _CALL.sub(_hidden, text)
    start = hidden.rfind(END_OF_THOUGHT)
    start = start + len(END_OF_THOUGHT) if start >= 0 else 0
    end = hidden.find(THOUGHT, start)
    return text[start:] if end < 0 else text[start:end]


def _hidden(match: re.Match[str]) -> str:
    """Blank out a call that can be read; otherwise it may be the remains of a thought."""
    inside = match[1].strip()
    if inside.startswith(qwen_xml.OPEN):
        readable = inside.endswith(qwen_xml.CLOSE)
    else:
        readable = isinstance(hermes_json.call_of(inside), hermes_json.ParsedCall)
    return " " * len(match[0]) if readable else match[0]
