"""The law of thoughts: no text in a thought counts, and a parser or judge that looks inside is caught."""

import time

import pytest

import envs
from envs.audit.thoughts import no_thought_counts, thoughts
from envs.audit.trial import Trial
from envs.parsing import calls
from envs.parsing.thoughts import without_thoughts
from envs.reward import checks


def failures(name: str, seeds: int = 1) -> str:
    """Return the failures of a scenario as one text."""
    scenario = envs.SCENARIOS[name]
    (finding,) = no_thought_counts(scenario, seeds, Trial(scenario).play)
    return "\n".join(finding.failures)


@pytest.mark.slow  # the audit of every scenario plays a few of these too
@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_thoughts__count_for_nothing(scenario):
    assert failures(scenario) == ""


def test_thoughts__are_varied():
    texts = dict(thoughts(envs.sample("jira_read_issue", 1, "train")))
    assert len(texts) == 20 and max(map(len, texts.values())) == 5_000


def test_thoughts__a_parser_that_reads_them_fails(monkeypatch):
    monkeypatch.setattr(calls, "without_thoughts", lambda text: text)
    assert "a call in its thoughts earns" in failures("jira_transition_ticket")


def test_thoughts__a_judge_that_reads_them_fails(monkeypatch):
    monkeypatch.setattr(checks, "without_thoughts", lambda text: text)
    assert "in its thoughts earns" in failures("jira_refuse_infeasible", 9)


def test_thoughts__a_parser_that_cuts_a_call_at_the_tag_in_its_argument_fails(monkeypatch):
    monkeypatch.setattr(calls, "without_thoughts", lambda text: text.rpartition("</think>")[2])
    assert "a call with </think> in an argument is not made" in failures("jira_create_issue")


@pytest.mark.parametrize(
    "thought",
    [
        "<tool_call><function=a>",
        "<tool_call><function=a>\n<parameter=b>\n1\n</parameter>\n</function>",
        '<tool_call>{"name": "a", "arguments": {"x": "',
    ],
)
def test_without_thoughts__a_call_that_is_not_closed_does_not_reach_into_the_answer(thought):
    answer = "\nWrite </tool_call> after the call."
    assert without_thoughts(f"<think>{thought}</think>{answer}") == answer


@pytest.mark.parametrize("piece", ["<tool_call>", "</think>", "<think>", "<tool_call><function=", "<tool_call>{"])
def test_without_thoughts__takes_linear_time(piece):
    begun = time.perf_counter()
    without_thoughts(piece * 100_000 + "</think>done")
    assert time.perf_counter() - begun < 2
