"""Law of what is shown: everything that a right call contains can be known, in the compact and in the full view.

The names and values of each of the oracle's calls have to occur in the request, in the tool's schema and description as
the view shows them, or in the answer to an earlier call. A value may also follow from those:

    number + 1    an integer one above one in an earlier answer, as a page's next version
    capitals      the request's words in another case, as the name of an issue type
    key           what an issue's key begins with, as the key of its project
    joined        two values of one earlier answer, one after the other, as an address
    form          a text of the same form as an example in the value's description, its numbers shown or the example's
    markup        texts that are shown, between tags that occur in the value's description
    query         texts in quotes that are shown, between words that occur in the value's description
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from envs.api.json_paths import Path, leaves
from envs.api.operation import Json, Schema
from envs.api.simulator import Simulator
from envs.api.tools import DETAILS, Detail, render, tool_schema
from envs.audit.play import Play
from envs.audit.spoken import spelled_out
from envs.audit.trial import SHOWN, Finding, tasks, where
from envs.reward.goal import scalars
from envs.scenarios.vocabulary.scenario import Scenario
from envs.task import Task

_NUMBER = re.compile(r"\d+")
_TAG = re.compile(r"<[^<>]*>")
_QUOTED = re.compile(r"'([^']*)'")
_QUERY_WORD = re.compile(r"\w+|[^\w\s]+")


@dataclass(frozen=True)
class _Known:
    """Everything that a model has seen when it writes a call."""

    request: str
    """The request, with its days and durations in words spelled out."""
    tool: str
    """The tool's schema and description, as text."""
    answers: tuple[Json, ...]
    """The earlier answers, as the view shows them."""

    def shows(self, value: str) -> bool:
        """Return whether a value occurs as a whole in the request, the tool's schema or an earlier answer."""
        if occurs(value.casefold(), self.request.casefold()) or occurs(value, self.tool):
            return True
        return any(value in _values(answer) for answer in self.answers)


def occurs(value: str, text: str) -> bool:
    """Return whether a text contains a value as whole words, in the same case."""
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None


def unshown(task: Task, detail: Detail) -> Iterator[str]:
    """Yield the names and values of the oracle's calls that a model cannot know, for people."""
    operations = task.api.by_name()
    simulator = Simulator(task.world, operations, task.faults)
    answers: list[Json] = []
    for number, call in enumerate(task.oracle, 1):
        function = tool_schema(operations[call.name], detail)["function"]
        known = _Known(spelled_out(task.request), json.dumps(function, ensure_ascii=False), tuple(answers))
        for path, value in leaves(call.arguments):
            place = f"{call.name} (call {number}): {'.'.join(map(str, path))}"
            schemas = _along(function["parameters"], path)
            text = function.get("description", "") + "\n" + _descriptions(schemas)
            for index, name in enumerate(path):
                declared = name in schemas[index].get("properties", {})
                if isinstance(name, str) and not (declared or _named(name, text, known.answers)):
                    yield f"{place}: the name {name}"
            if not _can_know(value, known, text):
                yield f"{place} = {json.dumps(value, ensure_ascii=False)[:120]}"
        response = simulator.call(call.name, call.arguments)
        answers.append(json.loads(render(operations[call.name], response, detail)))


def _along(schema: Schema, path: Path) -> list[Schema]:
    """Return the schemas of a value and of all objects and lists around it, outermost first; {} beyond the declared."""
    found: list[Schema] = [schema]
    for name in path:
        inner: Schema = {}
        for each in found[-1].get("anyOf", found[-1].get("oneOf", [found[-1]])):
            part = each.get("items", {}) if isinstance(name, int) else each.get("properties", {}).get(name, {})
            inner = part if isinstance(part, Mapping) and part else inner
        found.append(inner)
    return found


def _descriptions(schemas: list[Schema]) -> str:
    return "\n".join(str(schema["description"]) for schema in schemas if "description" in schema)


