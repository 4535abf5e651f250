"""Which arguments of a call its operation declares: the rest was made up by whoever wrote the call.

A schema that names properties declares those and no others, unless it says that there may be more; one that names none
declares whatever is in it. What an operation's schema for small models declares counts too.
"""

from collections.abc import Mapping, Sequence

from envs.api.json_paths import Path
from envs.api.operation import Json, Operation, Parameter, Schema


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


def declared_at(operation: Operation, path: Path) -> dict[str, Schema]:
    """The properties that an object at a path of the arguments is declared to have; the arguments at the empty one."""
    if not path:
        return {parameter.name: parameter.schema for parameter in operation.parameters}
    schemas = [one for parameter in operation.parameters if parameter.name == path[0] for one in _schemas(parameter)]
    for name in path[1:]:
        flat = _flat(schemas)
        if isinstance(name, int):
            schemas = [schema["items"] for schema in flat if isinstance(schema.get("items"), Mapping)]
        else:
            schemas = [schema["properties"][name] for schema in flat if name in schema.get("properties", {})]
    return {name: inner for schema in _flat(schemas) for name, inner in schema.get("properties", {}).items()}


def _flat(schemas: Sequence[Schema]) -> list[Schema]:
    """The schemas, each choice among several as those several."""
    return [inner for schema in schemas for inner in schema.get("anyOf", schema.get("oneOf", [schema]))]


def _schemas(parameter: Parameter) -> list[Schema]:
    """All forms that a parameter's value may have."""
    return [parameter.schema, *([parameter.compact] if parameter.compact else [])]


def _undeclared(schemas: Sequence[Schema], value: Json, path: Path) -> list[Path]:
    flat = _flat(schemas)
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
