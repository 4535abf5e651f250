"""Policies that need no model: turns for a task, perfect or bad in a known way.

The perfect one is the oracle. The bad ones are the floors that a reward must keep low, and the sloppy one is what the
embedded seed was taught by.
"""

import json
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from envs.api.errors import EnvError
from envs.api.operation import Json
from envs.api.tools import Detail
from envs.episode import Episode
from envs.reward.verdict import Verdict
from envs.scenarios import SCENARIOS
from envs.task import DONE, PlannedCall, Task


@dataclass(frozen=True)
class Demonstration:
    """A policy's conversation with the simulator."""

    turns: tuple[tuple[str, tuple[str, ...]], ...]
    """(what was written, what the tools answered), in order."""
    verdict: Verdict


def demonstrate(task: Task, turns: Iterable[str], detail: Detail = "compact") -> Demonstration:
    """Run turns through an episode, up to and with the first that calls no tool."""
    episode = Episode(task, detail)
    made = []
    for text in turns:
        reply = episode.step(text)
        made.append((text, reply.answers))
        if reply.done:
            break
    return Demonstration(tuple(made), episode.verdict())


def turn(call: PlannedCall) -> str:
    """A call as a model writes it."""
    body = json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)
    note = f"{call.note}\n" if call.note else ""
    return f"{note}<tool_call>\n{body}\n</tool_call>"


def oracle(task: Task) -> list[str]:
    """Does what was asked, and stops."""
    return [*map(turn, task.oracle), task.answer]


def idle(task: Task) -> list[str]:
    """Does nothing."""
    return [DONE]


def read_only(task: Task) -> list[str]:
    """Reads what the oracle reads, and stops."""
    operations = task.api.by_name()
    return [*(turn(call) for call in task.oracle if not operations[call.name].writes), DONE]


def duplicate(task: Task) -> list[str]:
    """Repeats the oracle's first call, or any if it makes none, and never gets further."""
    first = task.oracle[0] if task.oracle else PlannedCall(task.tools[0], {})
    return [turn(first)] * 4 + [DONE]


def random_valid(task: Task, rng: random.Random) -> list[str]:
    """Calls random tools with arguments of the right shape, filled with values quoted in the request."""
    operations = task.api.by_name()
    values = re.findall(r'"([^"]*)"', task.request)

    def fill(schema: Mapping[str, Json]) -> Json:
        if "properties" in schema:
            return {name: fill(inner) for name, inner in schema["properties"].items()}
        if schema.get("type") == "array":
            return [fill(schema["items"])]
        return rng.choice(schema["enum"]) if "enum" in schema else rng.choice(values)

    names = [rng.choice(task.tools) for _ in range(3)]
    return [*(turn(PlannedCall(name, fill(operations[name].schema(compact=True)))) for name in names), DONE]


def sloppy(task: Task, rng: random.Random, mistakes: Mapping[str, float]) -> list[str]:
    """The oracle's plan after each mistake took its chance, independently. Raises EnvError for an unknown mistake."""
    known = SCENARIOS[task.scenario].mistakes
    if unknown := sorted(set(mistakes) - set(known)):
        raise EnvError(f"{task.scenario} has no mistake {unknown[0]!r}; it has {', '.join(known)}")
    plan = task.oracle
    for name, chance in mistakes.items():
        if rng.random() < chance:
            plan = tuple(known[name](plan, task, rng))
    return [*map(turn, plan), task.answer if plan == task.oracle else DONE]
