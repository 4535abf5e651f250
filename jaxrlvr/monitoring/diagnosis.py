"""Metrics -> what is wrong, in a line, with the setting that usually helps. Pure functions of the last steps' figures.

Each pattern looks at the figures of a window of steps, oldest first, and says nothing while it is too short. Trends are
looked for in the newest steps and, for slow ones, in a longer stretch cut down to as many means; of the whole run and
of each scenario.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

Figures = Mapping[str, float]
Window = Sequence[Figures]

WINDOW = 12
"""Steps looked at."""
LONG = 240
"""Steps in which slow trends are looked for."""
ENOUGH = 6
"""Steps without which nothing is said."""
REPEAT = 10
"""Steps after which a finding that still holds is said again."""


class Finding(NamedTuple):
    """A known pattern that shows."""

    pattern: str
    scenario: str
    """Empty if it is of the whole run."""
    text: str


def saturated(window: Window, scenario: str) -> str:
    """Nearly every group of the scenario is solved by all members: it teaches nothing more."""
    share = _mean(window, f"groups/flat_high/{scenario}")
    if share < 0.8:
        return ""
    return (
        f"saturated: {share:.0%} of its groups are solved by every member and teach nothing; "
        "use --tasks.curriculum or a higher --tasks.difficulty, or leave it out of --tasks.scenarios"
    )


def hopeless(window: Window, scenario: str) -> str:
    """Nearly every group of the scenario fails alike: it teaches nothing yet."""
    share = _mean(window, f"groups/flat_low/{scenario}")
    if share < 0.8:
        return ""
    return (
        f"all-fail: in {share:.0%} of its groups all members fail alike; use a larger --rollout.group-size, "
        "a lower --tasks.difficulty, or show it first with python -m jaxrlvr.sft"
    )


def entropy_collapse(window: Window) -> str:
    """The policy has become nearly deterministic while it does not solve its tasks."""
    early, late = _halves(window, "update/entropy")
    collapsed = late < 0.01 or (late < 0.1 and late < 0.25 * early)
    if not collapsed or _mean(window[-3:], "success") > 0.8:
        return ""
    return (
        f"entropy collapse: {early:.3f} to {late:.3f} a token, the members of a group hardly differ; "
        "raise --grpo.clip-high, add --grpo.entropy-bonus 0.001, or lower --optimizer.learning-rate"
    )


def length_growth(window: Window) -> str:
    """Turns grow longer, or are cut off, without more success."""
    early, late = _halves(window, "length")
    cut_early, cut_late = _halves(window, "truncated")
    grown, cut = late > 1.5 * early, cut_late > max(0.3, cut_early + 0.15)
    won_early, won_late = _halves(window, "success")
    if not (grown or cut) or won_late > won_early + 0.05:
        return ""
    return (
        f"length growth: {early:.0f} to {late:.0f} tokens a member, {cut_late:.0%} cut off, without more success; "
        "set --grpo.overlong-soft and --grpo.overlong-hard, and --grpo.mean constant if it is not"
    )


def format_lost(window: Window) -> str:
    """Fewer members write a call that can be read than did before."""
    early, late = _halves(window, "calls/formed")
    if early < 0.3 or late > 0.6 * early:
        return ""
    return (
        f"format lost: {early:.0%} to {late:.0%} of members write a call that can be read; lower "
        "--optimizer.learning-rate, hold on to the start with --grpo.kl-beta 0.01, or show the form with "
        "python -m jaxrlvr.sft"
    )


def reward_hacking(window: Window) -> str:
    """Reward rises while success does not: the shaping is being collected."""
    early, late = _halves(window, "reward")
    won_early, won_late = _halves(window, "success")
    if late < early + 0.1 or won_late > won_early + 0.02 or won_late > 0.9:
        return ""
    return (
        f"reward hacking: reward {early:.2f} to {late:.2f} while success stays at {won_late:.2f}; read "
        "episodes/train.jsonl, try --grpo.outcome-gate auto, and audit the scenario with python -m envs.audit"
    )


NEEDED = {"reward", "success", "length", "truncated", "calls/formed", "update/entropy"}
"""Steps that lack one of these, of an older version, are passed over."""
RUN: tuple[Callable[[Window], str], ...] = (entropy_collapse, length_growth, format_lost, reward_hacking)
"""What is looked for in the whole run, and in each scenario."""
SCENARIO: tuple[Callable[[Window, str], str], ...] = (saturated, hopeless)


def diagnose(history: Window) -> list[Finding]:
    """The patterns that show in the newest steps of a run's metrics, LONG at most; fast ones first."""
    whole = [figures for figures in history[-LONG:] if NEEDED <= figures.keys()]
    recent = whole[-WINDOW:]
    if len(recent) < ENOUGH:
        return []
    windows = [recent, _means(whole)] if len(whole) >= 2 * WINDOW else [recent]
    found = {check.__name__: text for window in windows[::-1] for check in RUN if (text := check(window))}
    findings = [Finding(name, "", text) for name, text in found.items()]
    scenarios = [name.split("/", 1)[1] for name in recent[-1] if name.startswith("success/")]
    for scenario in scenarios:
        # A curriculum may leave a scenario out of a step.
        own = [figures for figures in recent if f"success/{scenario}" in figures]
        for check in SCENARIO if len(own) >= ENOUGH else ():
            if text := check(own, scenario):
                findings.append(Finding(check.__name__, scenario, f"{scenario} is {text}"))
        for trend in RUN:
            texts = [text for window in windows if (text := _own(window, scenario, trend))]
            if texts and trend.__name__ not in found:
                findings.append(Finding(trend.__name__, scenario, f"{scenario}: {texts[0]}"))
    return findings


def _own(window: Window, scenario: str, trend: Callable[[Window], str]) -> str:
    """What a trend says of one scenario's figures."""
    # Only newer versions tell a scenario's entropy.
    names = {"update/entropy", "success"} if trend is entropy_collapse else NEEDED - {"update/entropy"}
    own = [
        {name: figures[f"{name}/{scenario}"] for name in names}
        for figures in window
        if all(f"{name}/{scenario}" in figures for name in names)
    ]
    return trend(own) if len(own) >= ENOUGH else ""


def _means(history: Window) -> Window:
    """A long stretch as WINDOW steps: the means of as many parts, of what all of a part's steps tell."""
    cuts = [len(history) * part // WINDOW for part in range(WINDOW + 1)]
    parts = [history[begin:end] for begin, end in zip(cuts, cuts[1:], strict=False)]
    told = [frozenset.intersection(*map(frozenset, part)) for part in parts]
    return [{name: _mean(part, name) for name in names} for part, names in zip(parts, told, strict=True)]


def news(findings: Sequence[Finding], told: dict[tuple[str, str], int], step: int) -> list[Finding]:
    """The findings that were not said in the last REPEAT steps; notes in `told` when each is said."""
    fresh = [one for one in findings if step - told.get(one[:2], -REPEAT) >= REPEAT]
    told.update({one[:2]: step for one in fresh})
    return fresh


def _mean(window: Window, name: str) -> float:
    return fmean(figures[name] for figures in window)


def _halves(window: Window, name: str) -> tuple[float, float]:
    """Means over the first and the last third of the window."""
    third = max(2, len(window) // 3)
    return _mean(window[:third], name), _mean(window[-third:], name)
