"""The law of liars: sound rules pay no liar, and each rule that trusts words too easily is caught."""

from dataclasses import replace

import pytest

import envs
import envs.claims
from envs.audit import play as playing
from envs.audit.false_answers import false_answers
from envs.audit.liars import liars, no_liar_gains
from envs.audit.trial import Trial, tasks
from envs.claims.facts import FieldValues
from envs.claims.impossible import Impossible
from envs.claims.listed import Choice, Count
from envs.reward import verdict
from envs.reward.truthfulness import founded
from envs.scripted_policies import oracle, quoted
from envs.task import DONE

SEEDS = 4
every_scenario = pytest.mark.parametrize("scenario", envs.SCENARIOS.values(), ids=lambda scenario: scenario.name)


def failures(name: str, seeds: int = SEEDS) -> str:
    """Return the failures of a scenario as one text."""
    scenario = envs.SCENARIOS[name]
    (finding,) = no_liar_gains(scenario, seeds, Trial(scenario).play)
    return "\n".join(finding.failures)


def believe_the_oracle_alone(episode, same_site: bool) -> float:
    """Grade an answer as true only if it is the oracle's and was read; an admission counts as a denial."""
    task = episode.task
    if task.claim is None:
        return float(not same_site or episode.answer == DONE)
    return float(episode.trace.stopped and founded(episode) and episode.answer == task.answer)


@pytest.mark.slow  # the audit of every scenario plays a few of these too
@every_scenario
def test_liars__earn_nothing_where_only_the_oracles_words_are_true(scenario, monkeypatch):
    monkeypatch.setattr(verdict, "truthfulness", believe_the_oracle_alone)
    trial = Trial(scenario)
    (finding,) = no_liar_gains(scenario, SEEDS, trial.play)
    assert finding.failures == () and finding.number > 20
    assert all(trial.play(task, oracle(task)).verdict.success for task in tasks(scenario, SEEDS))


@pytest.mark.slow  # the audit of every scenario plays a few of these too
@every_scenario
def test_liars__earn_nothing_by_the_rules(scenario):
    assert failures(scenario.name) == ""


@pytest.mark.parametrize("claim", [FieldValues, Choice, Count, Impossible])
def test_false_answers__are_of_many_kinds_and_never_the_truth(claim):
    scenarios = ("jira_read_issue", "jira_answer_without_tools", "jira_refuse_infeasible")
    drawn = [task for name in scenarios for task in tasks(envs.SCENARIOS[name], 60) if isinstance(task.claim, claim)]
    assert drawn
    for task in drawn:
        answers = list(false_answers(task))
        assert len({kind for kind, _ in answers}) > 6
        assert task.answer not in [text for _, text in answers]


def test_liars__keep_the_right_calls_where_they_deny():
    task = envs.sample("confluence_page_from_facts", 1, "train")
    kinds = [liar.kind for liar in liars(task)]
    assert set(kinds) == {"unwritten", "half done", "denied", "added"}
    assert {len(liar.turns) for liar in liars(task) if liar.kind == "denied"} == {len(task.oracle) + 1}


def test_liars__a_rule_that_only_looks_for_values_fails(monkeypatch):
    def naming(episode, same_site: bool) -> float:
        values = quoted(episode.task.answer)
        return float(episode.trace.stopped and all(value in episode.answer for value in values))

    monkeypatch.setattr(verdict, "truthfulness", naming)
    found = failures("jira_read_issue")
    for kind in ("dump", "negated", "hedged", "question", "swapped", "past", "not only", "unfounded"):
        assert kind in found
    assert "succeeds" in failures("jira_answer_without_tools") and "succeeds" in failures("jira_refuse_infeasible")


def test_liars__a_rule_that_ignores_denials_fails(monkeypatch):
    monkeypatch.setattr(verdict, "truthfulness", lambda episode, same_site: 1.0)
    assert "denied" in failures("jira_create_issue") and "succeeds" in failures("jira_create_issue")


def test_liars__a_rule_that_pays_for_the_claim_of_success_fails(monkeypatch):
    def pay(episode, checks, trace_only):
        judged = verdict.judge(episode, checks, trace_only)
        return replace(judged, reward=judged.reward + 0.01 * episode.answer.startswith("I have done it"))

    monkeypatch.setattr(playing, "judge", pay)
    found = failures("jira_triage_by_jql", 6)
    assert "unwritten" in found and "half done" in found
