"""Laws of goals: what follows from an oracle, what counts as read, and whose changes count."""

import gc
import random
from dataclasses import replace

import pytest

import envs
from envs import scripted_policies
from envs.api.faults import Faults, Rival
from envs.reward.goal import (
    NeededRead,
    changes_made,
    contains,
    goal_of,
    guessed,
    once_per_task,
    scalars,
    seen_values,
    shares_read,
)
from envs.reward.site_diff import normalised_changes
from envs.task import PlannedCall, Task
from envs.trace import Call, answered_before
from tests.envs.toy_library import library

SCENARIOS = pytest.mark.parametrize("scenario", envs.SCENARIOS)
LENDING, RETURN = library()
DEPENDENT = ("confluence_page_from_facts", "confluence_page_from_issue")
"""Scenarios in which the second write uses the id that the first returned."""


def tasks(scenario: str, count: int = 8, hardest: int = 5) -> list[Task]:
    """Return tasks of all splits and of the difficulties up to `hardest`."""
    return [
        envs.sample(scenario, seed, ("train", "heldout", "synthetic")[seed % 3], 1 + seed % hardest)
        for seed in range(count)
    ]


def played(task: Task, *turns: tuple[PlannedCall, ...]) -> envs.Episode:
    """Play turns of one or more calls each."""
    episode = envs.Episode(task)
    for calls in turns:
        episode.step("\n".join(map(scripted_policies.turn, calls)))
    return episode


def one_by_one(task: Task, *calls: PlannedCall) -> envs.Episode:
    return played(task, *((call,) for call in calls))


@SCENARIOS
def test_goal__of_the_oracle_itself_is_reached_without_a_guess(scenario):
    for task in tasks(scenario):
        goal, episode = goal_of(task), one_by_one(task, *task.oracle)
        assert changes_made(goal, task, episode.trace, episode.world) == goal.changes
        assert all(share == 1 for _, share in shares_read(goal, episode.trace))
        assert not guessed(goal, episode.trace)
        assert bool(goal.changes) is task.any_writes(call for call in task.oracle if not call.fails)
        assert goal.read_count + goal.write_count <= len(task.oracle)


@SCENARIOS
def test_goal__without_a_rival_starts_from_the_initial_site(scenario):
    for task in tasks(scenario):
        raced = task.faults is not None and task.faults.rival is not None
        assert (goal_of(task).contested.digest() == task.world.digest()) is not raced


@SCENARIOS
def test_goal__what_had_to_be_read_is_not_in_the_request(scenario):
    for task in tasks(scenario):
        goal = goal_of(task)
        assert not any(contains(task.request, value) for value in goal.learnt)
        assert all(read.values and not task.api.by_name()[read.operation].writes for read in goal.reads)


def test_goal__of_the_library_is_one_read_and_one_write():
    for seed in range(10):
        lend, back = (scenario.sample(seed, "train") for scenario in (LENDING, RETURN))
        book, loan = lend.oracle[1].arguments["bookId"], back.oracle[1].arguments["loanId"]
        assert goal_of(lend).reads == (NeededRead("findBooks", frozenset([book])),)
        assert goal_of(lend).learnt == {book} and goal_of(back).learnt == {loan}
        assert [(change.table, change.before) for change in goal_of(lend).changes] == [("loans", None)]
        assert [(change.table, change.after) for change in goal_of(back).changes] == [("loans", None)]
        assert all(goal_of(task).read_count == goal_of(task).write_count == 1 for task in (lend, back))


def test_reads__a_quoted_value_of_the_answer_has_to_be_read():
    for task in tasks("jira_read_issue", hardest=1):
        (read,) = goal_of(task).reads
        assert read.values == {value for value in scripted_policies.quoted(task.answer)}


def test_reads__the_successor_of_a_number_counts_as_read_from_the_latest_response():
    for task in tasks("confluence_update_conflict", 20, hardest=1):
        last = task.oracle[-1].arguments["version"]["number"]
        assert str(last - 1) in goal_of(task).reads[-1].values and goal_of(task).reads[-1].operation == "getPageById"


def test_reads__whichever_operation_returned_the_values():
    for task in tasks("confluence_label_page", hardest=1):
        page = task.oracle[-1].arguments["id"]
        by_id = PlannedCall("getPageById", {"id": page})
        everything = replace(task, tools=tuple(task.api.by_name()))
        episode = one_by_one(everything, by_id)
        assert all(share == 1 for _, share in shares_read(goal_of(task), episode.trace))


def test_seen_values__are_those_of_successful_calls():
    read = Call("find", {}, 200, {"found": [{"id": "7", "tags": ["x", None], "open": True}]})
    refusal = Call("find", {}, 404, {"message": "y"}, "refused")
    assert seen_values([read, refusal]) == {"7", "x", "True"} == scalars(read.body)
    assert seen_values([]) == frozenset()


