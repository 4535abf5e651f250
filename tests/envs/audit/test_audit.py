"""The audit: sound scenarios pass, and a scenario broken in one way fails the law that it breaks."""

import json
from dataclasses import replace

import pytest

import envs
from envs.audit import __main__ as command
from envs.audit import audit
from envs.reward.checks import Check, argument, outcome
from envs.reward.penalties import COSTS
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


def checked(*checks: Check, scenario: Scenario = LIBRARY) -> Scenario:
    return replace(scenario, checks=checks)


def without(name: str, to: str, scenario: Scenario = LIBRARY) -> Scenario:
    """Return the scenario without one check, whose weight the check named `to` gets."""
    removed = next(check for check in scenario.checks if check.name == name)
    others = [check for check in scenario.checks if check is not removed]
    return checked(
        *(replace(check, weight=check.weight + removed.weight) if check.name == to else check for check in others),
        scenario=scenario,
    )


@pytest.mark.parametrize("scenario", [*envs.SCENARIOS.values(), LIBRARY, RETURN], ids=lambda scenario: scenario.name)
def test_audit__every_scenario_is_sound(scenario):
    report = audit(scenario, 5)
    assert [(finding.criterion, finding.failures) for finding in report.findings if not finding.ok] == []
    assert report.ok and report.episodes > 500


def test_audit__the_same_twice():
    assert audit(LIBRARY, 5, ("mutants", "spread")) == audit(LIBRARY, 5, ("mutants", "spread"))


def test_oracle__that_does_not_fulfil_the_request_fails():
    """Use a check that compares with the task's `goal`: all others compare with the oracle's calls."""

    def wrong(draft: TaskDraft, split: str) -> TaskDraft:
        find, lend = draft.oracle
        other = PlannedCall(lend.name, {**lend.arguments, "days": 99})
        return replace(draft, goal={"days": lend.arguments["days"]}, oracle=(find, other))

    days = argument("createLoan", "days", "days", 0.1)
    checks = (days if check.name == days.name else check for check in LIBRARY.checks)
    assert "argument/days" in failed(checked(*checks, scenario=redrawn(wrong)), "oracle")["oracle"][0]


def test_oracle__that_the_api_refuses_fails():
    def refused(draft: TaskDraft, split: str) -> TaskDraft:
        find, lend = draft.oracle
        return replace(draft, oracle=(find, PlannedCall(lend.name, {**lend.arguments, "days": 0})))

    assert "procedure/stop" in failed(redrawn(refused), "oracle")["oracle"][0]


def test_oracle__weights_that_do_not_sum_to_one_fail():
    assert (
        "sum to 1.5" in failed(checked(*LIBRARY.checks, Check("gift", 0.5, lambda a: 1.0, "")), "oracle")["oracle"][0]
    )


def scaled(weight: float) -> list[Check]:
    return [replace(check, weight=check.weight * weight) for check in LIBRARY.checks]


@pytest.mark.parametrize(
    ("floor", "gift"),
    [
        ("do-nothing", lambda attempt: float(not attempt.trace.calls)),
        ("read-only", lambda attempt: float(attempt.last("findBooks") is not None)),
        ("duplicate-spam", lambda attempt: 3.0 * (len(attempt.trace) > 4)),
        ("random-valid", lambda attempt: 2.0 * (len(attempt.trace) == 3)),
        ("echo-request", lambda attempt: 2.0 * any(attempt.task.request in str(c.arguments) for c in attempt.trace)),
        ("dump-answer", lambda attempt: float("books" in attempt.trace.answer)),
        ("same-answer", lambda attempt: float(attempt.last("createLoan") is not None)),
    ],
)
def test_floors__a_gift_to_a_cheap_policy_fails(floor, gift):
    failures = failed(checked(*scaled(0.5), Check("gift", 0.5, gift, "")), "floors")
    assert floor in failures and "more than 0.3" in failures[floor][0]


@pytest.mark.parametrize(
    ("scenario", "checks", "fault"),
    [
        (LIBRARY, ("procedure/findBooks", "argument/bookId"), "leave out"),
        (LIBRARY, ("procedure/stop",), "never stop"),
        (envs.SCENARIOS["confluence_create_page"], ("procedure/getPages", "argument/parentId"), "swap order"),
    ],
)
def test_mutants__a_fault_that_no_check_sees_survives(scenario, checks, fault):
    for name in checks:
        scenario = without(name, "outcome", scenario)
    assert any(failure.startswith(fault) for failure in failed(scenario, "mutants")["mutants"])


