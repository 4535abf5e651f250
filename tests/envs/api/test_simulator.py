"""The simulator never modifies its initial world, and equal calls give equal bytes."""

import copy
import json

import pytest

import envs
from envs.api.operation import Operation, Response
from envs.api.simulator import Simulator
from envs.api.world import World
from envs.audit.floors import writes_nothing


def played(task) -> tuple[Simulator, list[str]]:
    simulator = Simulator(task.world, task.api.by_name())
    answers = [simulator.call(call.name, call.arguments) for call in task.oracle]
    return simulator, [json.dumps([answer.status, answer.body]) for answer in answers]


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_call__the_initial_world_stays_as_it_was(scenario):
    task = envs.SCENARIOS[scenario].sample(1, "train")
    before = copy.deepcopy(task.world)
    simulator, _ = played(task)
    assert task.world == before
    assert envs.changes(before, task.world) == []
    changed = envs.changes(before, simulator.world)
    assert bool(changed) is (simulator.world.digest() != before.digest()) is not writes_nothing(task)


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_call__same_seed_and_calls_give_the_same_bytes(scenario):
    runs = [played(envs.SCENARIOS[scenario].sample(5, "heldout")) for _ in range(2)]
    assert runs[0][1] == runs[1][1]
    assert runs[0][0].world == runs[1][0].world and runs[0][0].world.digest() == runs[1][0].world.digest()


def test_call__a_read_changes_nothing_not_even_the_clock():
    task = envs.SCENARIOS["confluence_create_page"].sample(1, "train")
    simulator = Simulator(task.world, task.api.by_name())
    for call in task.oracle[:2]:
        assert simulator.call(call.name, call.arguments).ok
    assert simulator.world == task.world


def test_call__a_refused_write_changes_nothing_not_even_the_clock():
    task = envs.SCENARIOS["confluence_create_page"].sample(1, "train")
    simulator = Simulator(task.world, task.api.by_name())
    assert not simulator.call("createPage", {**task.oracle[2].arguments, "parentId": "1"}).ok
    assert simulator.world == task.world


def test_new_id__is_never_that_of_a_record():
    world = World(next_id=7)
    world.table("pages")["7"] = {"id": "7"}
    world.table("spaces")["8"] = {"id": "8"}
    assert [world.new_id(), world.new_id()] == ["9", "10"]


def test_call__what_a_handler_wrote_before_it_refused_is_undone():
    def writes_then_refuses(world: World, arguments) -> Response:
        world.table("notes")[world.new_id()] = {"at": world.tick()}
        return Response(409, {})

    operation = Operation(
        "addNote", "toy", "POST", "/notes", "Adds a note.", (), writes_then_refuses, lambda why: Response(400)
    )
    simulator = Simulator(World(), {"addNote": operation})
    assert simulator.call("addNote", {}).status == 409
    assert simulator.world == World()


def test_digests__are_one_per_call_the_same_again_and_change_with_writes_alone():
    task = envs.SCENARIOS["confluence_create_page"].sample(1, "train")
    calls = [*task.oracle, task.oracle[0], task.oracle[-1]]  # then a read, and a write that is refused
    runs = []
    for _ in range(2):
        simulator = Simulator(task.world, task.api.by_name(), digested=True)
        wrote = [
            simulator.operations[call.name].writes & simulator.call(call.name, call.arguments).ok for call in calls
        ]
        runs.append(simulator.digests)
    before = [task.world.digest(), *runs[0]]
    assert [old != new for old, new in zip(before, runs[0], strict=False)] == wrote
    assert runs[0] == runs[1] and len(runs[0]) == len(calls) and True in wrote and not all(wrote)
    assert Simulator(task.world, task.api.by_name()).digests == []


def test_digest__sees_a_record_that_differs_in_one_value():
    world, other = World(), World()
    world.table("pages")["7"] = {"id": "7", "title": "A"}
    other.table("pages")["7"] = {"id": "7", "title": "B"}
    assert world.digest() != other.digest() and world.digest() == world.copy().digest()
