"""Held out: held-out tasks share no value with training tasks, and have wordings and operations of their own.

Nor do they share a word, except in requests that people would write.
"""

import re
from collections.abc import Iterator, Sequence

from envs.api.json_paths import leaves
from envs.audit.floors import MEANS
from envs.audit.play import Play
from envs.audit.trial import Finding, tasks
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import quoted
from envs.task import Task


def held_out_is_held_out(scenario: Scenario, seeds: int, play: Play) -> Iterator[Finding]:
    """Compare training with held-out tasks; yield a finding on what they share."""
    count = max(MEANS, seeds)
    drawn = {split: list(tasks(scenario, count, (split,))) for split in ("train", "heldout")}
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
    for name in scenario.held_out_operations.values():
        if any(name in task.tools for task in drawn["train"]):
            failures.append(f"training tasks offer the held-out operation {name}")
        if not all(any(call.name == name for call in task.oracle) for task in drawn["heldout"]):
            failures.append(f"some held-out tasks do not need the held-out operation {name}")
    yield Finding("held-out", f"{len(values['heldout'])}" if not failures else "shared", tuple(failures))


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
    # The types of a document's nodes are words of its format.
    strings = [leaf for path, leaf in leaves(writes) if isinstance(leaf, str) and path[-1] != "type"]
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
