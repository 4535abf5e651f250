"""One endpoint of an API as data: the table entry from which tool, validation, HTTP face and reference are made."""

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


@dataclass(frozen=True)
class Response:
    """What the API answers."""

    status: int
    body: Json = None
    """None for an answer without a body."""
    headers: tuple[tuple[str, str], ...] = ()
    """What a client reads beside the body, such as ("Retry-After", "2")."""
    cause: Literal["", "unavailable", "conflict"] = ""
    """Why the API did not do what it was asked, where the call itself is not to blame: the site failed, or somebody
    else's write came between."""

    @property
    def ok(self) -> bool:
        """Whether the API did what it was asked."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Parameter:
    """One argument. A body's own top-level properties are arguments too, so that a call is one flat object."""

    name: str
    location: Literal["path", "query", "body"]
    schema: Schema
    """JSON schema of the value."""
    required: bool = False
    compact: Schema | None = None
    """A shorter schema for small models; None for the same one, an empty mapping to leave the argument out."""
    accepted_schema: Schema | None = None
    """What is let through to the handler, where the API has words of its own for wrong types; None for `schema`."""

    def let_through(self) -> dict[str, Any]:
        """The schema that a value has to fit for the handler to see it."""
        return _without_required(self.schema if self.accepted_schema is None else self.accepted_schema)


@dataclass(frozen=True)
class Operation:
    """An endpoint. Its name is the operationId of the official document."""

    name: str
    api: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    description: str
    parameters: tuple[Parameter, ...]
    handler: Callable[[World, Mapping[str, Json]], Response]
    """Takes the world, which it may change by replacing records, and checked arguments."""
    reject: Callable[[str], Response]
    """The API's answer to arguments of the wrong shape, from a sentence that says what is wrong."""
    compact_body: tuple[str, ...] = ()
    """Paths of a successful body that the compact view keeps, in order; empty keeps everything."""
    whole_body: str = ""
    """The body parameter that is the whole request body, where that is no object of parameters (a list, a string)."""
    reads: bool = False
    """Whether it only reads although its method is not GET, as searches by POST do."""

    @property
    def writes(self) -> bool:
        """Whether the operation may change the world."""
        return self.method != "GET" and not self.reads

    def schema(self, compact: bool = False) -> dict[str, Any]:
        """JSON schema of the arguments object."""
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
        """Why the arguments do not fit the schema, in words, or an empty string."""
        try:
            self._validate(dict(arguments))
        except fastjsonschema.JsonSchemaValueException as error:
            return error.message.removeprefix("data.").removeprefix("data ")
        return ""

    @cached_property
    def _validate(self) -> Callable[[Json], Json]:
        # Required arguments are left to the handlers: the real APIs name each missing field in their own words.
        loose = {"type": "object", "properties": {p.name: p.let_through() for p in self.parameters}}
        return fastjsonschema.compile(loose, use_default=False)


def _without_required(schema: Schema) -> dict[str, Any]:
    kept = {name: value for name, value in schema.items() if name != "required"}
    if "properties" in kept:
        kept["properties"] = {name: _without_required(inner) for name, inner in kept["properties"].items()}
    return kept


Namesake = Callable[[World, random.Random, Split, Record], Record | None]
"""(site, generator, split, a record) -> a new record of nearly its name, or None if it can have none."""


@dataclass(frozen=True)
class Api:
    """A named table of operations."""

    name: str
    operations: tuple[Operation, ...] = field(default=())
    namesakes: Mapping[str, Namesake] = field(default_factory=dict)
    """Tables whose records get near namesakes in harder tasks, and how one is made."""
    everywhere: frozenset[str] = frozenset()
    """Names that every site has although no table says so: no split owns them."""

    def by_name(self) -> dict[str, Operation]:
        """The operations by name."""
        return {operation.name: operation for operation in self.operations}

    def showing(self, name: str, compact: Mapping[str, Schema], body: tuple[str, ...] = ()) -> "Api":
        """The same API, one operation of which looks otherwise in compact form, as some tasks need.

        `compact` has schemas of parameters by name, an empty one to leave a parameter out; `body` are the paths that
        are kept of its answers, if not the usual ones. Raises KeyError for an operation that there is not.
        """
        plain = self.by_name()[name]
        parameters = tuple(replace(one, compact=compact.get(one.name, one.compact)) for one in plain.parameters)
        shown = replace(plain, parameters=parameters, compact_body=body or plain.compact_body)
        return replace(self, operations=tuple(shown if one is plain else one for one in self.operations))
