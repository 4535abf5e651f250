"""Floors and spread: cheap policies earn next to nothing, and the better a weak policy, the more it earns."""

from collections.abc import Iterator

from envs.audit.play import Play
from envs.audit.trial import Finding, difficulties, tasks, where
from envs.audit.weak_policies import weak
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import CHEAP, same_answer
from envs.task import DONE, Task

FLOOR = 0.3
"""The highest mean reward that a cheap policy may earn."""
SKILLS = (0.3, 0.5, 0.7, 0.9)
"""Probabilities of a right step of the weak policies, increasing."""
LEAST, MOST = 0.2, 0.8
"""Bounds on the mean reward of the weak policy that makes 70% of its steps right."""
MEANS = 150
"""The least number of tasks to average over."""


def writes_nothing(task: Task) -> bool:
    """Return whether the oracle leaves the site unchanged, because it refuses or only has to read."""
    return not task.any_writes(task.oracle)


def no_cheap_policy_earns(scenario: Scenario, seeds: int, play: Play) -> Iterator[Finding]:
    """Play cheap policies; yield a finding for the mean reward of each."""
    drawn = list(tasks(scenario, max(MEANS, seeds)))
    levels = difficulties(scenario)
    cheap = {**CHEAP, "same-answer": same_answer(scenario.sample(seeds, "train", levels[0]))}
    for name, policy in cheap.items():
        played = [(task, play(task, policy(task)).verdict) for task in drawn]
        mean = sum(verdict.reward for _, verdict in played) / len(played)
        # Where nothing should be written or said, doing nothing is nearly correct: it only has to earn less than 1.
        spared = all(writes_nothing(task) and task.answer == DONE and verdict.success for task, verdict in played)
        failures = []
        if mean > FLOOR and not spared:
            task, best = max(played, key=lambda pair: pair[1].reward)
            failures.append(
                f"{name} earns {mean:.3f} on average, more than {FLOOR}; its best is {best.reward} at {where(task)}"
            )
        yield Finding(name, f"{mean:.2f}{'*' if spared and mean > FLOOR else ''}", tuple(failures), mean)


def rewards_spread(scenario: Scenario, seeds: int, play: Play) -> Iterator[Finding]:
    """Play weak policies of increasing skill; yield a finding on their mean rewards."""
    drawn = list(tasks(scenario, max(MEANS, seeds)))
    rewards = {skill: [play(task, weak(task, skill)).verdict.reward for task in drawn] for skill in SKILLS}
    means = {skill: sum(earned) / len(earned) for skill, earned in rewards.items()}
    failures = [
        f"flat: {better:.0%} right steps earn {means[better]:.3f}, no more than the {means[worse]:.3f} of {worse:.0%}"
        for worse, better in zip(SKILLS, SKILLS[1:], strict=False)
        if means[better] <= means[worse]
    ]
    # An oracle that makes no call has a single step, which is either right or wrong.
    if any(task.oracle for task in drawn):
        if not LEAST <= means[0.7] <= MOST:
            failures.append(
                f"{'saturated' if means[0.7] > MOST else 'too hard to learn from'}: 70% right steps earn "
                f"{means[0.7]:.3f}, which should be between {LEAST} and {MOST}"
            )
        if len(set(rewards[0.7])) < 3:
            failures.append(f"coarse: with 70% right steps the only rewards are {sorted(set(rewards[0.7]))}")
    yield Finding("spread", " ".join(f"{mean:.2f}" for mean in means.values()), tuple(failures), means[0.7])
