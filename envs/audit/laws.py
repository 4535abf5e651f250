"""What a scenario must hold to, and how each law is tried. Every trial is seeded: the same audit finds the same.

oracle      doing what was asked earns exactly 1, on every seed, split and difficulty
floors      cheap policies stay at or under 0.3 on average, unless the right thing is to write nothing
mutants     each single fault in the oracle's calls scores below the oracle
success     is granted for the oracle's final site only: not without effect, not with another record changed
spread      weak policies earn more the better they are, and one that is right in 7 of 10 steps between 0.2 and 0.8
held-out    held-out tasks share no value and no word with training tasks, word some requests differently, and they
            alone have the operations that the scenario keeps back
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from envs.api.errors import EnvError
from envs.api.json_paths import leaves
from envs.audit.mutants import mutants
from envs.audit.play import Played, play
from envs.audit.policies import CHEAP, same_answer, weak
from envs.audit.wrong_values import quoted
from envs.reward.site_diff import normalised_changes
from envs.reward.verdict import judge
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import oracle
from envs.task import DONE, Task
from envs.words import SPLITS

FLOOR = 0.3
SKILLS = (0.3, 0.5, 0.7, 0.9)
"""Chances of a right step in the family of weak policies."""
LEAST, MOST = 0.2, 0.8
"""Between these lies the mean reward of the one that is right in 7 of 10 steps."""
_SHARE = 5
"""One seed in this many is used where a seed costs many episodes."""
_MEANS = 150
"""A mean over fewer tasks says too little."""
_SHOWN = 3
"""Examples told of each failure."""


@dataclass(frozen=True)
class Finding:
    """What was found about one law."""

    criterion: str
    value: str
    """The measurement, for the table."""
    failures: tuple[str, ...] = ()
    """What broke the law; the first few examples."""
    number: float | None = None
    """The measurement as a number, where it is one."""

    @property
    def ok(self) -> bool:
        """Whether the law held."""
        return not self.failures


@dataclass(frozen=True)
class Report:
    """All findings about one scenario."""

    scenario: str
    findings: tuple[Finding, ...]
    episodes: int
    """How many episodes were played."""

    @property
    def ok(self) -> bool:
        """Whether every law held."""
        return all(finding.ok for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"ok": self.ok, **asdict(self)}


class _Trial:
    """Plays episodes of one scenario and counts them."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.episodes = 0

    def play(self, task: Task, turns: Sequence[str]) -> Played:
        """One episode."""
        self.episodes += 1
        return play(self.scenario, task, turns)


def audit(scenario: Scenario, seeds: int = 1000, laws: Sequence[str] = ()) -> Report:
    """Try the laws named, or all: the oracle on `seeds` tasks, what takes many episodes a task on a fifth of that.

    Raises EnvError for seeds below 1.
    """
    if seeds < 1:
        raise EnvError(f"an audit needs at least 1 seed, not {seeds}")
    trial = _Trial(scenario)
    findings: list[Finding] = []
    for name in laws or LAWS:
        try:
            findings += LAWS[name](trial, seeds)
        except Exception as error:  # The scenario under audit is somebody's code: whatever it raises is a finding.
            findings.append(Finding(name, "raised", (f"{type(error).__name__}: {error}",)))
    return Report(scenario.name, tuple(findings), trial.episodes)


