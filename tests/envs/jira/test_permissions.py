"""Permissions of the caller, requested by key and in a context."""

from dataclasses import replace

from tests.envs.jira.site import site


def had(simulator, keys, **context):
    """Return which of the requested permissions the caller has."""
    body = simulator.call("getMyPermissions", {"permissions": keys, **context}).body
    return {key: permission["havePermission"] for key, permission in body["permissions"].items()}


def test_permissions__contain_only_the_requested_each_with_its_key():
    body = site().call("getMyPermissions", {"permissions": "EDIT_ISSUES, ADMINISTER"}).body
    assert {key: (permission["key"], permission["type"]) for key, permission in body["permissions"].items()} == {
        "EDIT_ISSUES": ("EDIT_ISSUES", "PROJECT"),
        "ADMINISTER": ("ADMINISTER", "GLOBAL"),
    }
    assert body["permissions"]["EDIT_ISSUES"]["id"] == "12"


def test_permissions__a_user_of_the_site_has_what_operations_do_and_nobody_else_has_any():
    simulator = site()
    every = ",".join(simulator.call("getAllPermissions", {}).body["permissions"])
    mine = had(simulator, every, issueKey="aa-1")
    assert mine["EDIT_ISSUES"] and not mine["SYSTEM_ADMIN"]
    simulator.world = replace(simulator.world, me="nobody")
    assert not any(had(simulator, every).values())


def test_permissions__ids_are_different():
    simulator = site()
    every = ",".join(simulator.call("getAllPermissions", {}).body["permissions"])
    permissions = simulator.call("getMyPermissions", {"permissions": every}).body["permissions"].values()
    assert len({permission["id"] for permission in permissions}) == len(permissions) > 30


def test_permissions__an_unknown_context_is_404_in_the_words_of_its_kind():
    simulator = site()
    for context, sentence in (
        ({"projectKey": "NOPE"}, "No project could be found with key 'NOPE'."),
        ({"projectId": "1"}, "No project could be found with id '1'."),
        ({"issueKey": "AA-99"}, "Issue does not exist or you do not have permission to see it."),
        ({"commentId": "1"}, "Can not find a comment for the id: 1."),
    ):
        response = simulator.call("getMyPermissions", {"permissions": "BROWSE_PROJECTS", **context})
        assert (response.status, response.body["errorMessages"]) == (404, [sentence])
