"""Which arguments of a call its operation declares: the rest was made up by whoever wrote the call.

A schema that names properties declares those and no others, unless it says that there may be more; one that names none
declares whatever is in it. What an operation's schema for small models declares counts too.
"""

from collections.abc import Mapping, Sequence

from envs.operation import Json, Operation, Parameter, Schema
from envs.paths import Path


def undeclared(operation: Operation, arguments: Mapping[str, Json]) -> list[Path]:
    """The paths of what the operation does not declare, outermost only."""
    parameters = {parameter.name: parameter for parameter in operation.parameters}
    found: list[Path] = []
    for name, value in arguments.items():
        if name not in parameters:
            found.append((name,))
        else:
            found += _undeclared(_schemas(parameters[name]), value, (name,))
    return found


def _schemas(parameter: Parameter) -> list[Schema]:
    """All forms that a parameter's value may have."""
    return [parameter.schema, *([parameter.compact] if parameter.compact else [])]


def _undeclared(schemas: Sequence[Schema], value: Json, path: Path) -> list[Path]:
    flat = [inner for schema in schemas for inner in schema.get("anyOf", schema.get("oneOf", [schema]))]
    if isinstance(value, list):
        items = [schema["items"] for schema in flat if isinstance(schema.get("items"), Mapping)]
        return [one for place, each in enumerate(value) for one in _undeclared(items, each, (*path, place))]
    if not isinstance(value, Mapping):
        return []
    closed = [schema["properties"] for schema in flat if schema.get("properties")]
    if not closed or any(_open(schema) for schema in flat):
        return []
    found: list[Path] = []
    for name, inner in value.items():
        declared = [properties[name] for properties in closed if name in properties]
        found += _undeclared(declared, inner, (*path, name)) if declared else [(*path, name)]
    return found


def _open(schema: Schema) -> bool:
    """Whether an object of this schema may hold anything."""
    if schema.get("additionalProperties"):
        return True
    return not schema.get("properties") and schema.get("type", "object") in ("object", None)
