"""The laws that a scenario must satisfy. Every trial is seeded, so an audit is reproducible.

oracle      the oracle earns exactly 1, on every seed, split and difficulty
floors      cheap policies earn at most 0.3 on average, unless the correct behaviour is to write nothing
mutants     every single fault in the oracle's turns scores below the oracle
success     only the oracle's final site is a success: not the initial site, not one with another record changed
spread      the better a weak policy, the more it earns; one that makes 70% of its steps right earns 0.2 to 0.8
held-out    held-out tasks share no value and no word with training tasks and have wordings of their own, and only they
            offer the scenario's held-out operations; values of requests that people would write (those with `wordings`)
            may share words
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from envs.api.errors import EnvError
from envs.api.json_paths import leaves
from envs.audit.mutants import mutants
from envs.audit.trial import SHOWN, Finding, Report, Trial, difficulties, tasks, where
from envs.audit.weak_policies import weak
from envs.reward.checks import FinishedEpisode
from envs.reward.site_diff import normalised_changes
from envs.reward.verdict import judge
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import CHEAP, oracle, quoted, same_answer
from envs.task import DONE, Task

FLOOR = 0.3
"""The highest mean reward that a cheap policy may earn."""
SKILLS = (0.3, 0.5, 0.7, 0.9)
"""Probabilities of a right step of the weak policies, increasing."""
LEAST, MOST = 0.2, 0.8
"""Bounds on the mean reward of the weak policy that makes 70% of its steps right."""
_SHARE = 5
"""Laws that play many episodes per task use one seed in this many."""
_MEANS = 150
"""The least number of tasks to average over."""


def audit(scenario: Scenario, seeds: int = 1000, laws: Sequence[str] = ()) -> Report:
    """Test the laws named, or all of them: the oracle on `seeds` tasks, laws with many episodes per task on a fifth.

    An exception in the scenario's code is reported as a finding. Raises EnvError for fewer than 1 seed.
    """
    if seeds < 1:
        raise EnvError(f"an audit needs at least 1 seed, not {seeds}")
    trial = Trial(scenario)
    findings: list[Finding] = []
    for name in laws or LAWS:
        try:
            findings += LAWS[name](trial, seeds)
        except Exception as error:  # The scenario is a user's code and may raise anything.
            findings.append(Finding(name, "raised", (f"{type(error).__name__}: {error}",)))
    return Report(scenario.name, tuple(findings), trial.episodes)


def writes_nothing(task: Task) -> bool:
    """Return whether the oracle leaves the site unchanged, because it refuses or only has to read."""
    return not task.any_writes(task.oracle)


def _oracle(trial: Trial, seeds: int) -> Iterator[Finding]:
    failures = []
    lowest = 1.0
    for task in tasks(trial.scenario, seeds):
        verdict = trial.play(task, oracle(task)).verdict
        lowest = min(lowest, verdict.reward)
        if verdict.reward != 1.0 or not verdict.success:
            lost = [check.name for check in verdict.checks if check.score < 1] + [p.name for p in verdict.penalties]
            failures.append(f"{where(task)}: the oracle earns {verdict.reward}; it loses reward by {', '.join(lost)}")
    weight = sum(check.weight for check in trial.scenario.checks)
    if abs(weight - 1) > 1e-6:
        failures.insert(0, f"the checks' weights sum to {weight:g} instead of 1")
    yield Finding("oracle", f"{lowest:.2f}", tuple(failures[:SHOWN]), lowest)


def _floors(trial: Trial, seeds: int) -> Iterator[Finding]:
    drawn = list(tasks(trial.scenario, max(_MEANS, seeds // _SHARE)))
    levels = difficulties(trial.scenario)
    cheap = {**CHEAP, "same-answer": same_answer(trial.scenario.sample(seeds, "train", levels[0]))}
    for name, policy in cheap.items():
        played = [(task, trial.play(task, policy(task)).verdict) for task in drawn]
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


def _mutants(trial: Trial, seeds: int) -> Iterator[Finding]:
    count = 0
    failures: dict[str, str] = {}
    for task in tasks(trial.scenario, max(1, seeds // _SHARE)):
        for mutant in mutants(task):
            count += 1
            reward = trial.play(task, mutant.turns).verdict.reward
            if reward >= 1.0:
                # Report one example of each kind rather than the same one on many seeds.
                failure = f"{mutant.kind}: {mutant.where} still earns {reward} ({where(task)})"
                failures.setdefault(mutant.kind + re.sub(r"[\d\"].*", "", mutant.where), failure)
    shown = tuple(failures.values())
    yield Finding("mutants", f"{count}" if not shown else f"{len(shown)} survive", shown[: 3 * SHOWN], count)


def _success(trial: Trial, seeds: int) -> Iterator[Finding]:
    failures = []
    checks = trial.scenario.checks
    if [check.outcome for check in checks].count(True) != 1:
        failures.append("exactly one check must be the outcome, which alone decides success")
    tried = 0
    for task in tasks(trial.scenario, max(1, seeds // _SHARE // 2)):
        right = trial.play(task, oracle(task)).episode
        expected = normalised_changes(task.world, right.final)
        if expected and judge(replace(right, final=task.world), checks).success:
            failures.append(f"the oracle's calls without their effect are a success ({where(task)})")
        for table, key in _untouched(task, right):
            spoiled = right.final.copy()
            del spoiled.tables[table][key]
            if judge(replace(right, final=spoiled), checks).success:
                failures.append(f"losing a record of {table} as well is still a success ({where(task)})")
        for mutant in mutants(task):
            played = trial.play(task, mutant.turns)
            tried += 1
            differs = normalised_changes(task.world, played.episode.final) != expected or mutant.kind == "wrong answer"
            if played.verdict.success and differs:
                failures.append(f"{mutant.kind}: {mutant.where} is a success on another final site ({where(task)})")
    yield Finding("success", f"{tried}" if not failures else "unfounded", tuple(failures[:SHOWN]), tried)


def _untouched(task: Task, episode: FinishedEpisode) -> Iterator[tuple[str, str]]:
    """Yield (table, id) of one record per table that the episode left unchanged."""
    for table, records in episode.final.tables.items():
        before = task.world.tables.get(table, {})
        same = [key for key, record in records.items() if before.get(key) == record]
        if same:
            yield table, same[-1]


def _spread(trial: Trial, seeds: int) -> Iterator[Finding]:
    drawn = list(tasks(trial.scenario, max(_MEANS, seeds // _SHARE)))
    rewards = {skill: [trial.play(task, weak(task, skill)).verdict.reward for task in drawn] for skill in SKILLS}
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


def _heldout(trial: Trial, seeds: int) -> Iterator[Finding]:
    count = max(_MEANS, seeds // _SHARE)
    drawn = {split: list(tasks(trial.scenario, count, (split,))) for split in ("train", "heldout")}
    every = [task for split in drawn.values() for task in split]
    common = _common([task for task in every if task.wordings]) | _common([task for task in every if not task.wordings])
    values = {name: {value for task in split for value in own_values(task)} - common for name, split in drawn.items()}
    failures = []
    if shared := sorted(values["train"] & values["heldout"]):
        failures.append(f"training and held-out tasks share the values {', '.join(map(repr, shared[:5]))}")
    plain = {name: [task for task in split if not task.wordings] for name, split in drawn.items()}
    words = {
        name: {word for task in split for value in own_values(task) - common for word in _words(value)}
        for name, split in plain.items()
    }
    common_words = {word for value in common for word in _words(value)}
    if shared := sorted((words["train"] & words["heldout"]) - common_words):
        failures.append(f"training and held-out values share the words {', '.join(map(repr, shared[:5]))}")
    if same := {task.request for task in drawn["train"]} & {task.request for task in drawn["heldout"]}:
        failures.append(f"training and held-out tasks share the request {min(same)!r}")
    shapes = {name: {shape(task.request) for task in split} for name, split in plain.items()}
    wordings = {name: {each for task in split for each in task.wordings} for name, split in drawn.items()}
    if not shapes["heldout"] - shapes["train"] or wordings["train"] and not wordings["heldout"] - wordings["train"]:
        failures.append("no wording of the request is held out: all occur in training tasks")
    for name in trial.scenario.held_out_operations.values():
        if any(name in task.tools for task in drawn["train"]):
            failures.append(f"training tasks offer the held-out operation {name}")
        if not all(any(call.name == name for call in task.oracle) for task in drawn["heldout"]):
            failures.append(f"some held-out tasks do not need the held-out operation {name}")
    yield Finding("held-out", f"{len(values['heldout'])}" if not failures else "shared", tuple(failures))


LAWS: Mapping[str, Callable[[Trial, int], Iterator[Finding]]] = {
    "oracle": _oracle,
    "floors": _floors,
    "mutants": _mutants,
    "success": _success,
    "spread": _spread,
    "held-out": _heldout,
}


def own_values(task: Task) -> set[str]:
    """Return the strings specific to the task: the request's quoted values, and the goal's strings that it contains.

    Issue keys are cut to their project key, and values without two adjacent letters dropped. A request that people
    would write has no quotes around many of its values: they are those of the oracle's calls and of its references.
    """
    if task.wordings:
        return _spoken_values(task)
    goal = {value for _, value in leaves(task.goal) if isinstance(value, str) and value and value in task.request}
    values = {re.sub(r"(?<=[A-Z])-\d+$", "", value) for value in {*quoted(task.request), *goal}}
    return {value for value in values if re.search(r"[A-Za-z]{2}", value)}


def _spoken_values(task: Task) -> set[str]:
    """Return the values of a request that people would write; parts of values, such as a first name, do not count."""
    conditions = [pair for reference in task.references for pair in reference.conditions.items()]
    parts = {value for name, value in conditions if name in ("first_name", "mentions")}
    writes = [call.arguments for call in task.oracle if task.any_writes([call])]
    strings = [leaf for _, leaf in leaves(writes) if isinstance(leaf, str)]
    strings += [value for name, value in conditions if isinstance(value, str) and name != "created"]
    values = {re.sub(r"(?<=[A-Z])-\d+$", "", re.sub(r"</?p>", "", text)) for text in strings}
    return {value for value in values - parts if value in task.request and re.search(r"[A-Za-z]{2}", value)}


def _common(drawn: Sequence[Task]) -> set[str]:
    """Return the strings on every site, such as the names of priorities, which belong to no split."""
    per_task = ({value for _, value in leaves(task.world.tables) if isinstance(value, str)} for task in drawn[:40])
    return set.intersection(*per_task) | drawn[0].api.everywhere if drawn else set()


def _words(value: str) -> set[str]:
    """Return the words of a value in lower case; a key in capitals has none."""
    return set() if value.isupper() else {word.lower() for word in re.findall(r"[A-Za-z]{3,}", value)}


def shape(request: str) -> str:
    """Return a request's wording without its quoted values and numbers."""
    return re.sub(r"\d+", "0", re.sub(r'"[^"]*"', '""', request))
