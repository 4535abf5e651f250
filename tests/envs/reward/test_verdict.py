"""Laws of verdicts: every success earns more than every failure, and a reward is a pure function of the episode."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

import envs
from envs import scripted_policies
from envs.api.json_paths import leaves, replaced, without
from envs.api.operation import Json
from envs.api.world import World
from envs.reward.checks import Check, FinishedEpisode
from envs.reward.goal import goal_of
from envs.reward.penalties import COSTS
from envs.reward.verdict import DONE, FOUND, LEAST_SUCCESS, MOST_FAILURE, STOPPED, Verdict, judge, like_oracle
from envs.task import PlannedCall, Task
from envs.trace import Trace
from tests.envs.toy_library import library

SCENARIOS = pytest.mark.parametrize("scenario", envs.SCENARIOS)
WRITING = pytest.mark.parametrize(
    "scenario", [name for name in envs.SCENARIOS if name not in ("jira_read_issue", "jira_answer_without_tools")]
)
LENDING, RETURN = library()


def tasks(scenario: str, count: int = 4) -> list[Task]:
    """Return tasks of all splits and difficulties."""
    return [
        envs.sample(scenario, seed, ("train", "heldout", "synthetic")[seed % 3], 1 + seed % 5) for seed in range(count)
    ]


def finished(task: Task, turns: list[str]) -> FinishedEpisode:
    episode = envs.Episode(task)
    for turn in turns:
        episode.step(turn)
    return FinishedEpisode(task, episode.trace, episode.world)


def judged(episode: FinishedEpisode, trace_only: bool = False) -> Verdict:
    return judge(episode, envs.SCENARIOS[episode.task.scenario].checks, trace_only)


def played(task: Task, *plan: PlannedCall, answer: str | None = None) -> Verdict:
    """Return the verdict on these calls, one per turn, and the oracle's answer or another one."""
    return judged(finished(task, [*map(scripted_policies.turn, plan), task.answer if answer is None else answer]))


def spoiled(call: PlannedCall, rng: random.Random) -> PlannedCall:
    """Return a call with one value dropped or changed."""
    values = leaves(call.arguments)
    if not values:
        return call
    path, value = rng.choice(values)
    changed: Json = (
        without(call.arguments, path)
        if rng.random() < 0.5
        else replaced(call.arguments, path, value + 1 if isinstance(value, int) else f"{value}x")
    )
    return replace(call, arguments=changed)


def attempts(task: Task, count: int) -> Iterator[list[str]]:
    """Yield turns of worse and of needlessly long plans, with the right answer, another one, or none."""
    rng = random.Random(f"attempts/{task.scenario}/{task.seed}")
    for _ in range(count):
        plan = [call for call in task.oracle if rng.random() < 0.8]
        plan += rng.sample(task.oracle, min(len(task.oracle), rng.choice((0, 0, 1, 2))))
        if rng.random() < 0.3:
            rng.shuffle(plan)
        plan = [spoiled(call, rng) if rng.random() < 0.15 else call for call in plan]
        turns = [scripted_policies.turn(call) for call in plan]
        if rng.random() < 0.2:
            turns.insert(rng.randrange(len(turns) + 1), "<tool_call>{</tool_call>")
        yield [*turns, *rng.choice(([task.answer], [task.answer], ["Done."], ["It is not possible."], []))]


@SCENARIOS
@pytest.mark.parametrize("trace_only", [False, True])
def test_judge__every_success_earns_more_than_every_failure(scenario, trace_only):
    for task in tasks(scenario, 5):
        for turns in (scripted_policies.oracle(task), *attempts(task, 12)):
            verdict = judged(finished(task, turns), trace_only)
            assert 0 <= verdict.reward <= 1
            assert sum(part.weight for part in verdict.checks) == pytest.approx(1)
            assert all(0 <= part.score <= 1 and part.weight >= 0 for part in verdict.checks)
            if not trace_only or not goal_of(task).changes:
                assert (verdict.reward >= LEAST_SUCCESS) if verdict.success else (verdict.reward <= MOST_FAILURE), turns


@SCENARIOS
def test_judge__the_oracle_earns_exactly_one(scenario):
    for task in tasks(scenario, 10):
        verdict = played(task, *task.oracle)
        assert (verdict.reward, verdict.success, verdict.penalties) == (1.0, True, ())
        assert all(part.score == 1 for part in verdict.checks)


