"""Equal values of arguments, found by an operation's schemas alone: numbers for digits, and defaults written out."""

from collections.abc import Iterator

from envs.api.json_paths import Path, leaves, replaced
from envs.api.operation import Operation, Schema
from envs.api.undeclared import declared_at
from envs.audit.equivalent_plans import Change, Situation
from envs.task import PlannedCall


def numbers(situation: Situation) -> Iterator[Change]:
    """Yield the call with an id as a number instead of digits, or the reverse, where the schema allows both."""
    call = situation.call
    for path, value in leaves(call.arguments):
        kinds = _kinds(situation.operation, path)
        if not {"string", "integer"} <= kinds:
            continue
        digits = isinstance(value, str) and value.isascii() and value.isdecimal()
        other = int(value) if digits else str(value) if isinstance(value, int) else None
        if other is not None:
            spelt = PlannedCall(call.name, replaced(call.arguments, path, other), call.note)
            detail = f"{call.name} with {'.'.join(map(str, path))} as {'a number' if digits else 'text'}"
            yield Change("number for text", detail, situation.index, (spelt,))


def _kinds(operation: Operation, path: Path) -> set[str]:
    """Return the JSON types that the schema of a value allows."""
    *above, last = path
    if isinstance(last, int) and above:
        listed = declared_at(operation, tuple(above[:-1])).get(str(above[-1]), {})
        schema: Schema = listed.get("items", {})
    else:
        schema = declared_at(operation, tuple(above)).get(str(last), {})
    kinds = schema.get("type", [])
    return {kinds} if isinstance(kinds, str) else set(kinds)


def schema_defaults(situation: Situation) -> Iterator[Change]:
    """Yield the call with each argument that is absent and whose schema declares a default."""
    call = situation.call
    for name, schema in situation.operation.schema()["properties"].items():
        if name not in call.arguments and "default" in schema:
            explicit = PlannedCall(call.name, {**call.arguments, name: schema["default"]}, call.note)
            yield Change("explicit default", f"{call.name} with {name}", situation.index, (explicit,))
