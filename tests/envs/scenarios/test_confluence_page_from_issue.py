"""Laws of a page from an issue: the summary and the space have to be read, and the link leads to the new page."""

from dataclasses import replace

import pytest

import envs
from envs import scripted_policies
from envs.confluence import CONFLUENCE
from envs.jira import JIRA
from envs.scenarios.vocabulary.both_sites import BOTH
from envs.scenarios.vocabulary.oracle import oracle_value
from envs.task import PlannedCall, Task
from tests.envs.scenarios.issue_names import key_and_id

PAGE, LINK = "createPage", "createOrUpdateRemoteIssueLink"


def tasks(count=20, split="train") -> list[Task]:
    return [envs.sample("confluence_page_from_issue", seed, split) for seed in range(count)]


def played(task: Task, *calls: PlannedCall):
    """Return the verdict on an episode with these calls and a stop."""
    return scripted_policies.demonstrate(task, [*map(scripted_policies.turn, calls), "Done."]).verdict


def scores(verdict) -> dict[str, float]:
    return {check.name: check.score for check in verdict.checks}


def with_arguments(task: Task, name: str, **arguments) -> list[PlannedCall]:
    """Return the oracle's calls with changed arguments for one of them."""
    return [
        replace(call, arguments={**call.arguments, **arguments}) if call.name == name else call for call in task.oracle
    ]


def test_both_sites__have_every_operation_of_either_once():
    names = [operation.name for operation in BOTH.operations]
    assert len(names) == len(set(names)) and set(names) == JIRA.by_name().keys() | CONFLUENCE.by_name().keys()
    assert all(BOTH.by_name()[name] == operation for name, operation in JIRA.by_name().items())


def test_page__its_text_and_space_id_are_not_in_the_request():
    for task in tasks(60):
        text, space, title = (oracle_value(task, PAGE, path) for path in ("body.value", "spaceId", "title"))
        assert text.removeprefix("<p>").removesuffix("</p>") not in task.request and space not in task.request
        twins = task.world.find("pages", title=title)
        assert len(twins) == 2 and space not in {page["spaceId"] for page in twins}
        number = oracle_value(task, LINK, "issueIdOrKey").split("-")[1]
        near = [issue for issue in task.world.find("issues") if issue["key"].endswith(f"-{number}")]
        assert len({issue["fields"]["summary"] for issue in near}) == 2


def test_page__without_reading_the_issue_only_its_very_summary_is_a_success():
    for task in tasks():
        verdict = played(task, *task.oracle[1:])
        assert verdict.success and scores(verdict)["found/getIssue"] == 0
        key = oracle_value(task, LINK, "issueIdOrKey")
        blind = with_arguments(task, PAGE, body={"representation": "storage", "value": f"<p>{key}</p>"})[1:]
        assert not played(task, *blind).success


def test_page__a_space_that_was_not_read_is_a_guess():
    for task in tasks():
        read, _, page, link = task.oracle
        verdict = played(task, read, page, link)
        assert verdict.success and [fault.name for fault in verdict.penalties] == ["guessed_value"]


def test_link__an_address_counts_only_if_it_is_that_pages():
    for task in tasks():
        given = task.oracle[-1].arguments["object"]
        for other in (
            f"{given['url']}1",
            f"https://elsewhere.example{given['url'].partition('.net')[2]}",
            "",
            given["title"],
        ):
            verdict = played(task, *with_arguments(task, LINK, object={**given, "url": other}))
            assert not verdict.success and verdict.reward <= 0.7


def test_link__before_the_page_names_an_address_that_nobody_knows_yet():
    for task in tasks():
        read, space, page, link = task.oracle
        assert not played(task, read, space, link, page).success


@pytest.mark.parametrize("extra", [{"summary": "More"}, {"title": "Other"}])
def test_link__a_different_title_or_a_summary_is_no_success(extra):
    for task in tasks():
        given = task.oracle[-1].arguments["object"]
        assert not played(task, *with_arguments(task, LINK, object={**given, **extra})).success


def test_link__an_unrequested_relationship_is_no_success_and_the_links_own_id_is_nothing():
    for task in tasks():
        assert not played(task, *with_arguments(task, LINK, relationship="mine")).success
        assert played(task, *with_arguments(task, LINK, relationship="")).reward == 1
        assert played(task, *with_arguments(task, LINK, globalId="mine")).reward == 1


def test_link__every_address_of_the_page_is_right():
    for task in tasks():
        given = task.oracle[-1].arguments["object"]
        number = given["url"].rpartition("/")[2]
        for other in (f"{given['url']}/Its+title", f"{task.world.site}/wiki/pages/viewpage.action?pageId={number}"):
            assert played(task, *with_arguments(task, LINK, object={**given, "url": other})).reward == 1


def test_page__the_home_may_be_named_as_the_parent_and_no_other_page():
    for task in tasks():
        space = task.world.table("spaces")[oracle_value(task, PAGE, "spaceId")]
        assert played(task, *with_arguments(task, PAGE, parentId=space["homepageId"])).reward == 1
        pages = task.world.find("pages", spaceId=space["id"])
        (other,) = (page["id"] for page in pages if page["id"] != space["homepageId"])
        assert not played(task, *with_arguments(task, PAGE, parentId=other)).success


def test_issue__may_be_named_by_its_id_and_not_be_another():
    for task in tasks():
        key, number = key_and_id(task, oracle_value(task, LINK, "issueIdOrKey"))
        assert played(task, *with_arguments(task, LINK, issueIdOrKey=number)).reward == 1
        other = next(issue["key"] for issue in task.world.find("issues") if issue["key"] != key)
        verdict = played(task, *with_arguments(task, LINK, issueIdOrKey=other))
        assert not verdict.success and 0 < scores(verdict)["done"] < 1