@SCENARIOS
def test_judge__is_a_pure_function_of_task_trace_and_site(scenario):
    for task in tasks(scenario, 2):
        for turns in attempts(task, 6):
            first, second = (
                finished(envs.sample(scenario, task.seed, task.split, task.difficulty), turns) for _ in "12"
            )
            assert judged(first) == judged(first) == judged(second)
            before = first.final.digest(), json.dumps([call.to_dict() for call in first.trace])
            judged(first)
            assert before == (first.final.digest(), json.dumps([call.to_dict() for call in first.trace]))


@SCENARIOS
def test_judge__what_the_api_refused_earns_nothing(scenario):
    for task in tasks(scenario):
        writes = [name for name in task.tools if task.api.by_name()[name].writes]
        refused = [PlannedCall(name, {}) for name in writes]
        assert played(task, *refused, answer="Done.").reward == 0
        if task.faults:  # a refused call may meet the fault instead of the right one
            continue
        rng = random.Random(task.seed)
        for _ in range(5):
            plan = [call for call in task.oracle if rng.random() < 0.7]
            more = [*plan]
            for call in refused:
                more.insert(rng.randrange(len(more) + 1), call)
            assert played(task, *more).reward <= played(task, *plan).reward


@WRITING
def test_judge__any_other_record_created_changed_or_lost_is_no_success(scenario):
    for task in tasks(scenario, 2):
        episode = finished(task, scripted_policies.oracle(task))
        touched = {
            (change.table, (change.before or {}).get("id")) for change in envs.changes(task.world, episode.final)
        }
        for table, records in task.world.tables.items():
            for key, record in list(records.items())[:5]:
                sites = [with_record(episode.final, table, "99999999", {**record, "id": "99999999"})]
                if (table, key) not in touched and table in ("issues", "pages"):
                    sites.append(with_record(episode.final, table, key, None))
                    title = {"title": "x"} if table == "pages" else {"fields": {**record["fields"], "summary": "x"}}
                    sites.append(with_record(episode.final, table, key, {**record, **title}))
                for site in sites:
                    verdict = judged(replace(episode, final=site))
                    assert not verdict.success and verdict.reward <= MOST_FAILURE


def with_record(world: World, table: str, key: str, record: dict | None) -> World:
    """Return a copy of a site with one record put, or removed if it is None."""
    copy = world.copy()
    if record is None:
        del copy.tables[table][key]
    else:
        copy.tables[table][key] = record
    return copy


@SCENARIOS
def test_judge__the_oracles_trace_without_its_effect_is_no_success(scenario):
    for task in tasks(scenario):
        episode = replace(finished(task, scripted_policies.oracle(task)), final=task.world)
        raced = task.faults is not None and task.faults.rival is not None
        assert judged(episode).success is (not goal_of(task).changes) or raced


@SCENARIOS
def test_trace_only__does_not_look_at_the_site(scenario):
    for task in tasks(scenario, 3):
        for turns in (scripted_policies.oracle(task), *attempts(task, 6)):
            episode = finished(task, turns)
            for site in (task.world, goal_of(task).site):
                other = replace(episode, final=site)
                if goal_of(task).changes:
                    assert judged(episode, True).reward == judged(other, True).reward
                # And success does not depend on the mode.
                assert judged(other, True).success is judged(other).success


def test_like_oracle__compares_accepted_writes_with_the_most_similar_ones():
    for seed in range(10):
        task = LENDING.sample(seed, "train")
        read, write = task.oracle
        other = next(book for book in task.world.table("books") if book != write.arguments["bookId"])
        wrong = PlannedCall(write.name, {**write.arguments, "bookId": other})
        late = PlannedCall(write.name, {**write.arguments, "days": 99})
        refused = PlannedCall(write.name, {"bookId": other})
        for plan, score in (
            ((read, write), 1),
            ((write,), 1),
            ((read,), 0),
            ((refused, write), 1),
            ((late,), 1 / 2),
            ((wrong, write), 1 / 2),
            ((read, PlannedCall("deleteLoan", {"loanId": "1"})), 0),
        ):
            trace = finished(task, [*map(scripted_policies.turn, plan), "Done."]).trace
            assert like_oracle(task, trace) == pytest.approx(score)


def lent(task: Task, *turns: str, checks: tuple[Check, ...] = ()) -> Verdict:
    return judge(finished(task, list(turns)), checks)