def test_answered_before__are_the_calls_of_earlier_turns():
    read, use = Call("find", {}, 200, {}, turn=3), Call("write", {}, 201, {}, turn=3)
    later = replace(use, turn=4)
    assert answered_before((read, use, later), 2) == [read, use]
    assert answered_before((read, use), 1) == answered_before((read,), 0) == answered_before((read,), -1) == []


def test_learnt__a_value_that_is_only_called_like_a_property_has_to_be_read():
    task = envs.sample("jira_create_subtask", 0, "train")
    *reads, create = task.oracle
    kind = create.arguments["fields"]["issuetype"]["name"]
    world = task.world.copy()
    for key, record in task.world.table("issuetypes").items():
        if record["name"] == kind:
            world.table("issuetypes")[key] = {**record, "name": "Key"}
    named = {**create.arguments["fields"], "issuetype": {"name": "Key"}}
    renamed = replace(task, world=world, oracle=(*reads, PlannedCall(create.name, {"fields": named})))
    assert "Key" in goal_of(renamed).learnt and len(goal_of(renamed).reads) == 2


def test_guessed__a_value_is_read_only_if_an_earlier_turn_was_answered_with_it():
    for scenario in (LENDING, RETURN):
        for seed in range(10):
            task = scenario.sample(seed, "train")
            read, write = task.oracle
            for turns, guess in (
                (((read,), (write,)), False),
                (((read, write),), True),
                (((write,), (read,)), True),
                (((write,),), True),
                (((read,),), False),
                ((), False),
            ):
                assert guessed(goal_of(task), played(task, *turns).trace) is guess


def test_guessed__a_refused_write_guesses_nothing():
    for seed in range(10):
        task = LENDING.sample(seed, "train")
        read, write = task.oracle
        unnamed = PlannedCall(write.name, {"bookId": write.arguments["bookId"]})
        episode = one_by_one(task, unnamed, read, write)
        assert episode.trace.calls[0].error == "refused" and not guessed(goal_of(task), episode.trace)


def raced() -> Task:
    """Return the task of lending a book while another client lends another one."""
    task = LENDING.sample(0, "train")
    taken = next(book for book in task.world.table("books") if book != task.oracle[1].arguments["bookId"])
    theirs = {"bookId": taken, "reader": "rival", "days": 2}
    return replace(task, faults=Faults(rival=Rival("createLoan", (("createLoan", theirs),))))


def test_rival__its_write_is_nobodys_achievement():
    task = raced()
    goal = goal_of(task)
    assert [change.after["reader"] for change in goal.changes] == [task.oracle[1].arguments["reader"]]
    met = one_by_one(task, *task.oracle)
    assert changes_made(goal, task, met.trace, met.world) == goal.changes
    # A rival that was not met has written nothing, and that is no failure to make its change.
    unmet = one_by_one(task, task.oracle[0])
    assert changes_made(goal, task, unmet.trace, unmet.world) == ()
    mine = LENDING.sample(0, "train")
    assert goal_of(mine).changes == goal.changes


@pytest.mark.parametrize("scenario", ["jira_transition_conflict", "confluence_update_conflict"])
def test_rival__met_and_left_alone_is_no_change(scenario):
    for task in (task for task in tasks(scenario, 20) if task.faults):
        begun = task.oracle[: next(number for number, call in enumerate(task.oracle, 1) if call.fails)]
        episode = one_by_one(task, *begun)
        assert normalised_changes(task.world, episode.world)
        assert changes_made(goal_of(task), task, episode.trace, episode.world) == ()


@pytest.mark.parametrize("scenario", [name for name in envs.SCENARIOS if name not in DEPENDENT])
def test_changes__do_not_depend_on_the_order_of_independent_writes(scenario):
    """Writes are independent if each is accepted before the others, and none uses what another returned."""
    for task in tasks(scenario, 4):
        operations = task.api.by_name()
        reads = [call for call in task.oracle if not operations[call.name].writes]
        writes = [call for call in task.oracle if operations[call.name].writes]
        episode = one_by_one(task, *reads, *random.Random(task.seed).sample(writes, len(writes)))
        if all(call.ok for call in episode.trace):
            assert changes_made(goal_of(task), task, episode.trace, episode.world) == goal_of(task).changes


def test_contains__whole_words_in_any_case():
    assert contains("Move AB-1 now", "ab-1") and contains('the "Lamp unit".', "lamp unit")
    assert (
        not contains("AB-12", "12")
        and not contains("AB-12", "AB-1")
        and not contains("lamps", "lamp")
        and not contains("", "x")
    )


def test_once_per_task__computes_once_and_forgets_with_the_task():
    counted: list[int] = []

    @once_per_task
    def count(task: Task) -> int:
        counted.append(task.seed)
        return len(counted)

    first, second = (LENDING.sample(seed, "train") for seed in range(2))
    assert [count(first), count(first), count(second), count(first)] == [1, 1, 2, 1]
    del first
    gc.collect()
    assert count(LENDING.sample(0, "train")) == 3 and counted == [0, 1, 0]
