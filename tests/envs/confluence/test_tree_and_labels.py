"""Moves, deletions, labels and versions: what they change, and what they do not."""

import pytest

from tests.envs.confluence.site import HOME, TEXT, A, B, site


@pytest.fixture
def tree():
    """Return a site with the pages Handbook > one > two > three, by name."""
    simulator, ids = site(), {"handbook": B, "home": HOME}
    for name, parent in (("one", "handbook"), ("two", "one"), ("three", "two")):
        page = {"spaceId": A, "parentId": ids[parent], "title": name, "body": TEXT}
        ids[name] = simulator.call("createPage", page).body["id"]
    return simulator, ids


def titles(simulator, operation, page, **more):
    return [
        result.get("title", result["id"]) for result in simulator.call(operation, {"id": page, **more}).body["results"]
    ]


def move(simulator, page, position, target):
    return simulator.call("movePage", {"pageId": page, "position": position, "targetId": target})


def test_tree__is_listed_from_the_top(tree):
    simulator, ids = tree
    assert titles(simulator, "getPageAncestors", ids["three"]) == [HOME, B, ids["one"], ids["two"]]
    assert titles(simulator, "getPageDescendants", B) == ["one", "two"]
    assert titles(simulator, "getPageDescendants", B, depth=3) == ["one", "two", "three"]
    assert titles(simulator, "getPageDirectChildren", B) == titles(simulator, "getChildPages", B) == ["one"]


def test_move_page__takes_what_is_under_it_along(tree):
    simulator, ids = tree
    assert move(simulator, ids["two"], "append", HOME).status == 200
    assert titles(simulator, "getPageAncestors", ids["three"]) == [HOME, ids["two"]]
    assert simulator.call("getPageById", {"id": ids["two"]}).body["version"]["number"] == 1


@pytest.mark.parametrize(("position", "order"), [("before", ["two", "one"]), ("after", ["one", "two"])])
def test_move_page__beside_another_gives_the_order(tree, position, order):
    simulator, ids = tree
    move(simulator, ids["two"], position, ids["one"])
    assert titles(simulator, "getChildPages", B) == order
    move(simulator, ids["three"], "before", ids[order[1]])
    assert titles(simulator, "getChildPages", B) == [order[0], "three", order[1]]


@pytest.mark.parametrize("target", ["one", "two", "three"])
def test_move_page__never_under_itself(tree, target):
    simulator, ids = tree
    before = simulator.world.digest()
    assert move(simulator, ids["one"], "append", ids[target]).status == 400
    update = {"id": ids["one"], "status": "current", "title": "one", "body": TEXT, "version": {"number": 2}}
    assert simulator.call("updatePage", update | {"parentId": ids[target]}).status == 400
    assert simulator.world.digest() == before


def test_move_page__not_into_another_space_nor_beside_a_homepage(tree):
    simulator, ids = tree
    assert move(simulator, ids["one"], "append", "222227").status == 400
    assert move(simulator, ids["one"], "after", HOME).status == 400


def test_delete_page__goes_to_the_trash_and_what_was_under_it_moves_up(tree):
    simulator, ids = tree
    assert simulator.call("deletePage", {"id": ids["one"]}).status == 204
    assert titles(simulator, "getChildPages", B) == ["two"]
    assert simulator.call("getPageById", {"id": ids["one"]}).status == 404
    trashed = simulator.call("getPageById", {"id": ids["one"], "status": ["trashed"]})
    assert trashed.body["status"] == "trashed"
    assert [p["title"] for p in simulator.call("getPages", {"status": ["trashed"]}).body["results"]] == ["one"]
    assert simulator.call("createPage", {"spaceId": A, "title": "one", "body": TEXT}).status == 200
    restore = {"id": ids["one"], "status": "current", "title": "uno", "body": TEXT, "version": {"number": 2}}
    assert simulator.call("updatePage", restore).body["status"] == "current"


def test_update_page__counts_writes_and_keeps_what_was(tree):
    simulator, ids = tree
    update = {"id": ids["one"], "status": "current", "title": "uno", "body": {**TEXT, "value": "<p>New</p>"}}
    written = simulator.call("updatePage", update | {"version": {"number": 2, "message": "why"}}).body
    assert (written["version"]["number"], written["version"]["message"], written["parentId"]) == (2, "why", B)
    old = simulator.call("getPageById", {"id": ids["one"], "version": 1, "body-format": "storage"}).body
    assert (old["title"], old["body"]["storage"], old["status"]) == ("one", TEXT, "historical")
    versions = simulator.call("getPageVersions", {"id": ids["one"]}).body["results"]
    assert [version["number"] for version in versions] == [2, 1]
    details = simulator.call("getPageVersionDetails", {"page-id": ids["one"], "version-number": "1"}).body
    assert details["nextVersion"] == 2 and "prevVersion" not in details


@pytest.mark.parametrize("missing", ["status", "title", "body", "version"])
def test_update_page__needs_all_of_its_parts(tree, missing):
    simulator, ids = tree
    update = {"id": ids["one"], "status": "current", "title": "uno", "body": TEXT, "version": {"number": 2}}
    refused = simulator.call("updatePage", {name: value for name, value in update.items() if name != missing})
    assert refused.status == 400 and missing in refused.body["errors"][0]["title"]


def label(simulator, page, *names):
    labels = [{"prefix": "global", "name": name} for name in names]
    return [
        result["name"]
        for result in simulator.call("addLabelsToContent", {"id": page, "labels": labels}).body["results"]
    ]


def test_labels__are_a_lower_case_set_without_versions(tree):
    simulator, ids = tree
    assert label(simulator, ids["one"], "Red", "blue", "red") == ["blue", "red"]
    before = simulator.world.digest()
    assert label(simulator, ids["one"], "blue") == ["blue", "red"]
    assert simulator.world.digest() == before
    assert simulator.call("getPageById", {"id": ids["one"]}).body["version"]["number"] == 1


def test_labels__have_one_id_on_all_pages(tree):
    simulator, ids = tree
    for page in ("one", "two"):
        label(simulator, ids[page], "red")
    (result,) = simulator.call("getPageLabels", {"id": ids["one"]}).body["results"]
    assert titles(simulator, "getLabelPages", result["id"]) == ["one", "two"]
    simulator.call("removeLabelFromContentUsingQueryParameter", {"id": ids["one"], "name": "RED"})
    assert titles(simulator, "getLabelPages", result["id"]) == ["two"]


@pytest.mark.parametrize(
    "wrong", [{"name": "x"}, {"prefix": "global", "name": "a b"}, {"prefix": "colour", "name": "x"}, "x", 3]
)
def test_labels__of_the_wrong_shape_change_nothing(tree, wrong):
    simulator, ids = tree
    before = simulator.world.digest()
    refused = simulator.call("addLabelsToContent", {"id": ids["one"], "labels": [wrong]})
    assert refused.status == refused.body["statusCode"] == 400 and simulator.world.digest() == before


def test_lists__a_cursor_leads_through_all(tree):
    simulator, _ = tree
    page_ids, cursor = [], {}
    while True:
        answer = simulator.call("getPages", {"limit": 2, **cursor}).body
        page_ids += [page["id"] for page in answer["results"]]
        if "next" not in answer["_links"]:
            break
        cursor = {"cursor": answer["_links"]["next"].partition("cursor=")[2]}
    assert page_ids == list(simulator.world.table("pages"))