def test_parts__reading_writing_and_stopping_earn_one_after_the_other():
    """The parts of a task with one read and one write."""
    for seed in range(10):
        task = LENDING.sample(seed, "train")
        read, write = task.oracle
        wrong = PlannedCall(write.name, {**write.arguments, "days": 99})
        turn = scripted_policies.turn
        nothing, found, unfinished, nearly = (
            lent(task, *turns)
            for turns in (
                ["Done."],
                [turn(read), "Done."],
                [turn(read), turn(wrong)],
                [turn(read), turn(wrong), "Done."],
            )
        )
        rewards = [nothing.reward, found.reward, unfinished.reward, nearly.reward]
        assert rewards == sorted(rewards) and len(set(rewards)) == 4 and rewards[0] == 0
        assert found.reward == pytest.approx(MOST_FAILURE * FOUND)
        assert [(part.name, part.weight) for part in found.checks] == [
            ("found/findBooks", FOUND),
            ("done", DONE),
            ("stopped", STOPPED),
        ]
        done = next(part.score for part in nearly.checks if part.name == "done")
        assert nearly.reward - unfinished.reward == pytest.approx(MOST_FAILURE * STOPPED * done)
        endless = lent(task, turn(read), turn(write))
        assert endless.success and endless.reward == pytest.approx(0.9)


def test_parts__a_task_that_needs_no_reading_divides_its_weight_among_the_others():
    task = envs.sample("jira_create_issue", 0, "train")
    weights = {part.name: part.weight for part in played(task, *task.oracle).checks}
    assert weights == pytest.approx({"done": DONE / (DONE + STOPPED), "stopped": STOPPED / (DONE + STOPPED)})


def test_guess__a_lucky_write_is_a_success_that_costs_a_little():
    for scenario in (LENDING, RETURN):
        for seed in range(10):
            task = scenario.sample(seed, "train")
            lucky = lent(task, scripted_policies.turn(task.oracle[1]), "Done.")
            assert lucky.success and lucky.reward == pytest.approx(1 - COSTS["guessed_value"])
            assert [(fault.name, fault.count) for fault in lucky.penalties] == [("guessed_value", 1)]


@pytest.mark.parametrize("scenario", ["jira_transition_conflict", "confluence_update_conflict"])
def test_rival__its_write_is_nobodys_achievement(scenario):
    for task in (task for task in tasks(scenario, 20) if task.faults):
        first = next(number for number, call in enumerate(task.oracle) if call.fails)
        read = played(task, *task.oracle[:first], answer="Done.")
        raced = played(task, *task.oracle[: first + 1], answer="Done.")
        assert raced.reward == read.reward <= MOST_FAILURE * FOUND and not raced.success


def test_penalties__cost_a_success_no_more_than_a_fifth():
    task = LENDING.sample(0, "train")
    read, write = map(scripted_policies.turn, task.oracle)
    many = lent(task, *["<tool_call>{</tool_call>"] * 9, read, write, "Done.")
    assert many.success and many.reward == pytest.approx(LEAST_SUCCESS)
    every = lent(
        task,
        *["<tool_call>{</tool_call>"] * 9,
        *[read] * 20,
        '<tool_call>{"name": "x", "arguments": {}}</tool_call>',
        write,
        "Done.",
    )
    assert every.success and every.reward == LEAST_SUCCESS
    failed = lent(task, *["<tool_call>{</tool_call>"] * 9, read, "Done.")
    assert failed.reward == 0


@pytest.mark.parametrize(
    ("score", "required", "success"),
    [(1.0, True, True), (0.5, True, False), (0.5, False, True), (None, True, True), (0.0, False, True)],
)
def test_check__counts_like_a_needed_read_and_may_be_required(score, required, success):
    task = LENDING.sample(0, "train")
    turns = [*map(scripted_policies.turn, task.oracle), "Done."]
    verdict = lent(task, *turns, checks=(Check("own", lambda episode: score, "It is right.", required),))
    assert verdict.success is success
    weights = {part.name: part.weight for part in verdict.checks if part.name.startswith("found/")}
    shared = {"found/findBooks": FOUND} if score is None else {"found/findBooks": FOUND / 2, "found/own": FOUND / 2}
    assert weights == pytest.approx(shared)
    assert verdict.reward == (1 if success else pytest.approx(MOST_FAILURE * (1 - FOUND / 4)))


@SCENARIOS
def test_judge__an_empty_episode_earns_nothing(scenario):
    for task in tasks(scenario):
        for trace in (Trace(), Trace(stopped=True, answer="Done.")):
            verdict = judged(FinishedEpisode(task, trace, task.world))
            assert verdict.reward == 0 and not verdict.success
