"""Laws of reading an issue: the answer counts, and only after a read."""

import pytest

import envs
from envs import scripted_policies
from envs.scenarios.jira.issue_facts import FACTS, facts_of
from envs.scripted_policies import DONE, answers_shown, quoted, turn
from tests.envs.scenarios.issue_names import key_and_id


def tasks(count=60, split="train"):
    return [envs.sample("jira_read_issue", seed, split) for seed in range(count)]


def verdict(task, *turns):
    return scripted_policies.demonstrate(task, turns).verdict


def names(task):
    """(key, id) of the issue."""
    return key_and_id(task, task.oracle[0].arguments["issueIdOrKey"])


def asked(task):
    """Return the two facts of the question, in no order."""
    return set(task.claim.values)


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
        shown = verdict(task, read, task.answer)
        assert not shown.success and shown.reward <= 0.25


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
            assert not copied.success and copied.reward <= 0.25


def test_answer__with_one_fact_too_many_is_no_success():
    for task in tasks(20):
        facts = facts_of(task.world, task.world.table("issues")[names(task)[1]])
        more = next(fact for fact in FACTS if fact not in asked(task))
        said = verdict(task, turn(task.oracle[0]), f'{task.answer} Its {more}: "{facts[more]}".')
        assert not said.success and said.reward <= 0.7


@pytest.mark.parametrize("kind", ["Bug", "the task", "Story", "ticket", "issue"])
def test_answer__may_call_the_issue_by_its_key_and_what_it_is(kind):
    for task in tasks(40):
        if "type" in asked(task):
            continue
        said = f'The answer about {kind} "{names(task)[0]}": {task.answer}'
        assert verdict(task, turn(task.oracle[0]), said).reward == 1


def facts_in_order(task):
    """Return the facts of the question in the order of the answer."""
    return sorted(asked(task), key=lambda fact: task.answer.index(f" {fact} "))


@pytest.mark.parametrize("fact", FACTS)
def test_answer__that_lists_every_value_earns_nothing_for_it(fact):
    tables = {"status": "statuses", "priority": "priorities", "type": "issuetypes"}
    drawn = [task for task in tasks() if facts_in_order(task)[0] == fact]
    assert drawn
    for task in drawn:
        if fact == "summary":
            every = [issue["fields"]["summary"] for issue in task.world.find("issues")]
        else:
            every = [record["name"] for record in task.world.find(tables[fact])]
        listed = verdict(task, turn(task.oracle[0]), " ".join([*every, values(task)[1]]))
        assert not listed.success and listed.reward <= 0.7


def test_answer__needs_no_particular_words():
    for task in tasks():
        first, second = values(task)
        said = f"{second}!! ({first})"
        assert verdict(task, turn(task.oracle[0]), said).reward == 1


def test_read__by_id_earns_everything():
    for task in tasks(20):
        for value in (names(task)[1], int(names(task)[1]), names(task)[0].lower()):
            read = turn(envs.task.PlannedCall("getIssue", {"issueIdOrKey": value}))
            assert verdict(task, read, task.answer).success is not isinstance(value, int)


def test_facts__are_drawn_evenly_and_not_given_away():
    """Requests cover every fact, and reveal no value."""
    assert set().union(*map(asked, tasks())) == set(FACTS)
    assert len({values(task)[0] for task in tasks()}) > 25
    for task in tasks():
        assert f'"{values(task)[0]}"' not in task.request
