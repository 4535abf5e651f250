"""Third-party clients work against the served site: PyPI's `jira` and `atlassian-python-api`."""

import io
import warnings

import pytest

from envs.api.faults import Faults
from tests.envs.confluence.site import HOME, A, B
from tests.envs.http.served import both_sites, served
from tests.envs.jira.site import SAM, text

pytest.importorskip("uvicorn", reason="serving needs the extra serve")
NEW = {"project": {"key": "AA"}, "issuetype": {"name": "Task"}, "summary": "Oil the gate"}
NO_ISSUE = "Issue does not exist or you do not have permission to see it."


@pytest.fixture
def address():
    with served(both_sites()) as (address, _):
        yield address


@pytest.fixture
def jira(address):
    """Return the client of the package `jira`, using v3."""
    module = pytest.importorskip("jira", reason="a client to test with: pip install jira")
    client = module.JIRA(address, options={"rest_api_version": "3"}, max_retries=0)
    yield client
    client.close()


@pytest.fixture
def atlassian(address):
    """Return the Jira client of `atlassian-python-api`, using v3."""
    module = pytest.importorskip("atlassian", reason="a client to test with: pip install atlassian-python-api")
    client = module.Jira(address, username="me", password="x", api_version=3, cloud=True)
    yield client
    client.close()


@pytest.fixture
def confluence(address):
    """Return the Confluence client of `atlassian-python-api`, using v2."""
    module = pytest.importorskip("atlassian", reason="a client to test with: pip install atlassian-python-api")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the package warns about its older methods
        client = module.ConfluenceV2(f"{address}/wiki", username="me", password="x")
    yield client
    client.close()


def refused(error, call, *arguments, **named) -> tuple[int, str]:
    """Return the status and text of the exception that a client's call raises."""
    with pytest.raises(error) as caught:
        call(*arguments, **named)
    response = caught.value.response
    return response.status_code, getattr(caught.value, "text", "") or str(caught.value)


def test_jira__an_issues_life(jira):
    from jira import JIRAError

    issue = jira.create_issue(fields=NEW | {"description": text("Squeaks")})
    assert (issue.key, issue.fields.summary, issue.fields.status.name) == ("AA-3", "Oil the gate", "To Do")
    issue.update(summary="Oil both gates", update={"labels": [{"add": "red"}]})
    issue.add_field_value("labels", "blue")
    assert (issue.fields.summary, issue.fields.labels) == ("Oil both gates", ["blue", "red"])
    ways = {step["name"]: step["id"] for step in jira.transitions(issue)}
    assert jira.find_transitionid_by_name(issue, "start") == ways["Start"]
    jira.transition_issue(issue, "Start")
    assert jira.issue(issue.key, expand="changelog").fields.status.name == "In Progress"
    assert refused(JIRAError, jira.transition_issue, issue, "999") == (
        400,
        "Transition id '999' is not valid for this issue.",
    )
    issue.delete()
    assert refused(JIRAError, jira.issue, issue.key) == (404, NO_ISSUE)


def test_jira__many_issues_are_created_and_found(jira):
    from jira import JIRAError

    created = jira.create_issues([NEW, NEW | {"summary": ""}])
    assert [(entry["status"], entry["issue"] and entry["issue"].key) for entry in created] == [
        ("Success", "AA-3"),
        ("Error", None),
    ]
    issues = jira.enhanced_search_issues("project = AA ORDER BY key", maxResults=False, fields="summary")
    assert [(entry.key, entry.fields.summary) for entry in issues] == [
        ("AA-1", "Fix the door"),
        ("AA-2", "Paint the wall"),
        ("AA-3", "Oil the gate"),
    ]
    assert [entry.key for entry in jira.search_issues("project = AA ORDER BY key DESC", maxResults=2)] == [
        "AA-3",
        "AA-2",
    ]
    assert jira.approximate_issue_count("project = AA") == 3
    assert refused(JIRAError, jira.search_issues, "project =")[0] == 400
    assert refused(JIRAError, jira.create_issue, fields=NEW | {"summary": ""}) == (
        400,
        "You must specify a summary of the issue.",
    )
    assert refused(JIRAError, jira.project, "NOPE") == (404, "No project could be found with key 'NOPE'.")


