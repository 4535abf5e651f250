"""Laws of the diagnosis: each pattern is found in figures that show it, and in no others."""

import pytest

from jaxrlvr.monitoring import diagnosis
from jaxrlvr.monitoring.diagnosis import MIN_STEPS, REPEAT_AFTER, WINDOW, diagnose, unreported

HEALTHY = {
    "reward": 0.5,
    "success": 0.4,
    "update/entropy": 0.3,
    "length": 60.0,
    "truncated": 0.1,
    "calls/formed": 0.9,
    "success/a": 0.4,
    "groups/flat_high/a": 0.2,
    "groups/flat_low/a": 0.2,
}


def course(changes, steps=WINDOW):
    """Healthy figures, some of which change linearly from one value to another."""
    return [
        HEALTHY
        | {name: first + (last - first) * step / (steps - 1) for name, (first, last) in changes.items()}
        | {"step": step + 1}
        for step in range(steps)
    ]


SICK = {
    "saturated": {"groups/flat_high/a": (0.9, 1.0), "groups/flat_low/a": (0.0, 0.0)},
    "hopeless": {"groups/flat_low/a": (0.9, 1.0), "groups/flat_high/a": (0.0, 0.0)},
    "entropy_collapse": {"update/entropy": (0.4, 0.01)},
    "length_growth": {"length": (60.0, 140.0)},
    "format_lost": {"calls/formed": (0.9, 0.2)},
    "reward_hacking": {"reward": (0.3, 0.6)},
}
HELP = {
    "saturated": "a is saturated: every member solves 95% .*--tasks.curriculum",
    "hopeless": "a is too hard: in 95% .*--rollout.group-size",
    "entropy_collapse": "entropy collapse: .*--grpo.clip-high",
    "length_growth": "length growth: .* tokens per member.*--grpo.overlong-soft",
    "format_lost": "format lost: .*--optimizer.learning-rate",
    "reward_hacking": "reward hacking: .* while success stays at 0.40.*--grpo.outcome-gate",
}


@pytest.mark.parametrize("pattern", SICK)
def test_diagnose__finds_the_pattern_and_no_other_and_says_what_helps(pattern):
    import re

    (finding,) = diagnose(course(SICK[pattern]))
    assert finding.pattern == pattern and finding.scenario == ("a" if pattern in ("saturated", "hopeless") else "")
    assert re.search(HELP[pattern], finding.text) and "\n" not in finding.text


def test_diagnose__knows_every_pattern_that_is_tested_here():
    assert {check.__name__ for check in diagnosis.TRENDS + diagnosis.SCENARIO_CHECKS} == set(SICK)


def test_diagnose__finds_turns_that_are_cut_off():
    (finding,) = diagnose(course({"truncated": (0.1, 0.6)}))
    assert finding.pattern == "length_growth" and "53% cut off" in finding.text


SLOW = ("entropy_collapse", "length_growth", "format_lost", "reward_hacking")


@pytest.mark.parametrize("pattern", SLOW)
def test_diagnose__finds_a_pattern_that_takes_hundreds_of_steps(pattern):
    history = course(SICK[pattern], 200)
    assert pattern not in {finding.pattern for finding in diagnose(history[:WINDOW])}, "it is fast"
    assert [finding.pattern for finding in diagnose(history)] == [pattern]


@pytest.mark.parametrize("steps", [WINDOW, 200])
@pytest.mark.parametrize("pattern", SLOW)
def test_diagnose__finds_a_pattern_in_one_scenario_alone(pattern, steps):
    sick = {f"{name}/a": ends for name, ends in SICK[pattern].items()}
    well = {f"{name}/{which}": (HEALTHY[name],) * 2 for name in diagnosis.REQUIRED for which in "ab"}
    well |= {f"groups/{kind}/b": (0.2, 0.2) for kind in ("flat_high", "flat_low")}
    (finding,) = diagnose(course(well | sick, steps))
    assert (finding.pattern, finding.scenario) == (pattern, "a") and finding.text.startswith("a: ")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"reward": (0.3, 0.7), "success": (0.2, 0.6)},
        {"update/entropy": (0.4, 0.02), "success": (0.5, 0.95), "reward": (0.5, 0.95)},
        {"update/entropy": (0.4, 0.15)},
        {"length": (60.0, 140.0), "success": (0.2, 0.6), "reward": (0.3, 0.7)},
        {"length": (140.0, 60.0)},
        {"calls/formed": (0.1, 0.05)},
        {"groups/flat_high/a": (0.0, 1.0)},
        {"reward": (0.6, 0.3)},
    ],
)
def test_diagnose__says_nothing_of_what_is_well(changes):
    assert diagnose(course(changes)) == []


@pytest.mark.parametrize("pattern", SICK)
def test_diagnose__says_nothing_of_a_few_steps(pattern):
    assert diagnose(course(SICK[pattern], MIN_STEPS - 1)) == []


def test_diagnose__passes_over_steps_of_a_version_with_fewer_figures():
    old = [{"step": step, "reward": 0.5} for step in range(WINDOW)]
    assert diagnose(old) == [] == diagnose(old + course(SICK["format_lost"])[:3])
    assert len(diagnose(old + course(SICK["format_lost"]))) == 1


def test_diagnose__looks_at_the_newest_steps():
    assert diagnose(course(SICK["format_lost"]) + course({})) == []
    assert [finding.pattern for finding in diagnose(course({}) + course(SICK["format_lost"]))] == ["format_lost"]


def test_unreported__findings_are_reported_once_and_again_after_a_while():
    findings = diagnose(course(SICK["saturated"]))
    reported, steps = {}, []
    for step in range(20, 20 + 2 * REPEAT_AFTER + 1):
        for finding in unreported(findings, reported, step):
            reported[finding.pattern, finding.scenario] = step
            steps.append(step)
    assert steps == [20, 20 + REPEAT_AFTER, 20 + 2 * REPEAT_AFTER]
