"""Undeclared arguments: those of a call that its operation's schemas do not mention, so that the model invented them.

A schema with properties declares only those, unless it allows additional ones; an object schema without properties
declares everything inside. The compact schema's declarations count too.
"""

from collections.abc import Mapping, Sequence

from envs.api.json_paths import Path
from envs.api.operation import Json, Operation, Parameter, Schema


def undeclared(operation: Operation, arguments: Mapping[str, Json]) -> list[Path]:
    """Return the paths of undeclared arguments and properties, without those inside an undeclared one."""
    parameters = {parameter.name: parameter for parameter in operation.parameters}
    paths: list[Path] = []
    for name, value in arguments.items():
        if name not in parameters:
            paths.append((name,))
        else:
            paths += _undeclared(_schemas(parameters[name]), value, (name,))
    return paths


def declared_at(operation: Operation, path: Path) -> dict[str, Schema]:
    """Return the declared properties of the object at a path of the arguments; the parameters for the empty path."""
    if not path:
        return {parameter.name: parameter.schema for parameter in operation.parameters}
    schemas = [schema for p in operation.parameters if p.name == path[0] for schema in _schemas(p)]
    for name in path[1:]:
        flat = _flat(schemas)
        if isinstance(name, int):
            schemas = [schema["items"] for schema in flat if isinstance(schema.get("items"), Mapping)]
        else:
            schemas = [schema["properties"][name] for schema in flat if name in schema.get("properties", {})]
    return {name: inner for schema in _flat(schemas) for name, inner in schema.get("properties", {}).items()}


def _flat(schemas: Sequence[Schema]) -> list[Schema]:
    """Return the schemas, each anyOf and oneOf replaced by its alternatives."""
    return [inner for schema in schemas for inner in schema.get("anyOf", schema.get("oneOf", [schema]))]


def _schemas(parameter: Parameter) -> list[Schema]:
    """Return a parameter's schema and, if it has one, its compact schema."""
    return [parameter.schema, *([parameter.compact] if parameter.compact else [])]


def _undeclared(schemas: Sequence[Schema], value: Json, path: Path) -> list[Path]:
    flat = _flat(schemas)
    if isinstance(value, list):
        items = [schema["items"] for schema in flat if isinstance(schema.get("items"), Mapping)]
        return [inner for i, element in enumerate(value) for inner in _undeclared(items, element, (*path, i))]
    if not isinstance(value, Mapping):
        return []
    closed = [schema["properties"] for schema in flat if schema.get("properties")]
    if not closed or any(_open(schema) for schema in flat):
        return []
    paths: list[Path] = []
    for name, inner in value.items():
        declared = [properties[name] for properties in closed if name in properties]
        paths += _undeclared(declared, inner, (*path, name)) if declared else [(*path, name)]
    return paths


def _open(schema: Schema) -> bool:
    """Return whether an object of this schema may have any property."""
    if schema.get("additionalProperties"):
        return True
    return not schema.get("properties") and schema.get("type", "object") in ("object", None)
