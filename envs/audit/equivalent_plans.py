"""Changes of an oracle's plan that keep it right, each in one place, and what is known at each of its calls."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from envs.api.operation import Json, Operation, Response
from envs.api.simulator import Simulator
from envs.api.world import World
from envs.task import PlannedCall, Task

Plan = tuple[PlannedCall, ...]


@dataclass(frozen=True)
class Situation:
    """One call of an oracle, the site that it meets and the responses of all calls."""

    task: Task
    index: int
    world: World
    """The site before the call; a simulator copies it."""
    responses: tuple[Response, ...]

    @property
    def call(self) -> PlannedCall:
        """The call itself."""
        return self.task.oracle[self.index]

    @property
    def operation(self) -> Operation:
        """The call's operation."""
        return self.task.api.by_name()[self.call.name]

    @property
    def body(self) -> Json:
        """The body of the call's response."""
        return self.responses[self.index].body

    def read(self, name: str, arguments: Mapping[str, Json]) -> Response:
        """Return the response that a read would get in place of the call, without the task's faults."""
        return Simulator(self.world, self.task.api.by_name()).call(name, arguments)


@dataclass(frozen=True)
class Change:
    """Other calls in place of one call of the oracle."""

    kind: str
    detail: str
    index: int
    calls: Plan


Rule = Callable[[Situation], Iterator[Change]]


@dataclass(frozen=True)
class Way:
    """A whole plan that is as right as the oracle's."""

    kind: str
    where: str
    plan: Plan


def situations(task: Task) -> list[Situation]:
    """Replay the oracle once and return the situation of each of its calls."""
    simulator = Simulator(task.world, task.api.by_name(), task.faults)
    worlds, responses = [], []
    for call in task.oracle:
        worlds.append(simulator.world.copy())
        responses.append(simulator.call(call.name, call.arguments))
    return [Situation(task, index, world, tuple(responses)) for index, world in enumerate(worlds)]


def changed_plans(task: Task, rules: Iterable[Rule]) -> Iterator[Way]:
    """Yield the oracle's plan with each change of the rules, and with all changes of the same sort together.

    Calls that fail stay as they are: the API's answer to them belongs to the task.
    """
    together: dict[tuple[str, str], dict[int, Plan]] = {}
    around = [situation for situation in situations(task) if not situation.call.fails]
    for rule in rules:
        for situation in around:
            for change in rule(situation):
                where = f"{change.detail} (call {change.index + 1})"
                yield Way(change.kind, where, _with_calls(task, {change.index: change.calls}))
                together.setdefault((change.kind, change.detail), {})[change.index] = change.calls
    for (kind, detail), calls in together.items():
        if len(calls) > 1:
            yield Way(
                kind, f"{detail} (calls {', '.join(str(index + 1) for index in calls)})", _with_calls(task, calls)
            )


def _with_calls(task: Task, calls: Mapping[int, Plan]) -> Plan:
    return tuple(new for index, call in enumerate(task.oracle) for new in calls.get(index, (call,)))


def faulty(task: Task) -> set[str]:
    """Return the operations of which certain calls meet a fault, so that their number must not change before it."""
    return {name for name, _, _ in task.faults.on} if task.faults else set()
