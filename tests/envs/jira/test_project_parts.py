"""Projects, components and versions: created, changed, released, and used by issues."""

import pytest

from tests.envs.jira.site import SAM, site

TYPED = {"leadAccountId": SAM, "projectTypeKey": "software"}


@pytest.mark.parametrize("kind", ["Component", "Version"])
def test_part__a_name_is_given_and_new_in_its_project_alone(kind):
    simulator = site()
    there = {"Component": "House", "Version": "1.0"}[kind]
    for name in ("", "  ", "x" * 256, there):
        before = simulator.world.digest()
        response = simulator.call(f"create{kind}", {"name": name, "project": "AA"})
        assert (response.status, list(response.body["errors"])) == (400, ["name"])
        assert simulator.world.digest() == before
    created = simulator.call(f"create{kind}", {"name": there, "project": "BB"})
    assert created.status == 201
    assert simulator.call(f"update{kind}", {"id": created.body["id"], "name": there}).status == 200


@pytest.mark.parametrize("kind", ["Component", "Version"])
def test_part__a_change_keeps_what_is_not_given(kind):
    simulator = site()
    created = simulator.call(f"create{kind}", {"name": "New", "project": "AA", "description": "Old words"}).body
    changed = simulator.call(f"update{kind}", {"id": created["id"], "name": "Newer"}).body
    assert changed == {**created, "name": "Newer"} == simulator.call(f"get{kind}", {"id": created["id"]}).body


@pytest.mark.parametrize(("field", "kind"), [("components", "Component"), ("fixVersions", "Version")])
def test_part__issues_of_its_project_can_have_it_and_no_others(field, kind):
    simulator = site()
    created = simulator.call(f"create{kind}", {"name": "New", "project": "AA"}).body
    for key, status in (("AA-1", 204), ("BB-1", 400)):
        given = {"issueIdOrKey": key, "fields": {field: [{"name": "New"}]}}
        assert simulator.call("editIssue", given).status == status
    read = simulator.call("getIssue", {"issueIdOrKey": "AA-1"}).body["fields"][field]
    assert [record["id"] for record in read] == [created["id"]]
    query = {"jql": f"{field.rstrip('s')} = New"}
    assert len(simulator.call("searchAndReconsileIssuesUsingJql", query).body["issues"]) == 1


def test_component__a_lead_is_a_user_and_makes_the_lead_assignable():
    simulator = site()
    components = [
        simulator.call(
            "createComponent", {"name": name, "project": "AA", "assigneeType": "COMPONENT_LEAD", **lead}
        ).body
        for name, lead in (("Led", {"leadAccountId": SAM}), ("Not led", {}))
    ]
    assert [component["isAssigneeTypeValid"] for component in components] == [True, False]
    assert components[0]["lead"]["accountId"] == SAM and "lead" not in components[1]


def test_version__a_release_moves_what_is_not_resolved_and_leaves_a_history():
    simulator = site()
    after = simulator.call("createVersion", {"name": "2.0", "project": "AA"}).body
    before = simulator.world.find("versions", name="1.0")[0]["id"]
    for key in ("AA-1", "AA-2"):
        simulator.call("editIssue", {"issueIdOrKey": key, "fields": {"fixVersions": [{"name": "1.0"}]}})
    for step in ("11", "21"):
        simulator.call("doTransition", {"issueIdOrKey": "AA-2", "transition": {"id": step}})
    released = {"id": before, "released": True, "moveUnfixedIssuesTo": after["self"]}
    assert simulator.call("updateVersion", released).body["released"] is True
    names = {}
    for key in ("AA-1", "AA-2"):
        fields = simulator.call("getIssue", {"issueIdOrKey": key}).body["fields"]
        names[key] = [version["name"] for version in fields["fixVersions"]]
    assert names == {"AA-1": ["2.0"], "AA-2": ["1.0"]}
    last = simulator.call("getChangeLogs", {"issueIdOrKey": "AA-1"}).body["values"][-1]["items"]
    assert [(change["fromString"], change["toString"]) for change in last] == [("1.0", "2.0")]


def test_version__dates_are_dates_in_order_and_one_that_is_past_is_overdue():
    simulator = site()
    for dates in ({"releaseDate": "2026-13-01"}, {"startDate": "2026-02-02", "releaseDate": "2026-02-01"}):
        assert simulator.call("createVersion", {"name": "2.0", "project": "AA", **dates}).status == 400
    late = simulator.call("createVersion", {"name": "2.0", "project": "AA", "releaseDate": "2025-12-31"}).body
    assert late["overdue"] is True
    done = simulator.call("updateVersion", {"id": late["id"], "released": True}).body
    assert "overdue" not in done


def test_versions__a_page_is_filtered_and_ordered():
    simulator = site()
    for name, released in (("0.9", True), ("2.0", False)):
        simulator.call("createVersion", {"name": name, "project": "AA", "released": released})

    def listed(**arguments):
        body = simulator.call("getProjectVersionsPaginated", {"projectIdOrKey": "AA", **arguments}).body
        return [part["name"] for part in body["values"]]

    assert listed() == ["1.0", "0.9", "2.0"] and listed(orderBy="-name") == ["2.0", "1.0", "0.9"]
    assert listed(status="released") == ["0.9"] and listed(query="0") == ["1.0", "0.9", "2.0"]
    assert listed(status="unreleased", maxResults=1, startAt=1) == ["2.0"]


REFUSED = [
    ({"key": "new"}, "projectKey"),
    ({"key": "N"}, "projectKey"),
    ({"key": "N" * 11}, "projectKey"),
    ({"key": "AA"}, "projectKey"),
    ({"name": "alpha"}, "projectName"),
    ({"name": " "}, "projectName"),
    ({"leadAccountId": "nobody"}, "projectLead"),
    ({"projectTypeKey": ""}, ""),
]


@pytest.mark.parametrize(("changed", "field"), REFUSED)
def test_create_project__names_what_is_wrong_and_makes_nothing(changed, field):
    simulator = site()
    response = simulator.call("createProject", {"key": "NEW", "name": "New", **TYPED, **changed})
    assert response.status == 400 and simulator.world == site().world
    assert not field or list(response.body["errors"]) == [field]


def test_create_project__issues_can_be_made_and_moved_in_it():
    simulator = site()
    created = simulator.call("createProject", {"key": "NEW", "name": "New", "description": "Fresh", **TYPED}).body
    read = simulator.call("getProject", {"projectIdOrKey": str(created["id"])}).body
    assert (read["key"], read["lead"]["accountId"], read["description"]) == ("NEW", SAM, "Fresh")
    fields = {"project": {"key": "NEW"}, "issuetype": {"name": "Bug"}, "summary": "First"}
    issue = simulator.call("createIssue", {"fields": fields, "transition": {"id": "11"}}).body
    assert (issue["key"], issue["transition"]["status"]) == ("NEW-1", 200)
