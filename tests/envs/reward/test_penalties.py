"""Laws of penalties: the price of each fault, and the reads and calls that are free."""

import pytest

import envs
from envs import scripted_policies
from envs.api.faults import Faults
from envs.reward.goal import goal_of
from envs.reward.penalties import COSTS, FREE_READS, penalties
from envs.reward.verdict import LEAST_SUCCESS
from envs.scripted_policies import turn
from envs.task import PlannedCall, Task
from tests.envs.toy_library import library

WRONG_KEY = PlannedCall("getTransitions", {"issueIdOrKey": "NOPE-1"})
LENDING, _ = library()


def verdict(task: Task, *calls: PlannedCall | str, stops: bool = True) -> envs.Verdict:
    """Return the verdict on these calls and texts, one per turn, and the oracle's answer."""
    turns = [call if isinstance(call, str) else turn(call) for call in calls]
    return scripted_policies.demonstrate(task, [*turns, *[task.answer] * stops]).verdict


def faults(task: Task, *calls: PlannedCall | str, stops: bool = True) -> dict[str, int]:
    return {fault.name: fault.count for fault in verdict(task, *calls, stops=stops).penalties}


def with_more(call: PlannedCall, **more) -> PlannedCall:
    return PlannedCall(call.name, {**call.arguments, **more})


@pytest.fixture
def task() -> Task:
    return envs.sample("jira_transition_ticket", 4, "train")


@pytest.mark.parametrize(
    ("text", "penalty"),
    [
        (turn(PlannedCall("createIssue", {})), "unknown_tool"),
        ("<tool_call>{</tool_call>", "malformed_call"),
        ('<tool_call>{"name": 1}</tool_call>', "malformed_call"),
        (turn(WRONG_KEY), "refused_call"),
    ],
)
def test_penalties__each_fault_costs_its_price_each_time(task, text, penalty):
    for count in (1, 2):
        # A read between them: the same refused read again would be a repeated one, too.
        shown = verdict(task, text, task.oracle[0], *[text] * (count - 1), task.oracle[1])
        counted = {fault.name: fault.count for fault in shown.penalties}
        assert counted.pop(penalty) == count and set(counted) <= {"repeated_read"}
        again = COSTS["repeated_read"] * counted.get("repeated_read", 0)
        assert shown.success
        assert shown.reward == pytest.approx(max(LEAST_SUCCESS, 1 - COSTS[penalty] * count - again))


def test_penalties__not_stopping_costs(task):
    assert faults(task, *task.oracle, stops=False) == {"never_stopped": 1}
    assert verdict(task, *task.oracle, stops=False).reward == pytest.approx(1 - COSTS["never_stopped"])


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_unknown_argument__costs_each_time_wherever_it_is(scenario):
    for seed in range(4):
        task = envs.sample(scenario, seed, "train", 1 + seed)
        spoiled = verdict(task, *(with_more(call, bogus="x") for call in task.oracle))
        count = len(task.oracle)
        found = [(fault.name, fault.count) for fault in spoiled.penalties]
        assert found == [("unknown_argument", count)] * bool(count)
        lost = min(1 - LEAST_SUCCESS, COSTS["unknown_argument"] * count)
        assert spoiled.success and spoiled.reward == pytest.approx(1 - lost)


def test_unknown_argument__what_is_declared_is_free(task):
    read, move = task.oracle
    assert verdict(task, with_more(read, expand="transitions.fields"), move).reward == 1
    page = envs.sample("confluence_create_page", 4, "train")
    spaces, pages, create = page.oracle
    limited = [
        with_more(spaces, limit=25),
        with_more(pages, limit=25, sort="title"),
        with_more(create, status="current"),
    ]
    assert verdict(page, *limited).reward == 1


def test_unknown_argument__costs_in_a_refused_read_that_is_free():
    drawn = (envs.sample("jira_refuse_infeasible", seed, "train") for seed in range(40))
    probing = next(task for task in drawn if any(call.fails for call in task.oracle))
    assert faults(probing, *probing.oracle) == {}
    assert faults(probing, *(with_more(call, bogus=1) for call in probing.oracle)) == {"unknown_argument": 1}


def test_refused_call__a_refused_write_costs_and_may_be_corrected():
    task = envs.sample("jira_create_issue", 4, "train")
    fields = task.oracle[0].arguments["fields"]
    wrong = PlannedCall("createIssue", {"fields": {**fields, "flavour": "mint"}})
    assert faults(task, wrong, *task.oracle) == {"refused_call": 1}


