"""Faults: they hit the intended call, change nothing, and recur when a stored episode is scored again."""

import json
from dataclasses import replace

import pytest

import envs
from envs import scripted_policies
from envs.api.faults import Faults, Rival
from envs.api.simulator import Simulator
from envs.example_site import made_up_site
from envs.jira import JIRA
from envs.reward.checks import FinishedEpisode
from envs.reward.verdict import judge
from envs.task import PlannedCall, Task
from envs.trace import Call, Trace


def new_issue(summary: str, key: str) -> dict:
    return {"fields": {"project": {"key": key}, "issuetype": {"name": "Task"}, "summary": summary}}


@pytest.fixture
def task() -> Task:
    return envs.sample("jira_transition_ticket", 4, "train")


def run(task: Task, *calls: PlannedCall) -> FinishedEpisode:
    """Return a finished episode of these calls, played without turns or text."""
    simulator = Simulator(task.world, task.api.by_name(), task.faults)
    trace = []
    for call in calls:
        response = simulator.call(call.name, call.arguments)
        error = "" if response.ok else response.cause or "refused"
        trace.append(Call(call.name, call.arguments, response.status, response.body, error, len(trace)))
    return FinishedEpisode(task, Trace(tuple(trace), True), simulator.world)


def penalties(attempt: FinishedEpisode) -> dict[str, int]:
    return {penalty.name: penalty.count for penalty in judge(attempt).penalties}


def test_on__hits_the_operations_own_calls_whatever_was_called_before():
    world = made_up_site()
    key = world.find("projects")[0]["key"]
    for reads in range(3):
        simulator = Simulator(world, JIRA.by_name(), Faults(on=(("createIssue", 1, 500), ("createIssue", 2, 429))))
        for _ in range(reads):
            assert simulator.call("getAllProjects", {}).ok
        answers = [simulator.call("createIssue", new_issue("x", key)) for _ in range(3)]
        assert [(a.status, a.cause) for a in answers] == [(500, "unavailable"), (429, "unavailable"), (201, "")]
        assert len(simulator.world.find("issues")) == len(world.find("issues")) + 1


def test_on__a_conflict_passes_a_read_and_hits_a_write():
    simulator = Simulator(
        made_up_site(), JIRA.by_name(), Faults(on=(("getAllProjects", 1, 409), ("createIssue", 1, 409)))
    )
    assert simulator.call("getAllProjects", {}).ok
    key = simulator.world.find("projects")[0]["key"]
    assert simulator.call("createIssue", new_issue("x", key)).cause == "conflict"


@pytest.mark.parametrize("wrong", [{"on": (("createIssue", 1, 404),)}, {"at": ((1, 200),)}])
def test_faults__refuse_a_status_that_is_none(wrong):
    with pytest.raises(envs.EnvError, match="429, 409, 500, not"):
        Faults(**wrong)


def test_rival__writes_once_before_the_first_write_that_would_be_accepted():
    world = made_up_site()
    key = world.find("projects")[0]["key"]
    theirs = Rival("createIssue", (("createIssue", new_issue("theirs", key)),))
    simulator = Simulator(world, JIRA.by_name(), Faults(rival=theirs))
    refused = simulator.call("createIssue", new_issue("", key))
    assert not refused.ok and refused.cause == "" and simulator.world.digest() == world.digest()
    # Their issue does not stand in the way of ours: nothing is in conflict, and both are there.
    assert simulator.call("createIssue", new_issue("ours", key)).ok
    assert simulator.call("createIssue", new_issue("more", key)).ok
    added = [issue["fields"]["summary"] for issue in simulator.world.find("issues")][len(world.find("issues")) :]
    assert added == ["theirs", "ours", "more"] and simulator.world.me == world.me


def test_rival__makes_a_refusal_that_is_a_conflict(task):
    read, move = task.oracle
    others = [
        step
        for step in run(task, read).trace.calls[0].body["transitions"]
        if step["id"] != move.arguments["transition"]["id"]
    ]
    theirs = {**move.arguments, "transition": {"id": others[-1]["id"]}}
    faulty = replace(task, faults=Faults(rival=Rival("doTransition", (("doTransition", theirs),))))
    attempt = run(faulty, read, move)
    assert [call.error for call in attempt.trace] == ["", "conflict"]
    history = attempt.final.find("issues", key=move.arguments["issueIdOrKey"])[0]["history"]
    assert [entry["author"] for entry in history] == [Rival("", ()).account]


def test_rival__whose_operations_are_not_there_is_refused():
    with pytest.raises(envs.EnvError, match="'updatePage'"):
        Simulator(made_up_site(), JIRA.by_name(), Faults(rival=Rival("createIssue", (("updatePage", {}),))))


@pytest.mark.parametrize("status", [429, 500, 409])
def test_penalties__a_call_that_met_a_fault_may_be_made_again(task, status):
    read, move = task.oracle
    plan = (read, replace(move, fails=True), move)
    faulty = replace(task, faults=Faults(on=(("doTransition", 1, status),)), oracle=plan)
    assert penalties(run(faulty, *plan)) == {}
    assert penalties(run(faulty, read, *plan)) == {"repeated_read": 1}
    assert penalties(run(faulty, *plan, move)) == {"refused_call": 1}


def test_penalties__a_read_that_met_a_fault_may_be_made_again(task):
    read, move = task.oracle
    faulty = replace(task, faults=Faults(on=(("getTransitions", 1, 500),)))
    assert penalties(run(faulty, read, read, move)) == {}
    assert penalties(run(faulty, read, read, read, move)) == {"repeated_read": 1}


def test_penalties__reading_again_after_a_write_is_free(task):
    read, move = task.oracle
    assert penalties(run(task, read, move, read)) == {}
    assert (
        penalties(run(task, read, move, read, read)) == penalties(run(task, read, read, move)) == {"repeated_read": 1}
    )


def test_penalties__as_many_refused_reads_are_free_as_the_oracle_makes(task):
    nowhere = PlannedCall("getTransitions", {"issueIdOrKey": "NOPE-1"}, fails=True)
    elsewhere = replace(nowhere, arguments={"issueIdOrKey": "NOPE-2"})
    write = PlannedCall("doTransition", {"issueIdOrKey": "NOPE-1", "transition": {"id": "1"}})
    asking = replace(task, oracle=(nowhere, task.oracle[1]))
    assert penalties(run(asking, nowhere)) == penalties(run(asking, elsewhere)) == {}
    assert penalties(run(asking, nowhere, elsewhere)) == {"refused_call": 1}
    assert penalties(run(asking, write)) == {"refused_call": 1}
    assert penalties(run(task, nowhere)) == {"refused_call": 1}


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_plan__says_of_each_call_whether_it_fails(scenario):
    for seed in range(60):
        task = envs.sample(scenario, seed, ("train", "heldout", "synthetic")[seed % 3], 1 + seed % 5)
        calls = run(task, *task.oracle).trace.calls
        assert [not call.ok for call in calls] == [planned.fails for planned in task.oracle]


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_rescore__a_stored_episode_meets_the_same_faults(scenario):
    for seed in range(30):
        task = envs.sample(scenario, seed, "train")
        for turns in (
            scripted_policies.oracle(task),
            scripted_policies.random_valid(task),
            scripted_policies.duplicate_spam(task),
        ):
            episode = envs.Episode(task)
            for turn in turns:
                episode.step(turn)
            assert envs.rescore(json.loads(json.dumps(episode.to_dict()))) == episode.verdict()