def _named(name: str, description: str, answers: tuple[Json, ...]) -> bool:
    """Return whether a property's name occurs in a description or is a name in an earlier answer."""
    return occurs(name, description) or any(name in _names(answer) for answer in answers)


def _names(body: Json) -> frozenset[str]:
    """Return the names of all properties inside a response."""
    inner = list(body.values()) if isinstance(body, Mapping) else body if isinstance(body, list) else []
    return frozenset(body if isinstance(body, Mapping) else ()).union(*map(_names, inner))


def _values(body: Json) -> frozenset[str]:
    """Return the values inside a response as text, and its names, which may be values too, as those of fields are."""
    return scalars(body) | _names(body)


def _can_know(value: Json, known: _Known, description: str) -> bool:
    """Return whether a value is shown or follows from what is; truth values need no source."""
    if isinstance(value, bool | None):
        return True
    if isinstance(value, str):
        return (
            known.shows(value.strip())
            or _begins_key(value, known)
            or _is_joined(value, known.answers)
            or _has_form(value, description, known)
            or _is_marked_up(value, description, known)
            or _is_query(value, description, known)
        )
    follows = isinstance(value, int) and any(str(value - 1) in _values(answer) for answer in known.answers)
    return known.shows(str(value)) or follows


def _begins_key(value: str, known: _Known) -> bool:
    """Return whether a shown issue key is that of the value's project."""
    key = re.compile(rf"(?<!\w){re.escape(value)}-\d+(?!\w)")
    return any(key.search(text) for text in (known.request, *map(json.dumps, known.answers)))


def _is_joined(value: str, answers: tuple[Json, ...]) -> bool:
    """Return whether a text is two values of one answer, one after the other."""
    return any(
        value.removeprefix(first) in scalars(answer)
        for answer in answers
        for first in scalars(answer)
        if first and value.startswith(first) and value != first
    )


def _has_form(value: str, description: str, known: _Known) -> bool:
    """Return whether a description has an example of the text's form, and every number is shown or the example's."""
    form = "".join(r"\d+" if _NUMBER.fullmatch(part) else re.escape(part) for part in re.split(r"(\d+)", value))
    example = re.search(form, description) if _NUMBER.search(value) else None
    if example is None:
        return False
    pairs = zip(_NUMBER.findall(value), _NUMBER.findall(example[0]), strict=True)
    return all(mine == its or occurs(mine, known.request) or known.shows(mine) for mine, its in pairs)


def _is_marked_up(value: str, description: str, known: _Known) -> bool:
    """Return whether a text is markup whose tags are described and whose texts are shown."""
    tags, texts = _TAG.findall(value), [text for text in _TAG.split(value) if text.strip()]
    return bool(tags) and all(tag in description for tag in tags) and all(map(known.shows, texts))


def _is_query(value: str, description: str, known: _Known) -> bool:
    """Return whether a text is a query whose quoted texts are shown and whose other words are described."""
    quoted, rest = _QUOTED.findall(value), _QUOTED.sub(" ", value)
    words = _QUERY_WORD.findall(rest)
    described = set(_QUERY_WORD.findall(_QUOTED.sub(" ", description)))
    return bool(quoted) and set(words) <= described and all(map(known.shows, quoted))


def everything_is_shown(scenario: Scenario, seeds: int, play: Play | None = None) -> Iterator[Finding]:
    """Look for what the oracle's calls contain and the model cannot know, in the tasks of `seeds` seeds.

    It needs no episodes; `play` is accepted so that all laws are called alike.
    """
    failures: dict[str, str] = {}
    count = 0
    for task in tasks(scenario, seeds):
        for detail in DETAILS:
            count += sum(len(leaves(call.arguments)) for call in task.oracle)
            for problem in unshown(task, detail):
                kind = re.sub(r"\(call \d+\)|=.*|\d+", "", problem) + detail
                failures.setdefault(kind, f"{problem} is not shown in the {detail} view ({where(task)})")
    shown = tuple(failures.values())
    yield Finding("shown", f"{count}" if not shown else f"{len(shown)} hidden", shown[: 8 * SHOWN], count)
