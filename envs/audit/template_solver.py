"""A scripted policy that knows every training wording: it reads off the values and fills in a training plan.

It measures how much of a scenario can be solved by form alone. From training tasks it learns the wordings, as regular
expressions with slots, and for each combination of slots a plan: the oracle's calls, with each value traced back to a
slot, to a day of the calendar or to an earlier response. On other tasks it makes these calls with the values of the
request and the ids that it reads. A wording or a combination that no training task has defeats it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from envs.api.json_paths import Path, leaves, replaced
from envs.api.operation import Json
from envs.requests.dates import next_day
from envs.reward.site_diff import normalised_changes
from envs.scripted_policies import replay
from envs.task import PlannedCall, Task

_SLOT = re.compile(r"\\\{(\w+)\\\}")
_TYPES = ("bug", "task", "story", "epic")
_FINDING = ("find", "search", "getPages")
"""First letters of the names of reads that find a described record."""
_ENDS = (".", "?", "!", ":", '"', ")", "\n")
_ANY = r"(?:(?![.?!]\s).)+?"
Slots = dict[str, str]
Key = tuple[str, ...]
CallId = tuple[str, int]
"""(slot of the description that the call belongs to, or empty; number)"""


@dataclass(frozen=True)
class _Source:
    """Where a value of a plan comes from."""

    kind: str
    """slot, day, next day, or read."""
    name: str
    """The slot; for a read the slot that selects an item of a list, empty for the first."""
    call: CallId = ("", 0)
    """The call that read the value."""
    path: Path = ()
    prefix: bool = False
    """Whether only the part of a key before the dash counts."""
    bare: bool = False
    """Whether a slot's value loses its article."""


Pieces = list[str | _Source]
"""A text in pieces, constants and sources."""


@dataclass(frozen=True)
class _Step:
    """A call of a plan with the sources of its values."""

    call: PlannedCall
    pieces: Mapping[Path, Pieces]


@dataclass
class TemplateSolver:
    """Wordings and plans of training tasks."""

    patterns: dict[str, re.Pattern[str]] = field(default_factory=dict)
    days: dict[str, str] = field(default_factory=dict)
    """Days by the phrases that mean them."""
    stated: dict[str, str] = field(default_factory=dict)
    """By wording of a description, the names of the conditions that it states."""
    plans: dict[Key, list[str | _Step]] = field(default_factory=dict)
    """By slots, the steps; a string means the reads of the description in that slot."""
    reads: dict[str, list[_Step]] = field(default_factory=dict)
    """By kind of description, the steps that find its record."""

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
            slots, kinds = self.read(task.request)
            self._learn_plan(task, slots, kinds)
        return self

    def solve(self, task: Task) -> list[PlannedCall]:
        """Return the calls that the solver makes; none if it does not understand the request."""
        slots, kinds = self.read(task.request)
        calls: dict[CallId, PlannedCall] = {}
        for number, item in enumerate(self.plans.get(_key(kinds), ())):
            if isinstance(item, _Step):
                steps = [(("", number), item)]
            else:
                steps = [((item, each), step) for each, step in enumerate(self.reads.get(kinds.get(item, ""), ()))]
            for call_id, step in steps:
                bodies = [response.body for response in replay(task, list(calls.values()))[0]]
                answered = dict(zip(calls, bodies, strict=True))
                arguments: Json = step.call.arguments
                for path, pieces in step.pieces.items():
                    values = (self._value(each, call_id[0], slots, answered) for each in pieces)
                    arguments = replaced(arguments, path, "".join(values))
                calls[call_id] = PlannedCall(step.call.name, arguments)
        return list(calls.values())

    def read(self, request: str) -> tuple[Slots, Slots]:
        """Return the values of the request by slot, those of descriptions included, and what kind each slot has."""
        spans: list[tuple[int, int, re.Match[str]]] = []
        for wording, pattern in self.patterns.items():
            if wording.endswith(_ENDS) and not _is_bare(wording):
                for found in pattern.finditer(request):
                    if all(found.end() <= start or found.start() >= end for start, end, _ in spans):
                        spans.append((found.start(), found.end(), found))
        slots: Slots = {}
        kinds: Slots = {}
        for _, _, found in sorted(spans, key=lambda span: span[0]):
            for name, text in found.groupdict().items():
                number = sum(1 for known in slots if re.fullmatch(rf"{name}\d+", known))
                self._add(f"{name}{number}", text.strip(), slots, kinds)
        return slots, kinds

    def _add(self, name: str, text: str, slots: Slots, kinds: Slots) -> None:
        """Add a slot and, if a description fills it, the slots of that."""
        slots[name] = text = text.strip('"')
        kinds[name] = ("key" if re.fullmatch(r"[A-Z]+(-\d+)?", text) else "") + " and" * (" and " in text)
        for number, part in enumerate(text.split(" and ") if " and " in text else ()):
            slots[f"{name}/{number}"] = part
        for wording, pattern in self.patterns.items():
            if _describes(wording) and (found := pattern.fullmatch(text)):
                for each, value in found.groupdict().items():
                    self._add(f"{name}/{each}", value, slots, kinds)
                inner = [f"{each}={kinds[f'{name}/{each}']}" for each in found.groupdict()]
                short = [each for each in ("reporter", "assignee") if " " not in slots.get(f"{name}/{each}", " ")]
                typed = slots.get(f"{name}/noun", "").lower() in _TYPES
                kinds[name] = f"described {self.stated.get(wording, '')} {sorted(inner)} {short} {typed}"
                return

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

    def _learn_plan(self, task: Task, slots: Slots, kinds: Slots) -> None:
        """Trace the oracle's calls back to slots: reads that use one description alone belong to that."""
        bodies = [response.body for response in replay(task, task.oracle)[0]]
        ids: list[CallId] = []
        plan: list[str | _Step] = []
        found: dict[str, list[_Step]] = {}
        for call in task.oracle:
            answered = dict(zip(ids, bodies, strict=False))
            pieces: dict[Path, Pieces] = {}
            for path, leaf in leaves(call.arguments):
                if isinstance(leaf, str):
                    parts = [part for part in re.split(r"(?<=')([^']+)(?=')|(?<=<p>)(.*)(?=</p>)", leaf) if part]
                    pieces[path] = [self._source(part, slots, answered) for part in parts]
            sources = [each for parts in pieces.values() for each in parts if isinstance(each, _Source)]
            owners = {each.name.rpartition("/")[0] if each.name else each.call[0] for each in sources} - {""}
            owner = next(iter(owners)) if len(owners) == 1 and call.name.startswith(_FINDING) else ""
            while owner and not kinds.get(owner, "").startswith("described"):
                owner = owner.rpartition("/")[0]
            if not owner:
                ids.append(("", len(plan)))
                # A description of another kind may take another number of reads; what counts is its last.
                last = {path: [_last_of_owner(each) for each in parts] for path, parts in pieces.items()}
                plan.append(_Step(call, last))
                continue
            if owner not in found:
                plan.append(owner)
            steps = found.setdefault(owner, [])
            ids.append((owner, len(steps)))
            local = {path: [_moved(each, owner, "@") for each in parts] for path, parts in pieces.items()}
            steps.append(_Step(call, local))
        self.plans.setdefault(_key(kinds), plan)
        for owner, steps in found.items():
            self.reads.setdefault(kinds[owner], steps)

    def _source(self, text: str, slots: Slots, answered: Mapping[CallId, Json]) -> str | _Source:
        for name, value in slots.items():
            if _bare(value) == _bare(text):
                return _Source("slot", name, bare=value.startswith("the "))
            day = self.days.get(value.lower(), "")
            if day and text in (day, next_day(day)):
                return _Source("day" if text == day else "next day", name)
        for call_id, body in answered.items():
            for path, leaf in leaves(body):
                if leaf is not None and text in (str(leaf), str(leaf).split("-")[0]):
                    return _Source("read", _chooser(body, path, slots), call_id, path, text != str(leaf))
        return text

    def _value(self, piece: str | _Source, owner: str, slots: Slots, answered: Mapping[CallId, Json]) -> str:
        source = _moved(piece, "@", owner)
        if isinstance(source, str):
            return source
        text = slots.get(source.name, "")
        if source.kind == "slot":
            text = (text.removeprefix("the ") if source.bare else text).removesuffix(" priority")
            return text.capitalize() if text.islower() and re.search("type|noun|priority|right", source.name) else text
        if source.kind in ("day", "next day"):
            day = self.days.get(text.lower(), "2026-01-05")
            return day if source.kind == "day" else next_day(day)
        of_owner = [each for each in answered if each[0] == source.call[0]]
        found = dict(leaves(answered.get(of_owner[-1] if source.call[1] < 0 and of_owner else source.call)))
        path = source.path
        if source.name:
            same = (_item(each) for each, leaf in found.items() if _bare(str(leaf)) == _bare(text))
            item = next((each for each in same if each), _item(path))
            path = (*item, *path[len(item) :])
        value = str(found.get(path, ""))
        return value.split("-")[0] if source.prefix else value