def test_refused_call__a_fault_of_the_site_costs_nothing(task):
    faulty = Faults(on=(("getTransitions", 1, 500), ("doTransition", 1, 429), ("doTransition", 2, 409)))
    episode = envs.Episode(task)
    episode._simulator._faults = faulty  # noqa: SLF001
    read, move = task.oracle
    for call in (read, read, move, move, move):
        episode.step(turn(call))
    assert [call.error for call in episode.trace] == ["unavailable", "", "unavailable", "conflict", ""]
    assert {fault.name for fault in penalties(task, episode.trace)} == {"never_stopped"}


def test_repeated_read__costs_unless_something_was_written_since(task):
    read, move = task.oracle
    assert faults(task, read, read, move) == {"repeated_read": 1}
    assert faults(task, read, read, read, move) == {"repeated_read": 2}
    assert faults(task, read, move, read) == {}
    assert faults(task, read, move, read, read) == {"repeated_read": 1}
    assert faults(task, WRONG_KEY, WRONG_KEY, read, move) == {"refused_call": 2, "repeated_read": 1}
    # A refused write has changed nothing.
    refused = PlannedCall(move.name, {"issueIdOrKey": "NOPE-1", "transition": {"id": "1"}})
    assert faults(task, read, refused, read, move) == {"refused_call": 1, "repeated_read": 1}


def test_repeated_read__after_a_conflict_is_no_repetition():
    drawn = (envs.sample("jira_transition_conflict", seed, "train") for seed in range(40))
    raced = next(task for task in drawn if task.faults)
    read, failed, again, move = raced.oracle
    assert read == again and faults(raced, *raced.oracle) == {}
    assert faults(raced, read, failed, read, read, move) == {"repeated_read": 1}


def around(task: Task, count: int) -> list[PlannedCall]:
    """Return reads of the task's issue that differ in a declared argument, so that none is a repetition."""
    return [with_more(task.oracle[0], expand=f"{number}") for number in range(count)]


def test_excessive_read__a_few_more_are_free_with_one_to_verify_each_write_and_each_further_one_costs(task):
    read, move = task.oracle
    free = FREE_READS + goal_of(task).write_count
    assert goal_of(task).write_count == 1 and verdict(task, *around(task, free), read, move).reward == 1
    one_more = verdict(task, *around(task, free + 1), read, move)
    assert [(fault.name, fault.count) for fault in one_more.penalties] == [("excessive_read", 1)]
    assert one_more.success and one_more.reward == pytest.approx(1 - COSTS["excessive_read"])
    many = verdict(task, *around(task, 40), read, move)
    assert many.success and many.reward == pytest.approx(LEAST_SUCCESS)
    assert verdict(task, *around(task, 40)).reward == 0


@pytest.mark.parametrize("scenario", ["jira_triage_by_jql", "confluence_page_from_issue", "jira_create_issue"])
def test_excessive_read__one_verification_per_write_is_free(scenario):
    for seed in range(5):
        task = envs.sample(scenario, seed, "train", tools=1_000)
        plan, look = [], "getIssue" if scenario.startswith("jira") else "getSpaces"
        for call in task.oracle:
            plan.append(call)
            if task.api.by_name()[call.name].writes:
                arguments = {"issueIdOrKey": task.world.find("issues")[0]["key"]} if look == "getIssue" else {}
                # A site without an issue refuses to show one.
                plan.append(
                    PlannedCall("getAllProjects", {})
                    if scenario == "jira_create_issue"
                    else PlannedCall(look, arguments)
                )
        assert verdict(task, *plan).reward == 1


def test_excessive_write__costs_where_the_site_ends_right():
    for seed in range(5):
        task = LENDING.sample(seed, "train")
        read, write = task.oracle
        episode = envs.Episode(task)
        episode.step(turn(read))
        episode.step(turn(write))
        loan = episode.trace.calls[1].body["id"]
        for call in (PlannedCall("deleteLoan", {"loanId": loan}), write):
            episode.step(turn(call))
        counted = {fault.name: fault.count for fault in penalties(task, episode.trace)}
        assert counted == {"excessive_write": 2, "never_stopped": 1}
        refused = envs.Episode(task)
        for call in (read, write, write):
            refused.step(turn(call))
        assert {fault.name for fault in penalties(task, refused.trace)} == {"refused_call", "never_stopped"}


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_guessed_value__costs_once_where_a_write_needs_a_read(scenario):
    for seed in range(4):
        task = envs.sample(scenario, seed, "train")
        operations = task.api.by_name()
        writes = [call for call in task.oracle if operations[call.name].writes]
        counted = faults(task, *writes)
        lucky = [write for write in writes if not write.fails]
        used = goal_of(task).learnt & {str(value) for write in lucky for value in scalars_of(write.arguments)}
        if verdict(task, *writes).success and used:
            assert counted["guessed_value"] == 1
        assert faults(task, *task.oracle).get("guessed_value", 0) == 0


def scalars_of(value) -> set:
    """Return everything inside a value that is not an object or a list."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return set().union(*map(scalars_of, inner))
    return {value}
