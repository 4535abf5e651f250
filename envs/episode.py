"""Episodes: play a task turn by turn, judge the result, store it, and score a stored one again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envs.api.errors import EnvError
from envs.api.operation import Response, Schema
from envs.api.simulator import Simulator
from envs.api.tools import Detail, render, tool_schema
from envs.api.world import World
from envs.episode_record import check_episode
from envs.parsing.calls import Malformed, parse_calls
from envs.reward.checks import FinishedEpisode
from envs.reward.verdict import RULES, Verdict, judge
from envs.scenarios import SCENARIOS, sample
from envs.task import Task
from envs.trace import SEEN, Call, Trace


@dataclass(frozen=True)
class Reply:
    """The environment's answer to a turn."""

    done: bool
    """Whether the turn called no tool, which ends the episode."""
    answers: tuple[str, ...]
    """One text per call, in order, for the model."""


def tool_schemas(task: Task, detail: Detail = "compact") -> list[dict[str, Any]]:
    """Return the schemas of the tools that a task offers, in the form that chat templates take."""
    operations = task.api.by_name()
    return [tool_schema(operations[name], detail) for name in task.tools]


class Episode:
    """One attempt at a task, with its own copy of the task's site."""

    def __init__(
        self, task: Task, detail: Detail = "compact", untagged_calls: bool = False, trace_only: bool = False
    ) -> None:
        """Start an episode.

        `detail` sets how much of the tools and their answers the model sees, `untagged_calls` accepts calls without
        tags, and `trace_only` leaves the final site out of the reward.
        """
        self.task = task
        self._detail = detail
        self._untagged_calls = untagged_calls
        self._trace_only = trace_only
        self._simulator = Simulator(task.world, task.api.by_name(), task.faults)
        self._calls: list[Call] = []
        self._turns = 0
        self._stopped = False
        self._answer = ""

    @property
    def trace(self) -> Trace:
        """The calls so far, and the answer if the model has stopped."""
        return Trace(tuple(self._calls), self._stopped, self._answer)

    @property
    def world(self) -> World:
        """The current site."""
        return self._simulator.world

    def step(self, text: str) -> Reply:
        """Play one turn of the model. A malformed or refused call is answered with text; no text raises."""
        calls = parse_calls(text, self._schemas(), self._untagged_calls)
        self._stopped = not calls
        self._answer = "" if calls else text
        answers = []
        for call in calls:
            if isinstance(call, Malformed):
                self._record("", {}, error=call.error)
                answers.append(f"Error: {call.message}")
            else:
                answers.append(self._call(call.name, call.arguments))
        self._turns += 1
        return Reply(not calls, tuple(answers))

    def _schemas(self) -> dict[str, dict[str, Schema]]:
        offered = (self._simulator.operations[name] for name in self.task.tools)
        return {operation.name: {p.name: p.schema for p in operation.parameters} for operation in offered}

    def _call(self, name: str, arguments: Mapping[str, Any]) -> str:
        if name not in self.task.tools:
            self._record(name, arguments, error="unknown_tool")
            return f"Error: there is no tool {name[:80]!r}; the tools are {', '.join(self.task.tools)}."
        response: Response = self._simulator.call(name, arguments)
        self._record(name, arguments, "" if response.ok else response.cause or "refused", response)
        return render(self._simulator.operations[name], response, self._detail)

    def _record(self, name: str, arguments: Mapping[str, Any], error: str, response: Response | None = None) -> None:
        """Append a call of this turn to the trace; without a response, the call did not reach the API."""
        status, body = (response.status, response.body) if response else (0, None)
        self._calls.append(Call(name, arguments, status, body, error=error, turn=self._turns))

    def verdict(self) -> Verdict:
        """Judge the episode as if it ended now."""
        finished = FinishedEpisode(self.task, self.trace, self.world)
        return judge(finished, SCENARIOS[self.task.scenario].checks, self._trace_only)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data from which `rescore` computes the same verdict."""
        task = self.task
        return {
            "task": {
                "scenario": task.scenario,
                "seed": task.seed,
                "split": task.split,
                "difficulty": task.difficulty,
                "tools": len(task.tools),
            },
            "digest": task.digest(),
            "rules": RULES,
            "request": task.request,
            "calls": [call.to_dict() for call in self._calls],
            "stopped": self._stopped,
            "answer": self._answer,
            "trace_only": self._trace_only,
        }


def rescore(record: Mapping[str, Any], across_rules: bool = False) -> Verdict:
    """Judge a stored episode (see `Episode.to_dict`) again, replaying its calls without a model.

    The calls meet the same faults as before. A call without "turn" gets a turn to itself, as in old records.
    Raises EnvError for a record that is not an episode, whose task is drawn differently now, or which was stored under
    another version of the rules, unless `across_rules`.
    """
    check_episode(record)
    task = sample(**record["task"])
    rules, name = record.get("rules", 1), f"{task.scenario}, seed {task.seed}, {task.split}"
    if rules != RULES and not across_rules:
        raise EnvError(
            f"the episode of {name} was scored by version {rules} of the rules and this is version {RULES}: "
            "the rewards cannot be compared; --across-rules scores it all the same"
        )
    # Records of earlier versions have no digest.
    same = record.get("digest", task.digest()) == task.digest() and record.get("request", task.request) == task.request
    if not same:
        raise EnvError(f"the task {name} is another one now than when the episode was stored")
    calls = [Call.from_dict({"turn": index, **call}) for index, call in enumerate(record["calls"])]
    stopped, answer = record["stopped"], record.get("answer", "")
    if unknown := [call.name for call in calls if call.error in SEEN and call.name not in task.api.by_name()]:
        raise EnvError(f"a stored call reached the API, which has no operation {ascii(unknown[0])}")
    simulator = Simulator(task.world, task.api.by_name(), task.faults)
    for call in calls:
        if call.error in SEEN:
            simulator.call(call.name, call.arguments)
    finished = FinishedEpisode(task, Trace(tuple(calls), stopped, answer), simulator.world)
    return judge(finished, SCENARIOS[task.scenario].checks, record.get("trace_only", False))
