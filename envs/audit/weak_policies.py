"""Weak policies: they make each of the oracle's steps right with a given probability, so that rewards should spread."""

import random

from envs.api.json_paths import leaves, replaced, without
from envs.api.operation import Json
from envs.audit.mutants import extra_writes
from envs.audit.wrong_values import wrong_values
from envs.scripted_policies import sample_call, turn
from envs.task import DONE, PlannedCall, Task


def weak(task: Task, right: float) -> list[str]:
    """Make each of the oracle's steps (a call, or the final stop) right with probability `right`.

    A wrong step is an omitted call, a call with about half of its values wrong or missing, a call of a tool that does
    not exist or, instead of the stop, one call too many.
    """
    rng = random.Random(f"weak/{task.scenario}/{task.split}/{task.seed}")
    turns = []
    for call in task.oracle:
        # Draw both numbers in any case: a better policy is then the same policy with fewer faults.
        chance, fault = rng.random(), random.Random(rng.random())
        if chance < right:
            turns.append(turn(call))
        elif faulty := _faulty(task, call, fault):
            turns.append(turn(faulty))
    answer = task.answer
    if rng.random() >= right:
        answer = DONE
        extra = list(extra_writes(task)) or [sample_call(task, task.tools[0])]
        turns.append(turn(rng.choice(extra)))
    return [*turns, answer]


def _faulty(task: Task, call: PlannedCall, rng: random.Random) -> PlannedCall | None:
    """Return the call with a random fault, or None to leave it out."""
    kind = rng.random()
    if kind < 0.4:
        return None
    if kind < 0.5:
        return PlannedCall(f"{call.name}s", call.arguments)
    arguments: Json = call.arguments
    values = leaves(arguments)
    spoiled = [leaf for leaf in values if rng.random() < 0.5] or rng.sample(values, min(1, len(values)))
    # From last to first: removing an element shifts those after it.
    for path, value in reversed(spoiled):
        others = wrong_values(task, value)
        arguments = without(arguments, path) if rng.random() < 0.5 else replaced(arguments, path, rng.choice(others))
    return PlannedCall(call.name, arguments)
