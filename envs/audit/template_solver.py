"""A scripted policy that knows every training wording: it reads off the values and fills in a training plan.

It measures how much of a scenario can be solved by form alone. From training tasks it learns the wordings, as regular
expressions with slots, and for each combination of slots a plan: the oracle's calls, with each value traced back to a
slot, to a day of the calendar or to an earlier response. On other tasks it makes these calls with the values of the
request and the ids that it reads. A wording or a combination that no training task has defeats it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from envs.api.json_paths import Path, leaves, replaced
from envs.api.operation import Json
from envs.requests.dates import next_day
from envs.reward.site_diff import normalised_changes
from envs.scripted_policies import replay
from envs.task import PlannedCall, Task

_SLOT = re.compile(r"\\\{(\w+)\\\}")
_TYPES = ("bug", "task", "story", "epic")
_ENDS = (".", "?", "!", ":", '"', ")", "\n")
_ANY = r"(?:(?![.?!]\s).)+?"
Slots = dict[str, str]
Key = tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    """Where a value of a plan comes from."""

    kind: str
    """constant, slot, day, next day, or read."""
    name: str
    """The constant, or the slot; for a read the slot that selects an item of a list, if one does."""
    call: int = 0
    path: Path = ()
    prefix: bool = False
    """Whether only the part of a key before the dash counts."""


@dataclass
class TemplateSolver:
    """Wordings and plans of training tasks."""

    patterns: dict[str, re.Pattern[str]] = field(default_factory=dict)
    days: dict[str, str] = field(default_factory=dict)
    """Days by the phrases that mean them."""
    plans: dict[Key, tuple[PlannedCall, ...]] = field(default_factory=dict)
    sources: dict[Key, dict[tuple[int, Path], list[str | _Source]]] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)
    """By wording of a description, the names of the conditions that it states."""

    def learn(self, tasks: Iterable[Task]) -> "TemplateSolver":
        """Learn from training tasks; return the solver."""
        known = list(tasks)
        for task in known:
            for wording in task.wordings:
                self.patterns.setdefault(wording, _pattern(wording))
        self.patterns = dict(sorted(self.patterns.items(), key=lambda pair: -len(re.sub(r"\{\w+\}", "", pair[0]))))
        for task in known:
            self._learn_descriptions(task)
        for task in known:
            slots, key = self.read(task.request)
            if key not in self.plans:
                self.plans[key] = task.oracle
                self.sources[key] = self._traced(task, slots)
        return self

    def solve(self, task: Task) -> list[PlannedCall]:
        """Return the calls that the solver makes; none if it does not understand the request."""
        slots, key = self.read(task.request)
        calls: list[PlannedCall] = []
        for number, planned in enumerate(self.plans.get(key, ())):
            bodies = [response.body for response in replay(task, calls)[0]]
            arguments: Json = planned.arguments
            for (call, path), pieces in self.sources[key].items():
                if call == number:
                    values = (each if isinstance(each, str) else self._value(each, slots, bodies) for each in pieces)
                    arguments = replaced(arguments, path, "".join(values))
            calls.append(PlannedCall(planned.name, arguments))
        return calls

    def read(self, request: str) -> tuple[Slots, Key]:
        """Return the values of the request by slot, and the combination of slots, descriptions included."""
        spans: list[tuple[int, int, re.Match[str]]] = []
        for wording, pattern in self.patterns.items():
            if wording.endswith(_ENDS):
                for found in pattern.finditer(request):
                    if all(found.end() <= start or found.start() >= end for start, end, _ in spans):
                        spans.append((found.start(), found.end(), found))
        slots: Slots = {}
        key: list[str] = []
        for _, _, found in sorted(spans, key=lambda span: span[0]):
            for name, text in found.groupdict().items():
                number = sum(1 for known in slots if re.fullmatch(rf"{name}\d+", known))
                self._add(f"{name}{number}", text.strip(), slots, key)
        return slots, tuple(sorted(key))

    def _add(self, name: str, text: str, slots: Slots, key: list[str]) -> None:
        """Add a slot, or the slots of the description that fills it."""
        slots[name] = text
        inner = None
        for wording, pattern in self.patterns.items():
            if _describes(wording) and (inner := pattern.fullmatch(text)):
                key.append(f"{name}:{self.stated.get(wording, '')}")
                break
        else:
            shape = "typed" if text.lower() in _TYPES else "key" if re.fullmatch(r"[A-Z]+(-\d+)?", text) else ""
            first = "one word" if " " not in text else "words"
            key.append(f"{name} {shape or (first if re.search('reporter|assignee|person', name) else '')}")
        for each, value in inner.groupdict().items() if inner else ():
            self._add(f"{name}/{each}", value, slots, key)

    def _learn_descriptions(self, task: Task) -> None:
        """Learn what the wordings of descriptions state, and which days their phrases mean."""
        for reference in task.references:
            for wording, pattern in self.patterns.items():
                if _describes(wording) and (found := pattern.fullmatch(reference.text)):
                    names = sorted(set(reference.conditions) - {"type", "space"})
                    self.stated.setdefault(wording, ",".join(names))
                    if "created" in found.groupdict():
                        self.days[found["created"].lower()] = str(reference.conditions["created"])
                    break

    def _traced(self, task: Task, slots: Slots) -> dict[tuple[int, Path], list[str | _Source]]:
        """Return the sources of the values of the oracle's calls, by call and path."""
        bodies = [response.body for response in replay(task, task.oracle)[0]]
        traced: dict[tuple[int, Path], list[str | _Source]] = {}
        for number, call in enumerate(task.oracle):
            for path, leaf in leaves(call.arguments):
                if isinstance(leaf, str):
                    pieces = re.split(r"(?<=')([^']+)(?=')|(?<=<p>)(.*)(?=</p>)", leaf)
                    whole = [piece for piece in pieces if piece]
                    traced[number, path] = [self._source(piece, slots, bodies[:number]) for piece in whole]
        return traced

    def _source(self, text: str, slots: Slots, bodies: Sequence[Json]) -> str | _Source:
        for name, value in slots.items():
            if _bare(value) == _bare(text):
                return _Source("slot", name)
            day = self.days.get(value.lower(), "")
            if day and text in (day, next_day(day)):
                return _Source("day" if text == day else "next day", name)
        for number, body in enumerate(bodies):
            for path, leaf in leaves(body):
                if leaf is not None and text in (str(leaf), str(leaf).split("-")[0]):
                    return _Source("read", _chooser(body, path, slots), number, path, text != str(leaf))
        return text

    def _value(self, source: _Source, slots: Mapping[str, str], bodies: Sequence[Json]) -> str:
        text = slots.get(source.name, "")
        if source.kind == "slot":
            return text.capitalize() if text.islower() and re.search("type|noun|priority|right", source.name) else text
        if source.kind in ("day", "next day"):
            day = self.days.get(text.lower(), "2026-01-05")
            return day if source.kind == "day" else next_day(day)
        found = dict(leaves(bodies[source.call]))
        path = source.path
        if source.name:
            same = (_item(each) for each, leaf in found.items() if _bare(str(leaf)) == _bare(text))
            item = next((each for each in same if each), _item(path))
            path = (*item, *path[len(item) :])
        value = str(found.get(path, ""))
        return value.split("-")[0] if source.prefix else value


