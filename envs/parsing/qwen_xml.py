"""Parse calls in Qwen3.5's format: XML-like tags around plain text.

    <function=createPage>
    <parameter=title>
    Blue river
    </parameter>
    <parameter=body>
    {"representation": "storage", "value": "<p>Hi</p>"}
    </parameter>
    </function>

The tool's schema decides whether a value is a string or JSON. Without a schema, text that parses as a JSON object or
list is JSON, and any other text a string.
"""

import re
from collections.abc import Mapping

from envs.api.operation import Json, Schema
from envs.parsing.hermes_json import Malformed, NotJson, ParsedCall, call_from, load

OPEN, CLOSE = "<function=", "</function>"
_PARAMETER, _PARAMETER_END = "<parameter=", "</parameter>"
_NAME = re.compile(r"[^<>\s]{1,200}>")
Schemas = Mapping[str, Mapping[str, Schema]]
"""Tool -> argument -> schema."""


def call_of(text: str, schemas: Schemas) -> ParsedCall | Malformed:
    """Parse `<function=NAME>...</function>`."""
    name, rest = _opened(text.strip(), OPEN)
    if name is None:
        return _malformed("begins with <function=NAME>")
    inside, closed, after = rest.partition(CLOSE)
    if not closed:
        return _malformed(f"is not closed: write {CLOSE} after its parameters")
    if after.strip():
        return _malformed(f"ends with {CLOSE}: write each call in a <tool_call> of its own")
    arguments: dict[str, Json] = {}
    known = schemas.get(name, {})
    while inside := inside.strip():
        key, inside = _opened(inside, _PARAMETER)
        if key is None:
            return _malformed(f"has text where <parameter=NAME> or {CLOSE} should be")
        value, closed, inside = inside.partition(_PARAMETER_END)
        if not closed:
            return _malformed(f"does not close its parameter {key[:80]}: write {_PARAMETER_END} after the value")
        if key in arguments:
            return _malformed(f"has the parameter {key[:80]} twice")
        try:
            # The chat template puts a line break before and after each value.
            arguments[key] = _typed(value.removeprefix("\n").removesuffix("\n"), known.get(key))
        except NotJson as error:
            return Malformed("malformed_json", f"The parameter {key[:80]} {error}.")
    return call_from({"name": name, "arguments": arguments})


def _malformed(what: str) -> Malformed:
    return Malformed("malformed_call", f"The tool call {what}.")


def _opened(text: str, tag: str) -> tuple[str | None, str]:
    """Return the name in the opening tag at the start and the text after it; (None, text) without such a tag."""
    match = _NAME.match(text, len(tag)) if text.startswith(tag) else None
    return (match.group()[:-1], text[match.end() :]) if match else (None, text)


def _typed(text: str, schema: Schema | None) -> Json:
    """Return the value of a parameter's text. Raises NotJson if the schema requires JSON and the text is not."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotJson("has half of a surrogate pair") from error
    kinds = _types(schema or {})
    if not kinds:
        try:
            return load(text) if text.lstrip()[:1] in ("{", "[") else text
        except NotJson:
            return text
    return text if "string" in kinds else load(text)


def _types(schema: Schema) -> set[str]:
    """Return the JSON types that a schema allows, those of its alternatives included; empty for any."""
    if "type" in schema:
        kinds = schema["type"]
        return {kinds} if isinstance(kinds, str) else set(kinds)
    if "enum" in schema:
        return {"string"} if all(isinstance(value, str) for value in schema["enum"]) else {"number"}
    alternatives = [_types(each) for name in ("anyOf", "oneOf") for each in schema.get(name, ())]
    return set().union(*alternatives) if all(alternatives) else set()
