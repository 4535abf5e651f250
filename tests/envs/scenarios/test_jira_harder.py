"""Laws of the harder Jira scenarios: confusable records exist, and equivalent calls earn everything."""

import json
from collections import Counter

import pytest

import envs
from envs import scripted_policies
from envs.api.json_paths import replaced
from envs.jira.jql import parse
from envs.jira.world import LINK_TYPES
from envs.reward.penalties import COSTS
from envs.reward.verdict import Verdict
from envs.scenarios.vocabulary.jira_search import SEARCH
from envs.scenarios.vocabulary.oracle import oracle_value
from envs.scripted_policies import DONE, turn
from envs.task import PlannedCall, Task
from tests.envs.scenarios.issue_names import key_and_id


def tasks(scenario: str, count: int = 60, split: str = "train") -> list[Task]:
    return [envs.sample(scenario, seed, split) for seed in range(count)]


def played(task: Task, *plan: PlannedCall) -> Verdict:
    return scripted_policies.demonstrate(task, [*map(turn, plan), DONE]).verdict


def scores(verdict: Verdict) -> dict[str, float]:
    return {check.name: check.score for check in verdict.checks}


def rewritten(task: Task, **arguments) -> list[PlannedCall]:
    """Return the oracle's plan with changed arguments for its write."""
    *reads, write = task.oracle
    return [*reads, PlannedCall(write.name, {**write.arguments, **arguments})]


def found(task: Task, jql: str) -> set[str]:
    return {issue["id"] for issue in parse(task.world, jql).run(task.world)}


def triage_query(task: Task) -> str:
    return next(call.arguments["jql"] for call in task.oracle if call.name == SEARCH)


def edited(task: Task) -> set[str]:
    return {call.arguments["issueIdOrKey"] for call in task.oracle if call.name == "editIssue"}


def field(task: Task) -> str:
    """Return the field that a triage edits."""
    (name,) = oracle_value(task, "editIssue", "fields") or oracle_value(task, "editIssue", "update")
    return name


def test_triage__the_query_finds_the_issues_and_each_condition_is_needed():
    for task in tasks("jira_triage_by_jql"):
        wanted = edited(task)
        jql = triage_query(task)
        clauses = jql.split(" AND ")
        assert found(task, jql) == wanted and len(clauses) == 4
        for clause in clauses:
            assert found(task, " AND ".join(other for other in clauses if other != clause)) > wanted


def test_triage__number_of_issues_and_edited_field_vary():
    triages = tasks("jira_triage_by_jql", 300)
    counts = Counter(len(edited(task)) for task in triages)
    assert set(counts) == {1, 2, 3, 4} and all(count > 20 for count in counts.values())
    assert all(count > 60 for count in Counter(field(task) for task in triages).values())
    assert all(len(task.oracle) <= 5 for task in triages)


def test_triage__harder_tasks_have_no_more_matching_issues():
    for seed in range(30):
        task = envs.sample("jira_triage_by_jql", seed, "train", 5)
        assert found(task, triage_query(task)) == edited(task)


def test_triage__any_order_and_keys_earn_everything():
    for task in tasks("jira_triage_by_jql", 30):
        first = sum(call.name != "editIssue" for call in task.oracle)
        reads, edits = task.oracle[:first], task.oracle[first:]
        assert played(task, *reads, *edits[::-1]).reward == 1
        (search,) = [call for call in reads if call.name == SEARCH]
        keys = {issue: key_and_id(task, issue)[0] for issue in edited(task)}
        verbose = PlannedCall(SEARCH, {**search.arguments, "fields": ["summary"]})
        by_key = [
            PlannedCall(call.name, {**call.arguments, "issueIdOrKey": keys[call.arguments["issueIdOrKey"]]})
            for call in edits
        ]
        others = [call for call in reads if call is not search]
        assert played(task, *others, verbose, *by_key).reward == 1
        # Guessed or not, a key names its issue.
        assert played(task, *reads, *by_key).success


def test_triage__a_wrong_edit_before_the_right_one_is_no_success():
    for task in tasks("jira_triage_by_jql", 30):
        *before, last = task.oracle
        wrong = PlannedCall("editIssue", {**last.arguments, "fields": {"summary": "Zq"}})
        back = PlannedCall("editIssue", {"issueIdOrKey": last.arguments["issueIdOrKey"], "fields": {"summary": "x"}})
        verdict = played(task, *before, wrong, back, last)
        assert not verdict.success and verdict.reward <= 0.7


@pytest.mark.parametrize(
    ("scenario", "operation", "paths"),
    [
        ("jira_create_subtask", "createIssue", ("fields.parent.id",)),
        ("jira_link_duplicate", "linkIssues", ("outwardIssue.id", "inwardIssue.id")),
        ("jira_log_work", "addWorklog", ("issueIdOrKey",)),
    ],
)
def test_search__the_other_project_has_the_same_summary(scenario, operation, paths):
    for task in tasks(scenario):
        for path in paths:
            issue = oracle_value(task, operation, path)
            summary = task.world.table("issues")[issue]["fields"]["summary"]
            same = [issue for issue in task.world.find("issues") if issue["fields"]["summary"] == summary]
            assert len(same) == 2 and len({issue["project"] for issue in same}) == 2
            assert f'"{summary}"' in task.request


