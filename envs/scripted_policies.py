"""Policies that need no model: each returns the turns that it writes for a task.

The oracle solves the task. `sloppy` makes a scenario's named mistakes; the embedded seed model was trained on its
demonstrations. The policies in CHEAP deserve next to no reward: they know the tools and the request but not the oracle,
except where their description says so. Their mean reward is the floor of a scenario, which `envs.audit` keeps low.
"""

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from envs.api.errors import EnvError
from envs.api.json_paths import leaves, replaced
from envs.api.operation import Json, Response
from envs.api.simulator import Simulator
from envs.api.tools import Detail, render
from envs.api.world import World
from envs.episode import Episode
from envs.reward.verdict import Verdict
from envs.scenarios import SCENARIOS
from envs.task import DONE, PlannedCall, Task

Policy = Callable[[Task], list[str]]
"""Task -> the texts of its turns, of which the last one calls no tool."""
_REPEATS = 8
"""Times that `duplicate_spam` makes its call."""
_RANDOM_CALLS = 3
"""Calls that `random_valid` makes."""


@dataclass(frozen=True)
class Demonstration:
    """The conversation of a policy with the simulator."""

    turns: tuple[tuple[str, tuple[str, ...]], ...]
    """(text of the turn, answers of the tools), in order."""
    verdict: Verdict


def demonstrate(task: Task, turns: Iterable[str], detail: Detail = "compact") -> Demonstration:
    """Play turns in an episode, up to and including the first that calls no tool."""
    episode = Episode(task, detail)
    played = []
    for text in turns:
        reply = episode.step(text)
        played.append((text, reply.answers))
        if reply.done:
            break
    return Demonstration(tuple(played), episode.verdict())


def turn(call: PlannedCall) -> str:
    """Write a call as a model does: its note, then Hermes JSON between <tool_call> tags."""
    body = json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)
    note = f"{call.note}\n" if call.note else ""
    return f"{note}<tool_call>\n{body}\n</tool_call>"


def oracle(task: Task) -> list[str]:
    """Make the oracle's calls, then give its answer."""
    return [*map(turn, task.oracle), task.answer]


def sloppy(task: Task, rng: random.Random, mistakes: Mapping[str, float]) -> list[str]:
    """Follow the oracle after making each mistake with its own probability, independently of the others.

    Raises EnvError for a mistake that the scenario does not have.
    """
    known = SCENARIOS[task.scenario].mistakes
    if unknown := sorted(set(mistakes) - set(known)):
        raise EnvError(f"{task.scenario} has no mistake {unknown[0]!r}; it has {', '.join(known)}")
    plan = task.oracle
    for name, chance in mistakes.items():
        if rng.random() < chance:
            plan = tuple(known[name](plan, task, rng))
    return [*map(turn, plan), task.answer if plan == task.oracle else DONE]


def do_nothing(task: Task) -> list[str]:
    """Stop at once."""
    return [DONE]


def read_only(task: Task) -> list[str]:
    """Make the oracle's reads and stop; if the oracle writes nothing, read with every tool instead."""
    operations = task.api.by_name()
    reads = oracle_reads(task)
    if len(reads) == len(task.oracle):
        reads = [sample_call(task, name) for name in task.tools if not operations[name].writes]
    return [*map(turn, reads), DONE]


def random_valid(task: Task) -> list[str]:
    """Call three random tools with arguments of the right shape, strings drawn from the request's quoted values."""
    rng = random.Random(f"random-valid/{task.scenario}/{task.split}/{task.seed}")
    values = quoted(task.request) or [task.request]

    def draw(schema: Mapping[str, Json]) -> Json:
        if "enum" in schema:
            return rng.choice(schema["enum"])
        value = value_of(schema, task)
        if isinstance(value, dict):
            return {name: draw(inner) for name, inner in schema.get("properties", {}).items()}
        if isinstance(value, list):
            return [draw(schema.get("items", {}))]
        return rng.choice(values) if isinstance(value, str) else value

    operations = task.api.by_name()
    names = [rng.choice(task.tools) for _ in range(_RANDOM_CALLS)]
    return [*(turn(PlannedCall(name, draw(operations[name].schema(compact=True)))) for name in names), DONE]


def duplicate_spam(task: Task) -> list[str]:
    """Repeat the oracle's first call; if the oracle makes none, a call of the first tool."""
    first = task.oracle[0] if task.oracle else sample_call(task, task.tools[0])
    return [*[turn(first)] * _REPEATS, DONE]


def echo_request(task: Task) -> list[str]:
    """Call every tool with the whole request as each string."""
    turns = []
    for name in task.tools:
        arguments = sample_call(task, name).arguments
        for path, value in leaves(arguments):
            if isinstance(value, str):
                arguments = replaced(arguments, path, task.request)
        turns.append(turn(PlannedCall(name, arguments)))
    return [*turns, DONE]


def dump_answers(task: Task) -> list[str]:
    """Make the oracle's reads and repeat their answers word for word; if it reads nothing, read with one tool."""
    operations = task.api.by_name()
    offered = [sample_call(task, name) for name in task.tools if not operations[name].writes]
    reads = oracle_reads(task) or offered[:1]
    return [*map(turn, reads), "\n".join(answers_shown(task, reads)) or DONE]


def same_answer(first: Task) -> Policy:
    """Return the policy that solves `first` and repeats that for every other task."""
    turns = oracle(first)
    return lambda task: turns


CHEAP: Mapping[str, Policy] = {
    "do-nothing": do_nothing,
    "read-only": read_only,
    "random-valid": random_valid,
    "duplicate-spam": duplicate_spam,
    "echo-request": echo_request,
    "dump-answer": dump_answers,
}
"""Cheap policies by name; `same_answer`, which needs a first task, is the only other one."""


def oracle_reads(task: Task) -> list[PlannedCall]:
    """Return the oracle's reads, in order."""
    operations = task.api.by_name()
    return [call for call in task.oracle if not operations[call.name].writes]


def replay(task: Task, plan: Sequence[PlannedCall]) -> tuple[list[Response], World]:
    """Make a plan's calls in a fresh simulator; return their responses and the final world."""
    simulator = Simulator(task.world, task.api.by_name(), task.faults)
    return [simulator.call(call.name, call.arguments) for call in plan], simulator.world


def answers_shown(task: Task, plan: Sequence[PlannedCall]) -> list[str]:
    """Return the texts that a model gets in answer to a plan's calls, in the compact view."""
    operations = task.api.by_name()
    responses, _ = replay(task, plan)
    return [render(operations[call.name], each, "compact") for call, each in zip(plan, responses, strict=True)]


def quoted(request: str) -> list[str]:
    """Return the values in double quotes, in order."""
    return re.findall(r'"([^"]*)"', request)


def sample_call(task: Task, name: str) -> PlannedCall:
    """Return a call of the tool with every argument of its compact schema, strings taken from the request."""
    properties = task.api.by_name()[name].schema(compact=True)["properties"]
    arguments = {key: value_of(schema, task, index) for index, (key, schema) in enumerate(properties.items())}
    return PlannedCall(name, arguments)


def value_of(schema: Mapping[str, Json], task: Task, start: int = 0) -> Json:
    """Return a value of the schema's shape; its strings are the request's quoted values in turn, from index `start`."""
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: value_of(inner, task, start + index) for index, (name, inner) in enumerate(properties.items())}
    if kind == "array":
        return [value_of(schema.get("items", {}), task, start)]
    if kind in ("integer", "number"):
        return 1
    values = quoted(task.request) or [task.request]
    return True if kind == "boolean" else values[start % len(values)]
