"""Known failure patterns in a run's metrics, each reported in one line with the setting that usually helps.

Checks are pure functions of a window of steps' figures, oldest first. Trends are checked in the newest steps and, to
find slow ones, in a longer stretch averaged down to as many means; in the whole run and in each scenario.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from jaxrlvr.runtime.timing import Figures

Window = Sequence[Figures]

WINDOW = 12
"""Steps in a window."""
LONG_WINDOW = 240
"""Steps in which slow trends are searched, averaged down to `WINDOW` means."""
MIN_STEPS = 6
"""Steps below which nothing is reported."""
REPEAT_AFTER = 10
"""Steps after which a finding that persists is reported again."""


class Finding(NamedTuple):
    """A failure pattern found in a run."""

    pattern: str
    """Name of the check that found it."""
    scenario: str
    """Empty for the whole run."""
    text: str


def saturated(window: Window, scenario: str) -> str:
    """Every member solves nearly all of the scenario's groups: it has nothing more to teach."""
    share = _mean(window, f"groups/flat_high/{scenario}")
    if share < 0.8:
        return ""
    return (
        f"saturated: every member solves {share:.0%} of its groups, which teach nothing; "
        "use --tasks.curriculum or a higher --tasks.difficulty, or drop it from --tasks.scenarios"
    )


def hopeless(window: Window, scenario: str) -> str:
    """No member solves nearly all of the scenario's groups: it teaches nothing yet."""
    share = _mean(window, f"groups/flat_low/{scenario}")
    if share < 0.8:
        return ""
    return (
        f"too hard: in {share:.0%} of its groups every member fails with the same reward; use a larger "
        "--rollout.group-size, a lower --tasks.difficulty, or fine-tune on demonstrations first with "
        "python -m jaxrlvr.sft"
    )


def entropy_collapse(window: Window) -> str:
    """The policy is nearly deterministic and does not solve its tasks."""
    early, late = _ends(window, "update/entropy")
    collapsed = late < 0.01 or (late < 0.1 and late < 0.25 * early)
    if not collapsed or _mean(window[-3:], "success") > 0.8:
        return ""
    return (
        f"entropy collapse: {early:.3f} to {late:.3f} per token, the members of a group hardly differ; "
        "raise --grpo.clip-high, add --grpo.entropy-bonus 0.001, or lower --optimizer.learning-rate"
    )


def length_growth(window: Window) -> str:
    """Members write longer turns, or more of them are cut off, without more success."""
    early, late = _ends(window, "length")
    cut_early, cut_late = _ends(window, "truncated")
    grown, cut_off = late > 1.5 * early, cut_late > max(0.3, cut_early + 0.15)
    success_early, success_late = _ends(window, "success")
    if not (grown or cut_off) or success_late > success_early + 0.05:
        return ""
    return (
        f"length growth: {early:.0f} to {late:.0f} tokens per member, {cut_late:.0%} cut off, without more success; "
        "set --grpo.overlong-soft, --grpo.overlong-hard and --grpo.mean constant"
    )


def format_lost(window: Window) -> str:
    """Fewer members than before write a call that can be parsed."""
    early, late = _ends(window, "calls/formed")
    if early < 0.3 or late > 0.6 * early:
        return ""
    return (
        f"format lost: {early:.0%} to {late:.0%} of members write a call that can be parsed; lower "
        "--optimizer.learning-rate, stay near the starting model with --grpo.kl-beta 0.01, or fine-tune on "
        "demonstrations with python -m jaxrlvr.sft"
    )


def reward_hacking(window: Window) -> str:
    """Reward rises but success does not: the policy collects partial credit without solving more tasks."""
    early, late = _ends(window, "reward")
    success_early, success_late = _ends(window, "success")
    if late < early + 0.1 or success_late > success_early + 0.02 or success_late > 0.9:
        return ""
    return (
        f"reward hacking: reward {early:.2f} to {late:.2f} while success stays at {success_late:.2f}; read "
        "episodes/train.jsonl, try --grpo.outcome-gate auto, and audit the scenario with python -m envs.audit"
    )


