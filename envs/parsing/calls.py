"""Parse the tool calls in a model's text.

    Qwen3 (Hermes)   <tool_call>{"name": ..., "arguments": {...}}</tool_call>
    Qwen3.5          <tool_call><function=NAME><parameter=KEY>value</parameter></function></tool_call>
    untagged         either of them without <tool_call>, the JSON bare or in a code fence

No text raises. A call that cannot be read becomes a `Malformed` whose sentence tells the model how to correct it.
"""

from envs.parsing import hermes_json, qwen_xml, untagged
from envs.parsing.hermes_json import Malformed, ParsedCall
from envs.parsing.qwen_xml import Schemas
from envs.parsing.thoughts import without_thoughts

OPEN, CLOSE = "<tool_call>", "</tool_call>"

__all__ = ["Malformed", "ParsedCall", "parse_calls"]


def parse_calls(
    text: str, schemas: Schemas | None = None, untagged_calls: bool = False
) -> list[ParsedCall | Malformed]:
    """Return the calls of one turn, in order. Calls inside a thought are ignored.

    `schemas` (tool -> argument -> schema) distinguishes strings from JSON in Qwen3.5's format. `untagged_calls` also
    accepts calls without tags, if the turn has no <tool_call>.
    """
    visible = without_thoughts(text)
    if untagged_calls and OPEN not in visible:
        return _untagged(visible, schemas or {})
    calls: list[ParsedCall | Malformed] = []
    for part in visible.split(OPEN)[1:]:
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


def _untagged(visible: str, schemas: Schemas) -> list[ParsedCall | Malformed]:
    if qwen_xml.OPEN not in visible:
        return untagged.calls_of(visible)
    parts = [part.partition(qwen_xml.CLOSE) for part in visible.split(qwen_xml.OPEN)[1:]]
    return [qwen_xml.call_of(qwen_xml.OPEN + inside + closed, schemas) for inside, closed, _ in parts]
