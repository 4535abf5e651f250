"""The law of refused writes: sound rules pay only the reads, and a rule that pays for attempts is caught."""

from dataclasses import replace

import pytest

import envs
from envs.api.json_paths import leafwise
from envs.audit import play as playing
from envs.audit.refused import no_refused_write_earns, policies, refusing
from envs.audit.trial import Trial
from envs.reward import verdict
from envs.scripted_policies import oracle, replay

WRITERS = [s for s in envs.SCENARIOS.values() if s.name not in ("jira_read_issue", "jira_answer_without_tools")]


def failures(name: str) -> str:
    """Return the failures of a scenario as one text."""
    scenario = envs.SCENARIOS[name]
    (finding,) = no_refused_write_earns(scenario, 1, Trial(scenario).play)
    return "\n".join(finding.failures)


@pytest.mark.slow  # the audit of every scenario plays a few of these too
@pytest.mark.parametrize("scenario", WRITERS, ids=lambda scenario: scenario.name)
def test_refused__writes_earn_nothing(scenario):
    (finding,) = no_refused_write_earns(scenario, 2, Trial(scenario).play)
    assert finding.failures == () and finding.number > 20


@pytest.mark.parametrize("status", [400, 403])
def test_refusing__answers_every_write_and_changes_nothing(status):
    task = envs.sample("jira_transition_ticket", 1, "train")
    (read, write), world = replay(refusing(task, status), task.oracle)
    assert read.ok and write.status == status and world.tables == task.world.tables
    assert replay(task, task.oracle)[0][-1].ok


def test_policies__repeat_writes_and_no_reads():
    task = envs.sample("jira_transition_ticket", 1, "train")
    lengths = {name: len(turns) for name, turns in policies(task) if name.startswith("oracle")}
    assert [length - len(oracle(task)) for length in lengths.values()] == [0, 0, 1, 9]


def test_refused__a_trace_that_counts_refused_calls_fails(monkeypatch):
    def attempted(task, trace) -> float:
        call = task.oracle[-1]
        return max((leafwise(made.arguments, call.arguments) for made in trace.of(call.name)), default=0.0)

    monkeypatch.setattr(verdict, "like_oracle", attempted)
    found = failures("jira_transition_ticket")
    assert "by the trace alone" in found and "by the site" not in found


def test_refused__a_bonus_for_persistence_fails(monkeypatch):
    def persistent(episode, checks, trace_only):
        judged = verdict.judge(episode, checks, trace_only)
        return replace(judged, reward=judged.reward + 0.06 * len(episode.trace))

    monkeypatch.setattr(playing, "judge", persistent)
    assert "made 10 times" in failures("confluence_move_page")


def test_refused__a_success_without_effect_fails(monkeypatch):
    def credulous(episode, checks, trace_only):
        return replace(verdict.judge(episode, checks, trace_only), success=episode.answer == episode.task.answer)

    monkeypatch.setattr(playing, "judge", credulous)
    assert "is a success" in failures("jira_create_issue")