REQUIRED = {"reward", "success", "length", "truncated", "calls/formed", "update/entropy"}
"""Figures that every trend reads. Steps without them, written by an older version, are skipped."""
TRENDS: tuple[Callable[[Window], str], ...] = (entropy_collapse, length_growth, format_lost, reward_hacking)
"""Checks of the whole run and of each scenario; "" means not found."""
SCENARIO_CHECKS: tuple[Callable[[Window, str], str], ...] = (saturated, hopeless)
"""Checks of each scenario's groups; "" means not found."""


def diagnose(history: Window) -> list[Finding]:
    """Find patterns in the newest LONG_WINDOW steps of a run's metrics, those of the whole run first."""
    whole = [figures for figures in history[-LONG_WINDOW:] if REQUIRED <= figures.keys()]
    recent = whole[-WINDOW:]
    if len(recent) < MIN_STEPS:
        return []
    windows = [recent, _averaged(whole)] if len(whole) >= 2 * WINDOW else [recent]
    # The recent window comes last: where both show a pattern, its text counts.
    run_texts = {trend.__name__: text for window in windows[::-1] for trend in TRENDS if (text := trend(window))}
    findings = [Finding(name, "", text) for name, text in run_texts.items()]
    scenarios = [name.split("/", 1)[1] for name in recent[-1] if name.startswith("success/")]
    for scenario in scenarios:
        # A curriculum may leave a scenario out of a step.
        drawn = [figures for figures in recent if f"success/{scenario}" in figures]
        for check in SCENARIO_CHECKS if len(drawn) >= MIN_STEPS else ():
            if text := check(drawn, scenario):
                findings.append(Finding(check.__name__, scenario, f"{scenario} is {text}"))
        for trend in TRENDS:
            texts = [text for window in windows if (text := _in_scenario(trend, window, scenario))]
            if texts and trend.__name__ not in run_texts:
                findings.append(Finding(trend.__name__, scenario, f"{scenario}: {texts[0]}"))
    return findings


def unreported(findings: Sequence[Finding], reported: Mapping[tuple[str, str], int], step: int) -> list[Finding]:
    """Drop findings reported in the last REPEAT_AFTER steps; `reported` maps (pattern, scenario) to the latest step."""
    return [
        finding
        for finding in findings
        if step - reported.get((finding.pattern, finding.scenario), -REPEAT_AFTER) >= REPEAT_AFTER
    ]


def _in_scenario(trend: Callable[[Window], str], window: Window, scenario: str) -> str:
    """Check a trend in one scenario's figures."""
    # Older versions wrote no entropy per scenario.
    names = {"update/entropy", "success"} if trend is entropy_collapse else REQUIRED - {"update/entropy"}
    drawn = [
        {name: figures[f"{name}/{scenario}"] for name in names}
        for figures in window
        if all(f"{name}/{scenario}" in figures for name in names)
    ]
    return trend(drawn) if len(drawn) >= MIN_STEPS else ""


def _averaged(history: Window) -> Window:
    """Average a long stretch to WINDOW steps, each with the figures that all steps of its part have."""
    cuts = [len(history) * part // WINDOW for part in range(WINDOW + 1)]
    parts = [history[begin:end] for begin, end in zip(cuts, cuts[1:], strict=False)]
    shared = [frozenset.intersection(*map(frozenset, part)) for part in parts]
    return [{name: _mean(part, name) for name in names} for part, names in zip(parts, shared, strict=True)]


def _mean(window: Window, name: str) -> float:
    return fmean(figures[name] for figures in window)


def _ends(window: Window, name: str) -> tuple[float, float]:
    """Return a figure's means over the first and the last third of the window."""
    third = max(2, len(window) // 3)
    return _mean(window[:third], name), _mean(window[-third:], name)
