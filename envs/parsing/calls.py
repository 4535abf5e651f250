"""Model text -> calls.

    Qwen3 (Hermes)   <tool_call>{"name": ..., "arguments": {...}}</tool_call>
    Qwen3.5          <tool_call><function=NAME><parameter=KEY>value</parameter></function></tool_call>
    lenient          also either of them without <tool_call>, the JSON bare or in a fence; only on request

Nothing that a model can write raises. What is no call becomes a `Malformed` with a sentence the model can act on.
"""

from envs.parsing import hermes_json, qwen_xml, untagged
from envs.parsing.hermes_json import Malformed, Wanted
from envs.parsing.qwen_xml import Schemas

OPEN, CLOSE = "<tool_call>", "</tool_call>"
THOUGHT, END_OF_THOUGHT = "<think>", "</think>"

__all__ = ["Malformed", "Wanted", "parse_calls"]


def parse_calls(text: str, schemas: Schemas | None = None, lenient: bool = False) -> list[Wanted | Malformed]:
    """The calls of one turn, in order; empty if there is none. Calls inside a thought do not count.

    `schemas` (tool -> argument -> schema) tells strings from JSON in Qwen3.5's form.
    """
    # The prompt may have opened the thought, so only its end is sure to be here; one that never ends was cut off.
    said = text.rpartition(END_OF_THOUGHT)[2].partition(THOUGHT)[0]
    if lenient and OPEN not in said:
        return _untagged(said, schemas or {})
    calls: list[Wanted | Malformed] = []
    for part in said.split(OPEN)[1:]:
        inside, closed, _ = part.partition(CLOSE)
        xml = inside.lstrip().startswith(qwen_xml.OPEN)
        if not closed:
            what = "parameters" if xml else "JSON"
            calls.append(Malformed("malformed_json", f"The tool call is not closed: write {CLOSE} after its {what}."))
        elif xml:
            calls.append(qwen_xml.call_of(inside, schemas or {}))
        else:
            calls.append(hermes_json.call_of(inside))
    return calls


def _untagged(said: str, schemas: Schemas) -> list[Wanted | Malformed]:
    if qwen_xml.OPEN not in said:
        return untagged.calls_of(said)
    parts = [part.partition(qwen_xml.CLOSE) for part in said.split(qwen_xml.OPEN)[1:]]
    return [qwen_xml.call_of(qwen_xml.OPEN + inside + closed, schemas) for inside, closed, _ in parts]