@pytest.mark.parametrize("scenario", ["jira_create_subtask", "jira_link_duplicate", "jira_log_work"])
def test_search__finding_more_than_was_needed_is_free(scenario):
    for task in tasks(scenario, 20):
        search, *others = task.oracle
        summary = search.arguments["jql"].rpartition(" AND ")[2]
        assert played(task, PlannedCall(SEARCH, {"jql": summary}), *others).reward == 1


def test_subtask__each_project_has_its_own_type():
    names = set()
    for task in tasks("jira_create_subtask"):
        types = task.world.table("issuetypes")
        subtask_types = [
            [types[id_]["name"] for id_ in project["issuetypes"] if types[id_]["subtask"]]
            for project in task.world.find("projects")
        ]
        assert all(len(names) == 1 for names in subtask_types) and subtask_types[0] != subtask_types[1]
        kind = oracle_value(task, "createIssue", "fields.issuetype.name")
        assert f'"{kind}"' not in task.request
        names.add(kind)
    assert len(names) > 40


def test_subtask__a_type_or_parent_that_was_not_read_is_a_guess():
    for task in tasks("jira_create_subtask", 20):
        search, project, create = task.oracle
        for plan in ((create,), (search, create), (project, create)):
            lucky = played(task, *plan)
            assert lucky.success and lucky.reward == pytest.approx(1 - COSTS["guessed_value"])
            read = {name: score for name, score in scores(lucky).items() if name.startswith("found/")}
            assert read == {
                f"found/{SEARCH}": float(search in plan),
                "found/getProject": float(project in plan),
            }


def test_subtask__the_parent_by_its_key_earns_everything():
    for task in tasks("jira_create_subtask", 20):
        search, project, create = task.oracle
        verbose = PlannedCall(SEARCH, {**search.arguments, "fields": ["summary"]})
        key, _ = key_and_id(task, create.arguments["fields"]["parent"]["id"])
        by_key = replaced(create.arguments, ("fields", "parent"), {"key": key})
        assert played(task, verbose, project, PlannedCall(create.name, by_key)).reward == 1


def duplicate_and_original(task: Task) -> tuple[str, str]:
    """Return the ids of the issue that duplicates and of the other, in the order of the oracle's searches."""
    queries = [call.arguments["jql"] for call in task.oracle if call.name == SEARCH]
    copy, first = (found(task, jql).pop() for jql in queries)
    return copy, first


def test_duplicate__the_wrong_direction_is_accepted_but_no_success():
    firsts = set()
    for task in tasks("jira_link_duplicate"):
        link = task.oracle[-1].arguments
        turned = rewritten(task, inwardIssue=link["outwardIssue"], outwardIssue=link["inwardIssue"])
        verdict = played(task, *turned)
        assert not verdict.success and not verdict.penalties and 0.25 < verdict.reward <= 0.7
        issues = task.world.table("issues")
        copy, first = (issues[issue]["fields"]["summary"] for issue in duplicate_and_original(task))
        firsts.add(task.request.index(copy) < task.request.index(first))
    # Which of the two the request names first says nothing.
    assert firsts == {True, False}


def test_duplicate__seen_from_the_copy_it_duplicates_the_other():
    (task,) = tasks("jira_link_duplicate", 1)
    episode = envs.Episode(task)
    for text in scripted_policies.oracle(task):
        episode.step(text)
    copy, first = duplicate_and_original(task)
    response = task.api.by_name()["getIssue"].handler(episode.world, {"issueIdOrKey": copy})
    (link,) = response.body["fields"]["issuelinks"]
    other = link.get("inwardIssue") or link["outwardIssue"]
    assert link["type"]["outward"] == "duplicates" and other["key"] == key_and_id(task, first)[0]


WAYS = ("auto", "leave", "new", "manual")


def way_of(task: Task) -> str:
    """Return how the remaining estimate is adjusted."""
    return oracle_value(task, "addWorklog", "adjustEstimate") or "auto"


def test_work__each_adjustment_gives_another_estimate():
    ways = set()
    for task in tasks("jira_log_work"):
        *_, log = task.oracle
        plain = {name: log.arguments[name] for name in ("issueIdOrKey", "timeSpent", "started")}
        given = task.goal["given"]
        others = [
            {},
            {"adjustEstimate": "leave"},
            {"adjustEstimate": "new", "newEstimate": given},
            {"adjustEstimate": "manual", "reduceBy": given},
        ]
        verdicts = [played(task, task.oracle[0], PlannedCall(log.name, {**plain, **other})) for other in others]
        assert [verdict.success for verdict in verdicts] == [way == way_of(task) for way in WAYS]
        assert max(verdict.reward for verdict in verdicts) == 1
        ways.add(way_of(task))
    assert ways == set(WAYS)