def _pattern(wording: str) -> re.Pattern[str]:
    text = re.sub(r"(\\ |\\\n)+", r"\\s+", re.escape(wording.strip(" ")))
    seen: set[str] = set()

    def group(slot: re.Match[str]) -> str:
        first = slot[1] not in seen
        seen.add(slot[1])
        return f"(?P<{slot[1]}>{_ANY})" if first else f"(?P={slot[1]})"

    return re.compile(_SLOT.sub(group, text), re.I | re.S)


def _describes(wording: str) -> bool:
    """Return whether a wording is a description with words of its own, rather than a sentence or a bare value."""
    return (
        not wording.endswith(_ENDS) and re.search(r"\{.*\}", wording) is not None and wording[0] + wording[-1] != "{}"
    )


def _bare(text: str) -> str:
    return re.sub(r"^the ", "", text.lower()).removesuffix(" priority")


def _item(path: Path) -> Path:
    """Return the part of a path up to the first index of a list; empty if there is none."""
    return next((path[: number + 1] for number, name in enumerate(path) if isinstance(name, int)), ())


def _chooser(body: Json, path: Path, slots: Slots) -> str:
    """Return the slot whose value is in the same item of a list as a path; empty if none is."""
    item = _item(path)
    inside = {_bare(str(leaf)) for other, leaf in leaves(body) if item and other[: len(item)] == item}
    return next((name for name, value in slots.items() if _bare(value) in inside), "")


def solved(task: Task, calls: Sequence[PlannedCall]) -> bool:
    """Return whether calls leave the oracle's site."""
    ends = (normalised_changes(task.world, replay(task, plan)[1]) for plan in (calls, task.oracle))
    return next(ends) == next(ends)