def test_jira__people_comments_and_work(jira):
    comment = jira.add_comment("AA-1", text("Hello"))
    comment.update(body=text("Bye"))
    assert jira.comment("AA-1", comment.id).raw["body"] == text("Bye")
    assert [each.id for each in jira.comments("AA-1")] == [comment.id]
    comment.delete()
    assert jira.assign_issue("AA-1", "Sam Field") and jira.issue("AA-1").fields.assignee.accountId == SAM
    assert jira.assign_issue("AA-1", None) and jira.issue("AA-1").fields.assignee is None
    jira.add_watcher("AA-1", "Sam Field")
    assert [user.accountId for user in jira.watchers("AA-1").watchers] == [SAM]
    jira.remove_watcher("AA-1", "Sam Field")
    assert jira.watchers("AA-1").watchCount == 0
    log = jira.add_worklog("AA-1", timeSpent="2h")
    log.update(timeSpent="1h 30m")
    assert jira.worklog("AA-1", log.id).timeSpentSeconds == 5400
    log.delete()
    assert jira.worklogs("AA-1") == []


def test_jira__versions_components_and_what_a_site_has(jira):
    version = jira.create_version("2.0", "AA", releaseDate="2026-02-01")
    version.update(released=True)
    assert [(each.name, each.released) for each in jira.project_versions("AA")] == [("1.0", False), ("2.0", True)]
    component = jira.create_component("Roof", "AA", description="Above")
    component.update(name="Top")
    assert [each.name for each in jira.project_components("AA")] == ["House", "Top"]
    assert jira.component(component.id).description == "Above" and jira.version(version.id).name == "2.0"
    priority, resolution, status, kind = (
        jira.priorities()[0], jira.resolutions()[0], jira.statuses()[0], jira.issue_types()[0]
    )  # fmt: skip
    assert jira.priority(priority.id).name == priority.name and jira.resolution(resolution.id).name == "Done"
    assert jira.status(status.id).statusCategory.key == "new" and jira.issue_type(kind.id).name == kind.name
    assert [each.name for each in jira.statuscategories()] == ["To Do", "In Progress", "Done"]
    assert jira.issue_link_type(jira.issue_link_types()[0].id).outward == "blocks"
    permissions = jira.my_permissions(issueKey="AA-1", permissions="EDIT_ISSUES")["permissions"]
    assert permissions["EDIT_ISSUES"]["havePermission"]


def test_jira__links_properties_and_files(jira):
    from jira import JIRAError

    jira.create_issue_link("Blocks", "AA-1", "AA-2")
    (link,) = jira.issue("AA-1").fields.issuelinks
    assert jira.issue_link(link.id).type.name == "Blocks"
    link.delete()
    assert jira.issue("AA-1").fields.issuelinks == []
    status, message = refused(JIRAError, jira.create_issue_link, "Haunts", "AA-1", "AA-2")
    assert (status, message) == (404, "No issue link type with name 'Haunts' found.")
    jira.add_issue_property("AA-1", "colour", {"of": ["a", 1]})
    assert jira.issue_property("AA-1", "colour").raw["value"] == {"of": ["a", 1]}
    file = jira.add_attachment("AA-1", io.BytesIO(b"abc"), filename="a.txt")
    assert (file.filename, jira.attachment(file.id).size) == ("a.txt", 3)
    jira.delete_attachment(file.id)


def test_jira__v2_speaks_text(address):
    module = pytest.importorskip("jira", reason="a client to test with: pip install jira")
    client = module.JIRA(address, max_retries=0)
    issue = client.create_issue(fields=NEW | {"description": "One\n\nTwo"})
    assert issue.fields.description == "One\n\nTwo"
    assert client.add_comment(issue, "Hello").body == "Hello"
    assert client.add_worklog(issue, timeSpent="1h", comment="Done").comment == "Done"
    client.close()


def test_atlassian__an_issues_life(atlassian):
    from requests import HTTPError

    key = atlassian.create_issue(NEW)["key"]
    (other,) = atlassian.create_issues([{"fields": NEW | {"summary": "Two"}}])["issues"]
    atlassian.update_issue_field(key, {"summary": "Oil both gates"})
    atlassian.edit_issue(key, {"labels": [{"add": "red"}]})
    assert atlassian.issue_field_value(key, "summary") == "Oil both gates"
    assert [step["name"] for step in atlassian.get_issue_transitions(key)] == ["Start"]
    atlassian.set_issue_status(key, "In Progress")
    assert atlassian.get_issue_status(key) == "In Progress"
    assert refused(HTTPError, atlassian.set_issue_status_by_transition_id, key, "999") == (
        400,
        "Transition id '999' is not valid for this issue.",
    )
    issues = atlassian.enhanced_jql_get_list_of_tickets("project = AA AND labels = red")
    assert [step["key"] for step in issues] == [key] and atlassian.approximate_issue_count("project = AA")["count"] == 4
    status, message = refused(HTTPError, atlassian.create_issue, NEW | {"summary": ""})
    assert (status, message) == (400, "You must specify a summary of the issue.")
    assert atlassian.issue_exists(other["key"]) and atlassian.delete_issue(other["key"]) is None
    assert refused(HTTPError, atlassian.issue, other["key"]) == (404, NO_ISSUE)


