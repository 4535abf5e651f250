"""The audit: sound scenarios pass, and a scenario broken in one way fails the law that it breaks."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

import envs
from envs.audit import __main__ as command
from envs.audit import audit, play, success
from envs.reward.checks import Check, FinishedEpisode
from envs.reward.penalties import COSTS
from envs.reward.verdict import Verdict, judge
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import quoted
from envs.task import PlannedCall, TaskDraft
from tests.envs.toy_library import library, source

SEEDS = 10
LIBRARY, RETURN = library()


def lent(task) -> dict:
    """The loan that is asked for."""
    return task.oracle[-1].arguments


def failed(scenario: Scenario, law: str) -> dict[str, tuple[str, ...]]:
    """Return the failures of a law by criterion."""
    return {f.criterion: f.failures for f in audit(scenario, SEEDS, (law,)).findings if not f.ok}


def redrawn(change, scenario: Scenario = LIBRARY) -> Scenario:
    """Return the scenario with its drafts changed by `change(draft, split)`."""

    def draw(rng, split) -> TaskDraft:
        return change(scenario.draw(rng, split), split)

    return replace(scenario, draw=draw)


@pytest.fixture
def judged_by(monkeypatch):
    """Let episodes be judged by `change(episode, verdict)` of the verdict that the rules give."""

    def install(change: Callable[[FinishedEpisode, Verdict], Verdict]) -> None:
        monkeypatch.setattr(play, "judge", lambda episode, *rest: change(episode, judge(episode, *rest)))

    return install


@pytest.mark.parametrize("scenario", [*envs.SCENARIOS.values(), LIBRARY, RETURN], ids=lambda scenario: scenario.name)
def test_audit__every_scenario_is_sound(scenario):
    report = audit(scenario, 5)
    assert [(finding.criterion, finding.failures) for finding in report.findings if not finding.ok] == []
    assert report.ok and report.episodes > 500


def test_audit__the_same_twice():
    assert audit(LIBRARY, 5, ("order", "spread")) == audit(LIBRARY, 5, ("order", "spread"))


def test_oracle__that_the_api_refuses_fails():
    def refused(draft: TaskDraft, split: str) -> TaskDraft:
        find, lend = draft.oracle
        return replace(draft, oracle=(find, PlannedCall(lend.name, {**lend.arguments, "days": 0})))

    assert "refused_call" in failed(redrawn(refused), "oracle")["oracle"][0]


def test_oracle__that_never_meets_the_scenarios_own_demand_fails():
    demand = Check("colour", lambda episode: 0.0, "The model names a colour.", required=True)
    assert "found/colour" in failed(replace(LIBRARY, checks=(demand,)), "oracle")["oracle"][0]


@pytest.mark.parametrize(
    ("floor", "paid"),
    [
        ("do-nothing", lambda trace, task: not trace.calls),
        ("read-only", lambda trace, task: [call.name for call in trace] == ["findBooks"]),
        ("duplicate-spam", lambda trace, task: len(trace) > 4),
        ("random-valid", lambda trace, task: len(trace) == 3),
        ("echo-request", lambda trace, task: any(task.request in str(call.arguments) for call in trace)),
        ("dump-answer", lambda trace, task: "books" in trace.answer),
        ("same-answer", lambda trace, task: bool(trace.of("createLoan"))),
    ],
)
def test_floors__a_gift_to_a_cheap_policy_fails(floor, paid, judged_by):
    judged_by(lambda a, verdict: replace(verdict, reward=1.0) if paid(a.trace, a.task) else verdict)
    failures = failed(LIBRARY, "floors")
    assert floor in failures and "more than 0.3" in failures[floor][0]


def test_floors__an_answer_that_may_be_a_copy_of_what_was_read_fails_though_nothing_is_to_be_written(judged_by):
    def states_both_facts(attempt: FinishedEpisode, verdict: Verdict) -> Verdict:
        values = quoted(attempt.task.answer)
        return replace(verdict, reward=float(all(v.lower() in attempt.trace.answer.lower() for v in values)))

    judged_by(states_both_facts)
    assert "dump-answer earns 1.000" in failed(envs.SCENARIOS["jira_read_issue"], "floors")["dump-answer"][0]


def test_order__a_failure_that_earns_more_than_a_success_fails(judged_by):
    judged_by(lambda a, verdict: verdict if verdict.success else replace(verdict, reward=verdict.reward + 0.5))
    assert any("fails and earns" in failure for failure in failed(LIBRARY, "order")["order"])


def test_order__a_right_way_that_earns_little_fails(judged_by):
    judged_by(lambda a, verdict: replace(verdict, reward=verdict.reward - 0.1 * (len(a.trace) > 2)))
    assert any("leaves the oracle's site and earns" in failure for failure in failed(LIBRARY, "order")["order"])


@pytest.mark.parametrize(
    ("free", "fault"),
    [
        (("unknown_argument",), "unknown argument"),
        (("unknown_argument", "repeated_read", "excessive_read"), "spam reads"),
        (("never_stopped",), "never stop"),
        (("unknown_tool", "guessed_value"), "rename tool"),
    ],
)
def test_mutants__a_fault_that_costs_nothing_survives(free, fault, monkeypatch):
    for name in free:
        monkeypatch.setitem(COSTS, name, 0.0)
    assert any(failure.startswith(fault) for failure in failed(LIBRARY, "order")["mutants"])


def test_mutants__a_value_that_the_normal_form_leaves_out_is_a_success_on_another_site():
    def blind(site, loan):
        return {name: value for name, value in loan.items() if name != "days"}

    lax = replace(LIBRARY, api=replace(LIBRARY.api, normal_forms={"loans": blind}))
    failures = failed(lax, "order")["mutants"]
    assert any(text.startswith("wrong value") and "days" in text and "another final site" in text for text in failures)


def test_equivalents__a_right_way_that_is_no_success_fails(judged_by):
    judged_by(lambda a, verdict: replace(verdict, success=verdict.success and len(a.trace) == len(a.task.oracle)))
    assert any("is no success" in failure for failure in failed(LIBRARY, "equivalents")["equivalents"])


def test_success__one_without_effect_fails(monkeypatch):
    monkeypatch.setattr(success, "judge", lambda episode, checks: Verdict(1.0, True, (), ()))
    failures = failed(LIBRARY, "success")["success"]
    assert "without their effect" in failures[0] and "losing a record of books" in failures[1]


@pytest.mark.parametrize(("reward", "message"), [(1.0, "saturated"), (0.0, "flat"), (0.0, "too hard")])
def test_spread__a_reward_that_does_not_tell_good_from_bad_fails(reward, message, judged_by):
    judged_by(lambda a, verdict: replace(verdict, reward=reward))
    assert any(message in failure for failure in failed(LIBRARY, "spread")["spread"])


def test_spread__all_or_nothing_is_coarse(judged_by):
    judged_by(lambda a, verdict: replace(verdict, reward=float(verdict.reward == 1.0)))
    assert any("coarse" in failure for failure in failed(LIBRARY, "spread")["spread"])


def test_heldout__values_of_both_splits_fail():
    def draw(rng, split) -> TaskDraft:
        return LIBRARY.draw(rng, "train")

    failures = failed(replace(LIBRARY, draw=draw), "held-out")["held-out"]
    assert "share the values" in failures[0] and "share the words" in failures[1]


def test_heldout__without_held_out_wordings_fails():
    plain = redrawn(lambda draft, split: replace(draft, request=f'Lend "{draft.oracle[0].arguments["title"]}".'))
    assert any("no wording of the request is held out" in text for text in failed(plain, "held-out")["held-out"])


def test_heldout__an_operation_that_training_has_too_fails():
    shared = replace(LIBRARY, held_out_operations={"findBooks": "deleteLoan"})
    offered = "training tasks offer the held-out operation deleteLoan"
    assert any(offered in failure for failure in failed(shared, "held-out")["held-out"])
    unused = replace(LIBRARY, tools=("findBooks", "createLoan"), held_out_operations={"updateLoan": "deleteLoan"})
    assert any("some held-out tasks do not need" in failure for failure in failed(unused, "held-out")["held-out"])


def test_audit__what_a_scenario_raises_is_a_finding():
    def broken(attempt) -> float:
        raise KeyError("colour")

    failures = failed(replace(LIBRARY, checks=(Check("colour", broken, ""),)), "oracle")
    assert failures["oracle"] == ("KeyError: 'colour'",)


def test_command__prints_a_row_and_exits_with_what_was_found(capsys, tmp_path):
    assert command.main(["jira_create_issue", "--seeds", "3"]) == 0
    shown = capsys.readouterr().out
    assert "scenario" in shown and "jira_create_issue" in shown and "all sound" in shown
    assert command.main(["jira_create_issue", "--seeds", "3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] and report["reports"][0]["scenario"] == "jira_create_issue"


def test_command__audits_a_file_and_fails_if_a_law_is_broken(capsys, tmp_path):
    file = tmp_path / "library.py"
    file.write_text(source().replace('"deleteLoan", {"loanId": loan["id"]}', '"deleteLoan", {"loanId": "1"}'))
    assert command.main([str(file), "--seeds", "3"]) == 1
    shown = capsys.readouterr().out
    assert "the oracle earns" in shown and "1 of 2 fail" in shown


def test_command__audits_every_scenario_of_a_file_or_its_only_one(capsys, tmp_path):
    file = tmp_path / "library.py"
    file.write_text(source())
    assert command.main([str(file), "--seeds", "3"]) == 0
    shown = capsys.readouterr().out
    assert "\nlibrary_lend_book " in shown and "\nlibrary_take_back " in shown and "all sound" in shown
    file.write_text(source().replace("SCENARIOS = (LENDING, RETURN)", "SCENARIO = RETURN"))
    assert [scenario.name for scenario in command.load(str(file))] == ["library_take_back"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "unknown scenario 'nope'"),
        (["nope.py"], "no such file: nope.py"),
        (["envs/api/errors.py"], "does not define SCENARIO"),
        (["--seeds", "0"], "at least 1 seed"),
        (["--seeds", "x"], "invalid int"),
        (["--frobnicate"], "frobnicate"),
    ],
)
def test_command__a_users_mistake_is_one_sentence(arguments, message):
    with pytest.raises(envs.EnvError, match=message):
        command.main(arguments)