def test_work__an_equivalent_notation_earns_everything():
    for task in tasks("jira_log_work"):
        minutes = {"d": 480, "h": 60, "m": 1}
        spent = sum(
            int(part[:-1]) * minutes[part[-1]] for part in oracle_value(task, "addWorklog", "timeSpent").split()
        )
        assert played(task, *rewritten(task, timeSpent=f"{spent}m")).reward == 1
        if way_of(task) == "auto":
            assert played(task, *rewritten(task, adjustEstimate="auto")).reward == 1
        shown = task.oracle[-1].arguments["started"][:16].replace("T", " ")
        wrong = played(task, *rewritten(task, started=shown))
        assert not wrong.success and [fault.name for fault in wrong.penalties] == ["refused_call"]


def test_work__a_duration_for_another_adjustment_changes_nothing():
    for task in tasks("jira_log_work", 40):
        log = task.oracle[-1].arguments
        for name in {"newEstimate", "reduceBy"} - log.keys():
            more = played(task, *task.oracle[:-1], PlannedCall("addWorklog", {**log, name: "zebra"}))
            assert more.success is (more.reward >= 0.8)


@pytest.mark.parametrize(
    ("kind", "reward"),
    [
        ({"name": "Duplicate"}, 1),
        ({"id": "ID"}, 1),
        ({"id": "ID", "name": "Duplicate"}, 1),
        ({"name": "Relates"}, 0.7),
        ({}, 0.245),
        ("Duplicate", 0.245),
    ],
)
def test_duplicate__the_type_is_given_by_its_own_name_or_id(kind, reward):
    own = next(one["id"] for one in LINK_TYPES.values() if one["name"] == "Duplicate")
    given = {name: own if value == "ID" else value for name, value in kind.items()} if isinstance(kind, dict) else kind
    task = tasks("jira_link_duplicate", 1)[0]
    verdict = played(task, *task.oracle[:-1], PlannedCall("linkIssues", {**task.oracle[-1].arguments, "type": given}))
    assert verdict.reward == 1 if reward == 1 else verdict.reward <= reward and not verdict.success


def test_work__durations_and_times_belong_to_one_split():
    drawn = {split: tasks("jira_log_work", 300, split) for split in ("train", "heldout", "synthetic")}
    for name, least in (("timeSpent", 15), ("started", 50)):
        values = {
            split: {oracle_value(task, "addWorklog", name) for task in drawn_tasks}
            for split, drawn_tasks in drawn.items()
        }
        assert not values["heldout"] & (values["train"] | values["synthetic"]) and len(values["heldout"]) >= least


def comment(task: Task) -> tuple[str, str, str]:
    """Return (the person's name, the text, the account id) of the requested comment."""
    mention, text = oracle_value(task, "addComment", "body")["content"][0]["content"]
    return task.oracle[0].arguments["query"], text["text"].strip(), mention["attrs"]["id"]


def test_mention__others_share_a_name_and_one_has_the_full_name():
    for task in tasks("jira_comment_mention"):
        first, last = comment(task)[0].split()
        names = [user["displayName"] for user in task.world.find("users")]
        assert sum({first, last} & set(name.split()) != set() for name in names) == 4
        assert [name.startswith(comment(task)[0]) for name in names].count(True) == 2
        answer = scripted_policies.demonstrate(task, scripted_policies.oracle(task)).turns[0][1][0]
        assert len(json.loads(answer)) == 2


def body_of(task: Task, *nodes) -> dict:
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": list(nodes)}]}


def test_mention__its_own_text_and_the_space_are_optional():
    for task in tasks("jira_comment_mention", 20):
        person, text, account = comment(task)
        mention = {"type": "mention", "attrs": {"id": account, "text": f"@{person}"}}
        assert played(task, *rewritten(task, body=body_of(task, mention, {"type": "text", "text": text}))).reward == 1
        other = {"type": "mention", "attrs": {"id": account, "text": "@Zq"}}
        verdict = played(task, *rewritten(task, body=body_of(task, other, {"type": "text", "text": text})))
        assert not verdict.success and 0 < scores(verdict)["done"] < 1


def test_mention__the_document_is_graded_leaf_by_leaf():
    for task in tasks("jira_comment_mention", 20):
        _, text, account = comment(task)
        mention = {"type": "mention", "attrs": {"id": account}}
        said = {"type": "text", "text": text}
        marked = {**said, "marks": [{"type": "strong"}]}
        bodies = [body_of(task, mention, said), body_of(task, mention, marked), body_of(task, mention), text]
        graded = [scores(played(task, *rewritten(task, body=body)))["done"] for body in bodies]
        assert graded == sorted(graded, reverse=True) and graded[0] == 1 and graded[-1] == 0
        assert len(set(graded)) == 4


def test_mention__an_account_that_was_not_read_is_a_guess():
    for task in tasks("jira_comment_mention", 20):
        lucky = played(task, task.oracle[1])
        assert lucky.success and lucky.reward == pytest.approx(1 - COSTS["guessed_value"])
