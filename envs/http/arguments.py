"""Convert an HTTP request to the flat arguments of an operation.

The values of path and query are text, converted by the parameters' schemas. Unknown query parameters are ignored, as on
the real sites; all keys of a body are passed on, for the operation to accept or refuse.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from envs.api.operation import Json, Operation, Parameter


class Unconvertible(ValueError):
    """A path or query value that cannot be converted to its type."""

    def __init__(self, name: str, value: str) -> None:
        super().__init__(f"{name}: {value}")
        self.name, self.value = name, value


class WrongBody(ValueError):
    """A body that cannot be converted to arguments; the message says why."""


def arguments(operation: Operation, path: Mapping[str, str], query: Mapping[str, Sequence[str]], body: Json) -> Any:
    """Return the arguments of a call; `body` is the parsed body, or `...` if there is none.

    Raises Unconvertible or WrongBody.
    """
    result: dict[str, Json] = {}
    for parameter in operation.parameters:
        if parameter.location == "path" and parameter.name in path:
            result[parameter.name] = converted(parameter, [path[parameter.name]])
        elif parameter.location == "query" and parameter.name in query:
            result[parameter.name] = converted(parameter, query[parameter.name])
    outside = {parameter.name: parameter.location for parameter in operation.parameters if parameter.location != "body"}
    for name, value in ({} if body is ... else from_body(operation, body)).items():
        if name not in outside:
            result[name] = value
        elif outside[name] == "path" and value is not None and str(value) != str(path.get(name)):
            raise WrongBody(f"{name} in the body is {value!r}, in the path {path.get(name)!r}")
    return result


def converted(parameter: Parameter, values: Sequence[str]) -> Json:
    """Convert text by the parameter's schema; repeated or comma-separated values form arrays. Raises Unconvertible."""
    schema = parameter.schema
    if "array" in _types(schema):
        items = schema.get("items", {})
        return [_scalar(parameter.name, items, part) for value in values for part in value.split(",") if part]
    return _scalar(parameter.name, schema, values[0])


def _scalar(name: str, schema: Mapping[str, Any], text: str) -> Json:
    types = _types(schema)
    if not types or "string" in types:
        return text
    try:
        if "integer" in types:
            return int(text)
        if "number" in types:
            return float(text)
    except ValueError:
        raise Unconvertible(name, text) from None
    if "boolean" in types:
        if text.lower() not in ("true", "false"):
            raise Unconvertible(name, text)
        return text.lower() == "true"
    return text


def from_body(operation: Operation, body: Json) -> dict[str, Json]:
    """Return the arguments in a parsed body. Raises WrongBody."""
    parameters = [parameter for parameter in operation.parameters if parameter.location == "body"]
    if operation.whole_body:
        return {operation.whole_body: body}
    if not isinstance(body, dict):
        if len(parameters) == 1 and set(_types(parameters[0].schema)) != {"object"}:
            return {parameters[0].name: body}
        raise WrongBody("the body must be an object")
    # A single parameter of any type that the body does not name is the body itself.
    if len(parameters) == 1 and body and not _types(parameters[0].schema) and parameters[0].name not in body:
        return {parameters[0].name: body}
    # Real clients send null for arguments that they leave out.
    may_be_null = {parameter.name for parameter in parameters if _nullable(parameter.schema)}
    declared = {parameter.name for parameter in parameters}
    return {k: v for k, v in body.items() if v is not None or k not in declared or k in may_be_null}


def _types(schema: Mapping[str, Any]) -> list[str]:
    """Return the JSON types that a schema allows; an enum of strings is a string. Empty if it does not say."""
    declared = schema.get("type", [])
    types = [declared] if isinstance(declared, str) else list(declared)
    if not types and "enum" in schema and all(isinstance(value, str) for value in schema["enum"]):
        return ["string"]
    return types


def _nullable(schema: Mapping[str, Any]) -> bool:
    if "enum" in schema:
        return None in schema["enum"]
    return not _types(schema) or "null" in _types(schema)
