"""Mistakes for sloppy demonstrations: dropping or changing the arguments of the oracle's plan, or cutting it short."""

import random
from collections.abc import Callable, Mapping

from envs.api.operation import Json
from envs.scenarios.vocabulary.oracle import oracle_call
from envs.scenarios.vocabulary.scenario import Mistake, Plan
from envs.task import PlannedCall, Task

Arguments = Mapping[str, Json]
Edit = Callable[[Arguments, Task, random.Random], Arguments]
"""(the arguments of the oracle's last call, task, generator) -> values by the dotted path of an argument."""


def change(operation: str, edit: Edit, without: tuple[str, ...] = (), unread: tuple[str, ...] = ()) -> Mistake:
    """Change the arguments of an operation's calls.

    `without` lists dotted paths to drop first; `unread` lists operations whose calls are dropped.
    """

    def mistake(plan: Plan, task: Task, rng: random.Random) -> Plan:
        values = edit(oracle_call(task, operation).arguments, task, rng)
        return [
            PlannedCall(operation, _edited(call.arguments, without, values)) if call.name == operation else call
            for call in plan
            if call.name not in unread
        ]

    return mistake


def omit(operation: str, *paths: str, unread: tuple[str, ...] = ()) -> Mistake:
    """Leave out arguments, or values inside them, by dotted path."""
    return change(operation, lambda *_: {}, paths, unread)


def stop_before(*operations: str) -> Mistake:
    """Drop the calls of these operations."""
    return lambda plan, task, rng: [call for call in plan if call.name not in operations] or plan


def up_to_failure(plan: Plan) -> Plan:
    """Return the plan's calls through the first that fails, or all of them if none does."""
    return plan[: next((number for number, call in enumerate(plan, 1) if call.fails), len(plan))]


def give_up(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Stop at the first call that fails."""
    return up_to_failure(plan)


def insist(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Repeat the failed call unchanged, and stop."""
    begun = up_to_failure(plan)
    return [*begun, begun[-1]] if task.faults else plan


def _edited(arguments: Arguments, without: tuple[str, ...], values: Arguments) -> dict[str, Json]:
    edited = dict(arguments)
    for path in without:
        _innermost(edited, path).pop(path.split(".")[-1], None)
    for path, value in values.items():
        _innermost(edited, path)[path.split(".")[-1]] = value
    return edited


def _innermost(arguments: dict[str, Json], path: str) -> dict[str, Json]:
    """Copy the objects around a path, which calls share with the oracle, and return the innermost."""
    for name in path.split(".")[:-1]:
        arguments[name] = dict(arguments[name])
        arguments = arguments[name]
    return arguments