def test_atlassian__parts_of_an_issue(atlassian):
    comment = atlassian.issue_add_comment("AA-1", text("Hi"))
    atlassian.issue_edit_comment("AA-1", comment["id"], text("Yo"))
    assert atlassian.issue_get_comment("AA-1", comment["id"])["body"] == text("Yo")
    atlassian.assign_issue("AA-1", SAM)
    assert atlassian.issue_field_value("AA-1", "assignee")["accountId"] == SAM
    atlassian.issue_add_watcher("AA-1", SAM)
    assert atlassian.issue_get_watchers("AA-1")["watchCount"] == 1
    atlassian.issue_delete_watcher("AA-1", account_id=SAM)
    ends = {"inwardIssue": {"key": "AA-1"}, "outwardIssue": {"key": "AA-2"}}
    atlassian.create_issue_link({"type": {"name": "Blocks"}, **ends})
    (link,) = atlassian.issue_field_value("AA-1", "issuelinks")
    atlassian.remove_issue_link(link["id"])
    assert atlassian.issue_field_value("AA-1", "issuelinks") == []
    atlassian.issue_worklog("AA-1", "2026-01-05T08:00:00.000+0000", 3600)
    assert [entry["timeSpentSeconds"] for entry in atlassian.issue_get_worklog("AA-1")["worklogs"]] == [3600]


def test_confluence__a_pages_life(confluence):
    from requests import HTTPError

    assert confluence.get_space_by_key("AA")["id"] == A and [entry["key"] for entry in confluence.get_spaces()] == [
        "AA"
    ]
    page = confluence.create_page(A, "Plan", "<p>Text</p>")
    child = confluence.create_page(A, "Part", "<p>Of it</p>", parent_id=page["id"])
    assert (page["version"]["number"], page["parentId"], child["parentId"]) == (1, HOME, page["id"])
    assert [entry["id"] for entry in confluence.get_child_pages(page["id"])] == [child["id"]]
    assert confluence.get_page_by_id(page["id"], body_format="storage")["body"]["storage"]["value"] == "<p>Text</p>"
    assert [entry["id"] for entry in confluence.get_pages(space_id=A, title="Plan")] == [page["id"]]
    # The client's `version` is the one that the page has now.
    changed = confluence.update_page(page["id"], "Plan B", "<p>New</p>", status="current", version=1)
    assert (changed["title"], changed["version"]["number"]) == ("Plan B", 2)
    status, _ = refused(
        HTTPError, confluence.update_page, page["id"], "Plan C", "<p>Old</p>", status="current", version=1
    )
    assert status == 409
    assert [entry["number"] for entry in confluence.get_page_versions(page["id"])["results"]] == [2, 1]
    assert refused(HTTPError, confluence.create_page, A, "Plan B", "<p>Twice</p>")[0] == 400
    assert confluence.delete_page(page["id"]) is True
    assert refused(HTTPError, confluence.get_page_by_id, page["id"])[0] == 404


@pytest.mark.parametrize("sent", [[{"prefix": "global", "name": "red"}], {"prefix": "global", "name": "red"}])
def test_confluence__labels_comments_and_search(confluence, sent):
    """Operations missing from v2 are requested from v1 by path, because the client's methods use nonexistent paths."""
    confluence.post(f"rest/api/content/{B}/label", data=sent)
    assert [label["name"] for label in confluence.get_page_labels(B)] == ["red"]
    confluence.post("api/v2/footer-comments", data={"pageId": B, "body": {"storage": {"value": "<p>Yes</p>"}}})
    assert len(confluence.get_page_footer_comments(B)) == 1
    matches = confluence.get("rest/api/search", params={"cql": "label = red and space = AA"})
    assert [match["content"]["id"] for match in matches["results"]] == [B]
    confluence.delete(f"rest/api/content/{B}/label", params={"name": "red"})
    assert confluence.get_page_labels(B) == []


def test_confluence__pages_of_a_list_follow_each_other(confluence):
    for number in range(3):
        confluence.create_page(A, f"Page {number}", "")
    titles = [page["title"] for page in confluence._get_paged("api/v2/pages", params={"limit": 2})]
    assert titles == ["Aa home", "Handbook", "Page 0", "Page 1", "Page 2"]


def test_faults__a_client_that_waits_gets_through():
    module = pytest.importorskip("atlassian", reason="a client to test with: pip install atlassian-python-api")
    with served(both_sites(), faults=Faults(at=((1, 429),), retry_after_s=0)) as (address, _):
        client = module.Jira(address, api_version=3, cloud=True, backoff_and_retry=True)
        assert client.issue("AA-1")["key"] == "AA-1"
        client.close()
