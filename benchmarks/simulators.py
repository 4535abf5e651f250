"""Reset, call and scoring times: `python -m benchmarks.simulators [--issues 200 --pages 60 --seconds 1]`.

Uses one process on one core. The mix is half reads and half writes over Jira and Confluence, played in rounds on fresh
copies of the same site. Resets are timed separately and also included in the mix. Scored are episodes of every scenario
at difficulty 3, right and wrong ones; the first verdict of a task also replays its oracle. All times are CPU time.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from itertools import islice
from statistics import median
from typing import Any

from envs.api.simulator import Simulator
from envs.api.world import World
from envs.audit.mutants import mutants
from envs.confluence import CONFLUENCE
from envs.episode import Episode
from envs.example_site import made_up_site
from envs.jira import JIRA
from envs.scenarios import SCENARIOS

OPERATIONS = {operation.name: operation for api in (JIRA, CONFLUENCE) for operation in api.operations}
ROUNDS = 25
"""Repetitions of the mix on one copy of the site."""
RESET_TARGET_US, CALLS_TARGET, SCORING_TARGET_MS = 200, 20_000, 2
TASKS, MUTANTS = 5, 20
"""Tasks per scenario, and mutants per task, whose scoring is timed."""


def mix(world: World) -> list[tuple[str, dict[str, Any]]]:
    """Return eight calls that all succeed when made in order, on issues and pages from the middle of the site."""
    issues, pages, spaces = (list(world.tables[name].values()) for name in ("issues", "pages", "spaces"))
    issue, page, space = issues[len(issues) // 2], pages[len(pages) // 2], spaces[0]
    project, kind = world.tables["projects"][issue["project"]], world.tables["issuetypes"][issue["issuetype"]]
    fields = {"project": {"key": project["key"]}, "issuetype": {"name": kind["name"]}, "summary": "A thing to do"}
    text = {"representation": "storage", "value": "<p>Notes</p>"}
    return [
        ("createIssue", {"fields": {**fields, "labels": ["new"]}}),
        ("getIssue", {"issueIdOrKey": issue["key"]}),
        ("getTransitions", {"issueIdOrKey": issue["key"]}),
        ("doTransition", {"issueIdOrKey": issue["key"], "transition": {"id": "11"}}),
        ("getSpaces", {"keys": [space["key"]]}),
        ("getPageById", {"id": page["id"], "body-format": "storage"}),
        ("createPage", {"spaceId": space["id"], "title": "Notes {}", "body": text}),
        ("createPage", {"spaceId": space["id"], "parentId": space["homepageId"], "title": "More {}", "body": text}),
    ]


def plan(world: World) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the calls of all rounds on one copy of the site: each issue is moved once, and titles differ."""
    issues = [issue["key"] for issue in world.tables["issues"].values()]
    calls = []
    for number in range(ROUNDS):
        for name, arguments in mix(world):
            changed = {k: v.format(number) if k == "title" else v for k, v in arguments.items()}
            if "issueIdOrKey" in changed:
                changed["issueIdOrKey"] = issues[number * 7 % len(issues)]
            calls.append((name, changed))
    return calls


def timed(work: Callable[[], Any], seconds: float) -> float:
    """Return the CPU seconds of one call of `work`, the best of five means."""
    work()
    best = float("inf")
    for _ in range(5):
        start, count = time.process_time(), 0
        while (spent := time.process_time() - start) < seconds / 5:
            work()
            count += 1
        best = min(best, spent / count)
    return best


def measure(issues: int, pages: int, seconds: float) -> dict[str, float]:
    """Measure a reset and each operation's call in microseconds, and calls per second with validation and resets."""
    world = made_up_site(issues, pages)
    calls = plan(world)

    def play() -> None:
        simulator = Simulator(world, OPERATIONS)
        for name, arguments in calls:
            response = simulator.call(name, arguments)
            assert response.ok, (name, arguments, response)

    figures = {"reset_us": 1e6 * timed(lambda: Simulator(world, OPERATIONS), seconds)}
    figures["calls_per_second"] = len(calls) / timed(play, seconds)
    for name, arguments in {name: arguments for name, arguments in mix(world)}.items():
        figures[f"{name}_us"] = 1e6 * timed(lambda n=name, a=arguments: Simulator(world, OPERATIONS).call(n, a), 0.2)  # type: ignore[misc]
    return figures


def measure_scoring() -> dict[str, float]:
    """Measure the scoring of an episode in milliseconds: medians and the greatest, and of a task's first verdict."""
    first, later = [], []
    for scenario in SCENARIOS.values():
        for seed in range(TASKS):
            task = scenario.sample(seed, "train", 3)
            for number, mutant in enumerate(islice(mutants(task), 0, None, 7)):
                if number == MUTANTS:
                    break
                episode = Episode(task)
                any(episode.step(text).done for text in mutant.turns)
                start = time.process_time()
                episode.verdict()
                (later if number else first).append(1e3 * (time.process_time() - start))
    return {"scoring_ms": median(later), "scoring_max_ms": max(later), "scoring_first_ms": median(first)}


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--issues", type=int, default=200)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    figures = measure(options.issues, options.pages, options.seconds)
    print(f"a site of {options.issues} issues and {options.pages} pages")
    print(f"  reset            {figures['reset_us']:8.1f} us         (target: at most {RESET_TARGET_US})")
    print(f"  mixed calls      {figures['calls_per_second']:8.0f} per second (target: at least {CALLS_TARGET})")
    for name in (name for name in figures if name.endswith("_us") and name != "reset_us"):
        print(f"  {name.removesuffix('_us'):16} {figures[name]:8.1f} us         (with its reset)")
    figures |= measure_scoring()
    print(
        f"  scoring          {figures['scoring_ms']:8.2f} ms median  (target: at most {SCORING_TARGET_MS}), at most "
        f"{figures['scoring_max_ms']:.2f}; {figures['scoring_first_ms']:.2f} for a task's first verdict"
    )
    print(
        json.dumps({"issues": options.issues, "pages": options.pages, **{k: round(v, 2) for k, v in figures.items()}})
    )


if __name__ == "__main__":
    main()
