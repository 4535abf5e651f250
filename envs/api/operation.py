"""API endpoints as data, from which tools, argument validation, the HTTP server and the reference are derived."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import fastjsonschema

from envs.api.world import Record, World
from envs.words import Split

Json = Any
"""Plain JSON data: dict, list, str, int, float, bool, None."""
Schema = Mapping[str, Any]
"""A JSON schema."""
Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True)
class Response:
    """An API's answer to a call."""

    status: int
    body: Json = None
    """None if there is no body."""
    headers: tuple[tuple[str, str], ...] = ()
    """(name, value) each, such as ("Retry-After", "2")."""
    cause: Literal["", "unavailable", "conflict"] = ""
    """Cause of a failure without a mistake in the call: the site failed, or another user's write came first."""

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Parameter:
    """One argument. The top-level properties of a body are arguments too, so that a call is one flat object."""

    name: str
    location: Literal["path", "query", "body"]
    schema: Schema
    """JSON schema of the value, as shown to a model."""
    required: bool = False
    compact: Schema | None = None
    """Shorter schema for small models; None to use `schema`, an empty mapping to leave the argument out."""
    accepted_schema: Schema | None = None
    """Laxer schema that a value must fit to reach the handler, which refuses other types itself; None for `schema`."""

    def validated_schema(self) -> dict[str, Any]:
        """Return the schema that a value must fit to reach the handler; no property in it is required."""
        return _without_required(self.schema if self.accepted_schema is None else self.accepted_schema)


@dataclass(frozen=True)
class Operation:
    """One endpoint; its name is the operationId of the official OpenAPI document."""

    name: str
    api: str
    method: Method
    path: str
    description: str
    parameters: tuple[Parameter, ...]
    handler: Callable[[World, Mapping[str, Json]], Response]
    """(world, validated arguments) -> response. It changes the world by replacing records, never in place."""
    reject: Callable[[str], Response]
    """Returns the API's response to arguments that fail validation, given a sentence that says why."""
    compact_body: tuple[str, ...] = ()
    """Dotted paths that the compact view keeps of a successful body, in order; empty to keep everything."""
    whole_body: str = ""
    """The body parameter that is the entire request body, if that is not an object of parameters (a list, a string)."""
    reads: bool = False
    """Whether it only reads although its method is not GET, such as a search by POST."""

    @property
    def writes(self) -> bool:
        """Whether the operation may change the world."""
        return self.method != "GET" and not self.reads

    def schema(self, compact: bool = False) -> dict[str, Any]:
        """Return the JSON schema of the arguments, as shown to a model."""
        properties = {}
        for parameter in self.parameters:
            shown = parameter.schema if not compact or parameter.compact is None else parameter.compact
            if shown:
                properties[parameter.name] = dict(shown)
        required = [
            parameter.name for parameter in self.parameters if parameter.required and parameter.name in properties
        ]
        return {"type": "object", "properties": properties, "required": required}

    def schema_error(self, arguments: Mapping[str, Json]) -> str:
        """Return why the arguments fail validation, or an empty string. Missing arguments pass: see `_validate`."""
        try:
            self._validate(dict(arguments))
        except fastjsonschema.JsonSchemaValueException as error:
            return error.message.removeprefix("data.").removeprefix("data ")
        return ""

    @cached_property
    def _validate(self) -> Callable[[Json], Json]:
        # Handlers check for missing arguments, because each real API has its own sentence for each missing field.
        loose = {"type": "object", "properties": {p.name: p.validated_schema() for p in self.parameters}}
        return fastjsonschema.compile(loose, use_default=False)


def _without_required(schema: Schema) -> dict[str, Any]:
    loose = {name: value for name, value in schema.items() if name != "required"}
    if "properties" in loose:
        loose["properties"] = {name: _without_required(inner) for name, inner in loose["properties"].items()}
    return loose


Distractor = Callable[[World, random.Random, Split, Record], Record | None]
"""(world, generator, split, record) -> a new record with nearly the same name, or None if there can be none."""
NormalForm = Callable[[World, Record], Record]
"""(the site that holds a record, the record) -> the part of it that counts: equal for records that mean the same."""


@dataclass(frozen=True)
class Api:
    """A named table of operations."""

    name: str
    operations: tuple[Operation, ...] = field(default=())
    distractors: Mapping[str, Distractor] = field(default_factory=dict)
    """For each table that gets distractors in harder tasks, the function that makes one."""
    everywhere: frozenset[str] = frozenset()
    """Names that exist on every site although no table contains them, so that they belong to no split."""
    normal_forms: Mapping[str, NormalForm] = field(default_factory=dict)
    """By table, the normal form of its records; records of other tables count whole."""

    def by_name(self) -> Mapping[str, Operation]:
        """Return the operations by name."""
        return self._by_name

    @cached_property
    def _by_name(self) -> dict[str, Operation]:
        return {operation.name: operation for operation in self.operations}

    def showing(self, name: str, compact: Mapping[str, Schema], body: tuple[str, ...] = ()) -> "Api":
        """Return this API with another compact view of one operation.

        `compact` maps parameters to their compact schemas (empty to leave one out); the others keep theirs. `body`
        replaces the paths to keep of a response body, unless it is empty. Raises KeyError for an unknown operation.
        """
        old = self.by_name()[name]
        parameters = tuple(replace(p, compact=compact.get(p.name, p.compact)) for p in old.parameters)
        new = replace(old, parameters=parameters, compact_body=body or old.compact_body)
        return replace(self, operations=tuple(new if each is old else each for each in self.operations))
