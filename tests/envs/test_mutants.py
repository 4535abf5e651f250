"""Laws of the faults that are put into an oracle."""

from collections import Counter

import envs
from envs import policies
from envs.mutants import mutants
from envs.scenarios.jira_reads import SEARCH


def renamed(scenario: str, difficulty: int, seeds: int = 30) -> Counter:
    """How often a call of one tool was given to another one that is offered."""
    found: Counter = Counter()
    for seed in range(seeds):
        task = envs.sample(scenario, seed, "train", difficulty)
        sites = [made.site for made in mutants(task) if made.kind == "rename tool"]
        found += Counter(site.split()[0] + " " + site.split()[-1] for site in sites if site.split()[-1] in task.tools)
    return found


def test_rename__to_a_read_that_tells_as_much_is_no_fault():
    made = renamed("jira_log_work", 5)
    assert f"{SEARCH} {SEARCH}Post" not in made and sum(made.values()) == 60
    people = renamed("jira_comment_mention", 5)
    assert "findUsers findUsersForPicker" not in people and sum(people.values()) == 60


def test_rename__to_a_read_that_tells_less_or_to_a_write_is_one():
    assert renamed("jira_create_subtask", 1) == {
        f"{SEARCH} getProject": 30,
        f"getProject {SEARCH}": 30,
        f"createIssue {SEARCH}": 30,
    }
    # An answer that no later call uses is not replaced by any other.
    assert sum(renamed("jira_read_issue", 5).values()) == 30


def test_mutants__are_never_the_oracle():
    for scenario in envs.SCENARIOS:
        task = envs.sample(scenario, 3, "train", 3)
        assert all(made.turns != tuple(policies.oracle(task)) for made in mutants(task))