def _last_of_owner(piece: str | _Source) -> str | _Source:
    if isinstance(piece, str) or not piece.call[0]:
        return piece
    return replace(piece, call=(piece.call[0], -1))


def _key(kinds: Slots) -> Key:
    """Return the slots of the sentences with their kinds; all descriptions are of one kind."""
    top = {name: kind for name, kind in kinds.items() if "/" not in name}
    return tuple(
        sorted(f"{name} {'described' if kind.startswith('described') else kind}" for name, kind in top.items())
    )


def _moved(piece: str | _Source, old: str, new: str) -> str | _Source:
    """Return a source with the slots and reads of one description renamed to those of another."""
    if isinstance(piece, str):
        return piece
    name = new + piece.name.removeprefix(old) if piece.name.startswith(old) else piece.name
    owner = new + piece.call[0].removeprefix(old) if piece.call[0].startswith(old) else piece.call[0]
    return replace(piece, name=name, call=(owner, piece.call[1]))


def _pattern(wording: str) -> re.Pattern[str]:
    text = re.escape(wording.strip(" ")).replace("\\ ", r"\s+")
    seen: set[str] = set()

    def group(slot: re.Match[str]) -> str:
        first = slot[1] not in seen
        seen.add(slot[1])
        return f"(?P<{slot[1]}>{_ANY})" if first else f"(?P={slot[1]})"

    return re.compile(_SLOT.sub(group, text), re.I | re.S)


def _is_bare(wording: str) -> bool:
    """Return whether a wording has no words besides its slots."""
    return not re.search(r"[a-z]", re.sub(r"\{\w+\}", "", wording), re.I)


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
    """Return whether calls leave the oracle's site and, if the task asks for an answer, make the oracle's calls."""
    made = [(call.name, call.arguments) for call in calls]
    if task.claim is not None and any((call.name, call.arguments) not in made for call in task.oracle):
        return False
    ends = (normalised_changes(task.world, replay(task, plan)[1]) for plan in (calls, task.oracle))
    return next(ends) == next(ends)