def tasks(scenario: Scenario, count: int, splits: Sequence[str] = SPLITS) -> Iterator[Task]:
    """The first `count` seeds, going round splits and difficulties."""
    levels = difficulties(scenario)
    for seed in range(count):
        yield scenario.sample(seed, splits[seed % len(splits)], levels[seed // len(splits) % len(levels)])


def difficulties(scenario: Scenario) -> list[int]:
    """The difficulties from 1 to 5 that a scenario has. Raises EnvError if it has none."""
    found = []
    for level in range(1, 6):
        try:
            scenario.sample(0, "train", level)
            found.append(level)
        except EnvError:
            continue
    if not found:
        raise EnvError(f"{scenario.name} has no task of any difficulty from 1 to 5")
    return found


def writes_nothing(trial_task: Task) -> bool:
    """Whether the right thing is to leave the site alone: a refusal, or a question that no write answers."""
    return not trial_task.any_writes(trial_task.oracle)


def _where(task: Task) -> str:
    return f"seed {task.seed}, {task.split}, difficulty {task.difficulty}"


def _oracle(trial: _Trial, seeds: int) -> Iterator[Finding]:
    failures = []
    lowest = 1.0
    for task in tasks(trial.scenario, seeds):
        verdict = trial.play(task, oracle(task)).verdict
        lowest = min(lowest, verdict.reward)
        if verdict.reward != 1.0 or not verdict.success:
            lost = [check.name for check in verdict.checks if check.score < 1] + [p.name for p in verdict.penalties]
            failures.append(f"{_where(task)}: the oracle earns {verdict.reward} and loses by {', '.join(lost)}")
    weight = sum(check.weight for check in trial.scenario.checks)
    if abs(weight - 1) > 1e-6:
        failures.insert(0, f"the checks' weights sum to {weight:g}, not 1")
    yield Finding("oracle", f"{lowest:.2f}", tuple(failures[:_SHOWN]), lowest)


def _floors(trial: _Trial, seeds: int) -> Iterator[Finding]:
    drawn = list(tasks(trial.scenario, max(_MEANS, seeds // _SHARE)))
    levels = difficulties(trial.scenario)
    cheap = {**CHEAP, "same-answer": same_answer(trial.scenario.sample(seeds, "train", levels[0]))}
    for name, policy in cheap.items():
        played = [(task, trial.play(task, policy(task)).verdict) for task in drawn]
        mean = sum(verdict.reward for _, verdict in played) / len(played)
        # Where nothing should be written or said, doing nothing is most of what is right; the oracle must be better.
        spared = all(writes_nothing(task) and task.answer == DONE and verdict.success for task, verdict in played)
        failures = []
        if mean > FLOOR and not spared:
            task, best = max(played, key=lambda pair: pair[1].reward)
            failures.append(f"{name} earns {mean:.3f} on average, more than {FLOOR}; {best.reward} at {_where(task)}")
        yield Finding(name, f"{mean:.2f}{'*' if spared and mean > FLOOR else ''}", tuple(failures), mean)


def _mutants(trial: _Trial, seeds: int) -> Iterator[Finding]:
    made = 0
    failures: dict[str, str] = {}
    for task in tasks(trial.scenario, max(1, seeds // _SHARE)):
        for mutant in mutants(task):
            made += 1
            reward = trial.play(task, mutant.turns).verdict.reward
            if reward >= 1.0:
                # One example of each kind says more than the same one on many seeds.
                told = f"{mutant.kind}: {mutant.site} still earns {reward} ({_where(task)})"
                failures.setdefault(mutant.kind + re.sub(r"[\d\"].*", "", mutant.site), told)
    shown = tuple(failures.values())
    yield Finding("mutants", f"{made}" if not shown else f"{len(shown)} survive", shown[: 3 * _SHOWN], made)


def _success(trial: _Trial, seeds: int) -> Iterator[Finding]:
    failures = []
    checks = trial.scenario.checks
    if [check.outcome for check in checks].count(True) != 1:
        failures.append("exactly one check must be the outcome: it alone decides success")
    tried = 0
    for task in tasks(trial.scenario, max(1, seeds // _SHARE // 2)):
        right = trial.play(task, oracle(task)).attempt
        wanted = normalised_changes(task.world, right.final)
        if wanted and judge(replace(right, final=task.world), checks).success:
            failures.append(f"the oracle's calls without their effect are a success ({_where(task)})")
        for table, key in _untouched(task, right):
            spoiled = right.final.copy()
            del spoiled.tables[table][key]
            if judge(replace(right, final=spoiled), checks).success:
                failures.append(f"losing a record of {table} as well is still a success ({_where(task)})")
        for mutant in mutants(task):
            played = trial.play(task, mutant.turns)
            tried += 1
            another = normalised_changes(task.world, played.attempt.final) != wanted or mutant.kind == "wrong answer"
            if played.verdict.success and another:
                failures.append(f"{mutant.kind}: {mutant.site} is a success on another final site ({_where(task)})")
    yield Finding("success", f"{tried}" if not failures else "unfounded", tuple(failures[:_SHOWN]), tried)


def _untouched(task: Task, attempt: Any) -> Iterator[tuple[str, str]]:
    """One record of each table that the oracle leaves alone."""
    for table, records in attempt.final.tables.items():
        before = task.world.tables.get(table, {})
        same = [key for key, record in records.items() if before.get(key) == record]
        if same:
            yield table, same[-1]


def _spread(trial: _Trial, seeds: int) -> Iterator[Finding]:
    drawn = list(tasks(trial.scenario, max(_MEANS, seeds // _SHARE)))
    rewards = {skill: [trial.play(task, weak(task, skill)).verdict.reward for task in drawn] for skill in SKILLS}
    means = {skill: sum(found) / len(found) for skill, found in rewards.items()}
    failures = [
        f"flat: right in {better:.0%} of the steps earns {means[better]:.3f}, in {worse:.0%} it is {means[worse]:.3f}"
        for worse, better in zip(SKILLS, SKILLS[1:], strict=False)
        if means[better] <= means[worse]
    ]
    # Where the right thing is to call nothing there is one step only, and no middle between right and wrong.
    if any(task.oracle for task in drawn):
        if not LEAST <= means[0.7] <= MOST:
            failures.append(
                f"{'saturated' if means[0.7] > MOST else 'too hard to learn from'}: right in 70% of the steps earns "
                f"{means[0.7]:.3f}, which should lie between {LEAST} and {MOST}"
            )
        if len(set(rewards[0.7])) < 3:
            failures.append(f"coarse: rewards at 70% right steps take only the values {sorted(set(rewards[0.7]))}")
    yield Finding("spread", " ".join(f"{mean:.2f}" for mean in means.values()), tuple(failures), means[0.7])


def _heldout(trial: _Trial, seeds: int) -> Iterator[Finding]:
    count = max(_MEANS, seeds // _SHARE)
    drawn = {split: list(tasks(trial.scenario, count, (split,))) for split in ("train", "heldout")}
    common = _common([task for found in drawn.values() for task in found])
    values = {split: {value for task in found for value in own_values(task)} - common for split, found in drawn.items()}
    failures = []
    if shared := sorted(values["train"] & values["heldout"]):
        failures.append(f"training and held-out tasks share the values {', '.join(map(repr, shared[:5]))}")
    spoken = {split: {w for value in found for w in _words(value)} for split, found in values.items()}
    spoken_common = {word for value in common for word in _words(value)}
    if shared := sorted((spoken["train"] & spoken["heldout"]) - spoken_common):
        failures.append(f"training and held-out values share the words {', '.join(map(repr, shared[:5]))}")
    if same := {task.request for task in drawn["train"]} & {task.request for task in drawn["heldout"]}:
        failures.append(f"training and held-out tasks share the request {min(same)!r}")
    shapes = {split: {shape(task.request) for task in found} for split, found in drawn.items()}
    if not shapes["heldout"] - shapes["train"]:
        failures.append("no wording of a request is kept back for held-out tasks")
    for name in trial.scenario.held_out_operations.values():
        if any(name in task.tools for task in drawn["train"]):
            failures.append(f"training tasks offer {name}, which is kept back for held-out tasks")
        if not all(any(call.name == name for call in task.oracle) for task in drawn["heldout"]):
            failures.append(f"{name} is kept back, but there are held-out tasks that do not need it")
    yield Finding("held-out", f"{len(values['heldout'])}" if not failures else "shared", tuple(failures))


LAWS: Mapping[str, Callable[[_Trial, int], Iterator[Finding]]] = {
    "oracle": _oracle,
    "floors": _floors,
    "mutants": _mutants,
    "success": _success,
    "spread": _spread,
    "held-out": _heldout,
}


def own_values(task: Task) -> set[str]:
    """The strings that make the task this one: what the request quotes, and what of the goal it says."""
    said = {value for _, value in leaves(task.goal) if isinstance(value, str) and value and value in task.request}
    found = {re.sub(r"(?<=[A-Z])-\d+$", "", value) for value in {*quoted(task.request), *said}}
    return {value for value in found if re.search(r"[A-Za-z]{2}", value)}


def _common(drawn: Sequence[Task]) -> set[str]:
    """The strings that every site has, such as the names of priorities: no split owns them."""
    per_task = ({value for _, value in leaves(task.world.tables) if isinstance(value, str)} for task in drawn[:40])
    return set.intersection(*per_task) | drawn[0].api.everywhere if drawn else set()


def _words(value: str) -> set[str]:
    """The words of a value; a key in capitals is no use of a word."""
    return set() if value.isupper() else {word.lower() for word in re.findall(r"[A-Za-z]{3,}", value)}


def shape(request: str) -> str:
    """A request's wording without its values."""
    return re.sub(r"\d+", "0", re.sub(r'"[^"]*"', '""', request))