def test_floors__an_answer_that_may_be_a_copy_of_what_was_read_fails_though_nothing_is_to_be_written():
    read = envs.SCENARIOS["jira_read_issue"]

    def states_both_facts(attempt) -> float:
        values = quoted(attempt.task.answer)
        return float(all(value.lower() in attempt.trace.answer.lower() for value in values))

    failures = failed(checked(Check("outcome", 1.0, states_both_facts, "", outcome=True), scenario=read), "floors")
    assert "dump-answer earns 1.000" in failures["dump-answer"][0]


def test_mutants__a_read_in_the_turn_of_the_write_that_needs_it_survives_where_only_order_counts():
    def before(attempt) -> float:
        names = [call.name for call in attempt.trace if call.ok]
        return float(names == ["findBooks", "createLoan"])

    others = without("argument/bookId", "outcome").checks
    lax = checked(*(replace(check, score=before) if check.name == "procedure/findBooks" else check for check in others))
    assert any(failure.startswith("merge turns") for failure in failed(lax, "mutants")["mutants"])


@pytest.mark.parametrize(
    ("free", "fault"),
    [
        (("unknown_argument",), "unknown argument"),
        (("unknown_argument", "duplicate_call", "excessive_calls"), "spam reads"),
    ],
)
def test_mutants__a_fault_that_costs_nothing_survives(free, fault, monkeypatch):
    for name in free:
        monkeypatch.setitem(COSTS, name, 0.0)
    assert any(failure.startswith(fault) for failure in failed(LIBRARY, "mutants")["mutants"])


def test_mutants__an_argument_that_no_check_looks_at_survives():
    def careless(task, changed) -> bool:
        loans = [change.after for change in changed]
        return len(loans) == 1 and loans[0] and loans[0]["bookId"] == lent(task)["bookId"]

    others = [check for check in LIBRARY.checks if not check.outcome and check.name != "argument/days"]
    lax = checked(*others, outcome(0.45, careless, ""))
    assert any(text.startswith("wrong value") and "days" in text for text in failed(lax, "mutants")["mutants"])
    assert "is a success on another final site" in failed(lax, "success")["success"][0]


def test_success__an_outcome_that_holds_without_effect_fails():
    easy = [check for check in LIBRARY.checks if not check.outcome]
    failures = failed(checked(*easy, outcome(0.35, lambda task, changed: True, "")), "success")
    assert "without their effect" in failures["success"][0]


def test_success__an_outcome_that_minds_no_other_record_fails():
    def lenient(task, changed) -> bool:
        loans = [c.after for c in changed if c.table == "loans" and c.after]
        return len(loans) == 1 and all(loans[0][n] == lent(task)[n] for n in ("bookId", "reader", "days"))

    easy = [check for check in LIBRARY.checks if not check.outcome]
    assert "losing a record of books" in failed(checked(*easy, outcome(0.35, lenient, "")), "success")["success"][0]


def test_success__two_outcomes_fail():
    checks = [replace(check, outcome=True) for check in LIBRARY.checks]
    assert "exactly one check" in failed(checked(*checks), "success")["success"][0]


@pytest.mark.parametrize(
    ("score", "message"),
    [(lambda attempt: 1.0, "saturated"), (lambda attempt: 0.0, "flat"), (lambda attempt: 0.0, "too hard")],
)
def test_spread__a_reward_that_does_not_tell_good_from_bad_fails(score, message):
    assert any(
        message in failure
        for failure in failed(checked(Check("only", 1.0, score, "", outcome=True)), "spread")["spread"]
    )


def test_spread__all_or_nothing_is_coarse():
    (only,) = [check for check in LIBRARY.checks if check.outcome]

    def exact(attempt) -> float:
        return float(only.score(attempt) == 1.0 and [c.name for c in attempt.trace] == ["findBooks", "createLoan"])

    assert any(
        "coarse" in failure
        for failure in failed(checked(Check("only", 1.0, exact, "", outcome=True)), "spread")["spread"]
    )


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

    failures = failed(checked(Check("only", 1.0, broken, "", outcome=True)), "oracle")
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
    file.write_text(source().replace('"createLoan", "days", 0.1', '"createLoan", "days", 0.05'))
    assert command.main([str(file), "--seeds", "3"]) == 1
    shown = capsys.readouterr().out
    assert "sum to 0.95" in shown and "1 of 2 fail" in shown


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
