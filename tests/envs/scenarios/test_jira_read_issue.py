"""Laws of reading an issue: the answer counts, and only after a read."""

import pytest

import envs
from envs import scripted_policies
from envs.reward.answers import named
from envs.scenarios.jira.issue_facts import FACTS, facts_of
from envs.scenarios.vocabulary.jira_checks import names_at
from envs.scripted_policies import DONE, answers_shown, quoted, turn


def tasks(count=60, split="train"):
    return [envs.sample("jira_read_issue", seed, split) for seed in range(count)]


def verdict(task, *turns):
    return scripted_policies.demonstrate(task, turns).verdict


def names(task):
    """(key, id) of the issue."""
    return names_at(task, task.oracle[0].arguments["issueIdOrKey"])


def values(task):
    """Return the two requested facts."""
    return quoted(task.answer)


def test_answer__unread_earns_nothing():
    for task in tasks():
        guessed = verdict(task, task.answer)
        assert guessed.reward == 0 and not guessed.success


def test_answer__of_another_issue_earns_nothing():
    for task in tasks():
        other = next(i["key"] for i in task.world.find("issues") if i["key"] not in names(task))
        read = turn(envs.task.PlannedCall("getIssue", {"issueIdOrKey": other}))
        assert verdict(task, read, task.answer).reward <= 0.1


def test_answer__with_one_fact_earns_a_part():
    for task in tasks():
        read = turn(task.oracle[0])
        first, both = (verdict(task, read, said) for said in (f"It is {values(task)[0]}.", task.answer))
        nothing = verdict(task, read, DONE)
        assert nothing.reward < first.reward < both.reward == 1
        assert both.success and not first.success and not nothing.success


def test_answer__that_copies_what_was_read_earns_nothing_for_it():
    for split, difficulty in (("train", 1), ("heldout", 5)):
        for seed in range(30):
            task = envs.sample("jira_read_issue", seed, split, difficulty)
            said = "\n".join(answers_shown(task, task.oracle))
            copied = verdict(task, turn(task.oracle[0]), said)
            assert not copied.success and copied.reward <= 0.3
            facts = [check.score for check in copied.checks if check.name.startswith("answer/")]
            assert facts == [0, 0]


def test_answer__with_one_fact_too_many_earns_half_for_each():
    for task in tasks(20):
        facts = facts_of(task.world, task.world.table("issues")[names(task)[1]])
        more = next(fact for place, fact in enumerate(FACTS) if place not in task.goal["facts"])
        said = verdict(task, turn(task.oracle[0]), f'{task.answer} Its {more}: "{facts[more]}".')
        assert not said.success and [check.score for check in said.checks if "answer/" in check.name] == [0.5, 0.5]


@pytest.mark.parametrize("kind", ["Bug", "the task", "Story", "ticket", "issue"])
def test_answer__may_call_the_issue_by_its_key_and_what_it_is(kind):
    for task in tasks(40):
        if FACTS.index("type") in task.goal["facts"]:
            continue
        said = f'The answer about {kind} "{names(task)[0]}": {task.answer}'
        assert verdict(task, turn(task.oracle[0]), said).reward == 1


@pytest.mark.parametrize("fact", FACTS)
def test_answer__that_lists_every_value_earns_nothing_for_it(fact):
    tables = {"status": "statuses", "priority": "priorities", "type": "issuetypes"}
    asked = [task for task in tasks() if FACTS[task.goal["facts"][0]] == fact]
    assert asked
    for task in asked:
        if fact == "summary":
            every = [issue["fields"]["summary"] for issue in task.world.find("issues")]
        else:
            every = [record["name"] for record in task.world.find(tables[fact])]
        said = verdict(task, turn(task.oracle[0]), " ".join([*every, values(task)[1]]))
        assert not said.success and said.checks[2].score == 0


def test_answer__needs_no_particular_words():
    for task in tasks():
        first, second = values(task)
        said = f"{second.upper()}!! ({first.lower()})"
        assert verdict(task, turn(task.oracle[0]), said).reward == 1


def test_read__by_id_earns_everything():
    for task in tasks(20):
        for value in (names(task)[1], int(names(task)[1]), names(task)[0].lower()):
            read = turn(envs.task.PlannedCall("getIssue", {"issueIdOrKey": value}))
            assert verdict(task, read, task.answer).success is not isinstance(value, int)


def test_facts__are_drawn_evenly_and_not_given_away():
    """Requests cover every fact, and reveal no value."""
    asked = {fact for task in tasks() for fact in task.goal["facts"]}
    assert asked == set(range(len(FACTS)))
    assert len({values(task)[0] for task in tasks()}) > 25
    for task in tasks():
        assert f'"{values(task)[0]}"' not in task.request


@pytest.mark.parametrize(
    ("text", "values", "found"),
    [
        ("High", ["High", "Highest"], {"high"}),
        ("Highest", ["High", "Highest"], {"highest"}),
        ("status Lamp unit", ["Lamp", "Lamp unit", "unit"], {"lamp unit"}),
        ("High or Low", ["High", "Low"], {"high", "low"}),
        ("", ["High"], set()),
        ("it is C++ (x)", ["C++ (x)"], {"c++ (x)"}),
    ],
)
def test_named__whole_values(text, values, found):
    assert named(text, values) == found
