"""Checks and penalties, one fault at a time."""

import pytest

import envs
from envs import scripted_policies
from envs.reward.checks import FinishedEpisode, exactly, overlap
from envs.reward.verdict import judge
from envs.scripted_policies import replay
from envs.task import PlannedCall
from envs.trace import Trace

WRONG_KEY = PlannedCall("getTransitions", {"issueIdOrKey": "NOPE-1"})


@pytest.fixture
def task() -> envs.Task:
    return envs.SCENARIOS["jira_transition_ticket"].sample(4, "train")


def verdict(task: envs.Task, *turns: str) -> envs.Verdict:
    return scripted_policies.demonstrate(task, [*turns, "Done."]).verdict


@pytest.mark.parametrize(
    ("turn", "penalty", "cost"),
    [
        (scripted_policies.turn(PlannedCall("createIssue", {})), "unknown_tool", 0.1),
        ("<tool_call>{</tool_call>", "malformed_call", 0.1),
        ('<tool_call>{"name": 1}</tool_call>', "malformed_call", 0.1),
        (scripted_policies.turn(WRONG_KEY), "refused_call", 0.05),
    ],
)
def test_penalties__each_fault_costs_its_price_once_per_time(task, turn, penalty, cost):
    oracle = [scripted_policies.turn(call) for call in task.oracle]
    once = verdict(task, turn, *oracle)
    assert [(p.name, p.count, p.cost) for p in once.penalties] == [(penalty, 1, cost)]
    assert once.reward == pytest.approx(1.0 - cost) and once.success


def test_penalties__a_malformed_call_is_no_duplicate(task):
    twice = verdict(task, "<tool_call>{</tool_call>", "<tool_call>{</tool_call>")
    assert [(p.name, p.count) for p in twice.penalties] == [("malformed_call", 2)]


def test_penalties__a_repeated_call_and_a_call_after_the_end_are_distinguished(task):
    read, move = (scripted_policies.turn(call) for call in task.oracle)
    assert [p.name for p in verdict(task, read, read, move).penalties] == ["duplicate_call"]
    issue = task.oracle[0].arguments["issueIdOrKey"]
    late = verdict(
        task,
        read,
        move,
        scripted_policies.turn(PlannedCall("getTransitions", {"issueIdOrKey": issue.lower()})),
    )
    assert [p.name for p in late.penalties] == ["call_after_done"]
    assert late.success and late.reward < 0.9


def test_transition__a_lucky_guess_is_a_success_but_earns_less_than_reading(task):
    lucky = verdict(task, scripted_policies.turn(task.oracle[1]))
    assert lucky.success and lucky.reward < 0.6
    late = verdict(task, scripted_policies.turn(task.oracle[1]), scripted_policies.turn(task.oracle[0]))
    assert late.reward < 0.6


def test_page__an_id_that_was_not_read_earns_nothing():
    task = envs.SCENARIOS["confluence_create_page"].sample(4, "train")
    scores = {check.name: check.score for check in verdict(task, scripted_policies.turn(task.oracle[2])).checks}
    assert scores["argument/spaceId"] == scores["argument/parentId"] == 0.0
    assert scores["argument/title"] == scores["outcome"] == 1.0


def test_page__reading_more_than_needed_costs_a_little():
    task = envs.SCENARIOS["confluence_create_page"].sample(4, "train")
    spaces, pages, create = task.oracle
    everything = verdict(
        task,
        scripted_policies.turn(PlannedCall("getSpaces", {})),
        scripted_policies.turn(pages),
        scripted_policies.turn(create),
    )
    assert everything.success and 0.95 <= everything.reward < 1.0


def test_issue__arguments_of_a_refused_call_still_earn():
    task = envs.SCENARIOS["jira_create_issue"].sample(4, "train")
    fields = task.oracle[0].arguments["fields"]
    flat = {**fields, "project": fields["project"]["key"]}
    judged = verdict(task, scripted_policies.turn(PlannedCall("createIssue", {"fields": flat})))
    scores = {check.name: check.score for check in judged.checks}
    assert not judged.success and scores["argument/fields.project.key"] == 0.0
    assert scores["argument/fields.summary"] == scores["argument/fields.labels"] == 1.0


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_outcome__any_other_record_changed_or_lost_spoils_it(scenario):
    task = envs.SCENARIOS[scenario].sample(2, "train")
    episode = envs.Episode(task)
    for turn in scripted_policies.oracle(task):
        episode.step(turn)
    touched = {(change.table, (change.before or {}).get("id")) for change in envs.changes(task.world, episode.world)}
    for table, records in task.world.tables.items():
        for key, record in records.items():
            if (table, key) in touched:
                continue
            for spoiled in ({**record, "summary": "x"}, None):
                world = episode.world.copy()
                if spoiled is None:
                    del world.tables[table][key]
                else:
                    world.tables[table][key] = spoiled
                assert not judge(FinishedEpisode(task, episode.trace, world), envs.SCENARIOS[scenario].checks).success


@pytest.mark.parametrize(
    ("value", "expected", "score"),
    [
        ("31", "31", 1.0),
        (31, "31", 1.0),
        ("32", "31", 0.0),
        (None, "31", 0.0),
        (True, "True", 0.0),
        (["31"], "31", 0.0),
    ],
)
def test_exactly__takes_ids_as_numbers_too(value, expected, score):
    assert exactly(value, expected) == score


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (["a", "b"], 1.0),
        (["b", "a", "a"], 1.0),
        (["a"], 0.5),
        (["a", "b", "c"], 2 / 3),
        ([], 0.0),
        ("a", 0.0),
        ([{}], 0.0),
    ],
)
def test_overlap__is_intersection_over_union(value, score):
    assert overlap(value, ["a", "b"]) == pytest.approx(score)


@pytest.mark.parametrize(
    "scenario", ["confluence_create_page", "confluence_page_from_facts", "confluence_page_from_issue"]
)
def test_outcome__a_page_that_was_written_once_more_is_another_page(scenario):
    """For example, by setting the title to itself."""
    task = envs.sample(scenario, 0, "train")
    (outcome,) = (check for check in envs.SCENARIOS[scenario].checks if check.outcome)
    _, final = replay(task, task.oracle)
    assert outcome.score(FinishedEpisode(task, Trace(), final)) == 1
    (new,) = final.tables["pages"].keys() - task.world.tables["pages"].keys()
    final.tables["pages"][new] = {**final.tables["pages"][new], "version": 2}
    assert outcome.score(FinishedEpisode(task, Trace(), final)) == 0
