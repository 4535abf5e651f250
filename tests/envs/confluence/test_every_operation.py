"""One walk through all operations of Confluence; every response fits the official document, without undeclared keys."""

import pytest

from envs.api.simulator import Simulator
from envs.confluence import CONFLUENCE
from tests.envs.confluence.site import TEXT, A, B, site
from tests.envs.test_official_documents import SPECS, check

# (operation, arguments, status); {x} stands for the id that an earlier call gave under that name.
WALK = [
    ("getSpaces", {}, 200, ""),
    ("getSpaces", {"limit": 1}, 200, ""),
    ("getSpaceById", {"id": A}, 200, ""),
    ("getSpaceById", {"id": "9"}, 404, ""),
    ("getSpaceById", {"id": "x"}, 400, ""),
    ("createSpace", {"name": "Third", "key": "TH"}, 201, "space"),
    ("createSpace", {"name": "Third", "key": "TH"}, 400, ""),
    ("createSpace", {"key": "TH"}, 400, ""),
    ("getPages", {"space-id": [A], "sort": "-title", "body-format": "storage"}, 200, ""),
    ("getPages", {"cursor": "nonsense"}, 400, ""),
    ("createPage", {"spaceId": A, "title": "One", "body": TEXT}, 200, "one"),
    ("createPage", {"spaceId": A, "title": "Two", "parentId": "{one}", "body": {"storage": TEXT}}, 200, "two"),
    ("createPage", {"spaceId": A, "title": "Top", "root-level": True}, 200, "top"),
    ("getPageById", {"id": "{one}", "body-format": "storage", "include-labels": True}, 200, ""),
    (
        "updatePage",
        {"id": "{one}", "status": "current", "title": "Uno", "body": TEXT, "version": {"number": 2}},
        200,
        "",
    ),
    ("updatePage", {"id": "{one}", "status": "current", "title": "Uno", "body": TEXT}, 400, ""),
    ("getPageById", {"id": "{one}", "version": 1}, 200, ""),
    ("getPageById", {"id": "{one}", "version": 9}, 404, ""),
    ("updatePageTitle", {"id": "{one}", "status": "current", "title": "One"}, 200, ""),
    ("updatePageTitle", {"id": "{one}", "status": "current", "title": "Two"}, 400, ""),
    ("getChildPages", {"id": "{one}"}, 200, ""),
    ("getPageDirectChildren", {"id": "{one}"}, 200, ""),
    ("getPageDescendants", {"id": "{one}", "depth": 3}, 200, ""),
    ("getPageAncestors", {"id": "{two}"}, 200, ""),
    ("getPageAncestors", {"id": "9"}, 404, ""),
    ("movePage", {"pageId": "{two}", "position": "after", "targetId": "{one}"}, 200, ""),
    ("movePage", {"pageId": "{two}", "position": "append", "targetId": "9"}, 404, ""),
    ("movePage", {"pageId": "{two}", "position": "inside", "targetId": "{one}"}, 400, ""),
    ("addLabelsToContent", {"id": "{one}", "labels": [{"prefix": "global", "name": "Blue"}]}, 200, ""),
    ("addLabelsToContent", {"id": "{one}", "labels": {"prefix": "my", "name": "red"}}, 200, ""),
    ("addLabelsToContent", {"id": "{one}", "labels": []}, 400, ""),
    ("addLabelsToContent", {"id": "9", "labels": [{"prefix": "global", "name": "x"}]}, 404, ""),
    ("getPageLabels", {"id": "{one}", "prefix": "global"}, 200, "label"),
    ("getLabelPages", {"id": "{label}"}, 200, ""),
    ("getLabelPages", {"id": "1"}, 404, ""),
    ("removeLabelFromContent", {"id": "{one}", "label": "blue"}, 204, ""),
    ("removeLabelFromContent", {"id": "{one}", "label": "blue"}, 404, ""),
    ("removeLabelFromContent", {"id": "{one}", "label": "a/b"}, 400, ""),
    ("removeLabelFromContentUsingQueryParameter", {"id": "{one}", "name": "red"}, 204, ""),
    ("searchByCQL", {"cql": "type = page and space = AA order by title"}, 200, ""),
    ("searchByCQL", {"cql": "title ~"}, 400, ""),
    ("searchContentByCQL", {"cql": "id = {one}"}, 200, ""),
    ("searchContentByCQL", {"cql": ""}, 400, ""),
    ("getCurrentUser", {}, 200, ""),
    ("createBulkUserLookup", {"accountIds": ["5b10a2844c20165700ede21g", "x"]}, 200, ""),
    ("createBulkUserLookup", {}, 400, ""),
    ("createFooterComment", {"pageId": "{one}", "body": TEXT}, 201, "comment"),
    ("createFooterComment", {"parentCommentId": "{comment}", "body": TEXT}, 201, "answer"),
    ("createFooterComment", {"body": TEXT}, 400, ""),
    ("createFooterComment", {"pageId": "9", "body": TEXT}, 404, ""),
    ("getFooterCommentById", {"comment-id": "{comment}", "body-format": "storage"}, 200, ""),
    ("updateFooterComment", {"comment-id": "{comment}", "body": TEXT, "version": {"number": 2}}, 200, ""),
    ("getFooterCommentChildren", {"id": "{comment}", "body-format": "storage"}, 200, ""),
    ("getPageFooterComments", {"id": "{one}", "body-format": "storage"}, 200, ""),
    ("deleteFooterComment", {"comment-id": "{comment}"}, 204, ""),
    ("getFooterCommentById", {"comment-id": "{answer}"}, 404, ""),
    (
        "createInlineComment",
        {
            "pageId": "{one}",
            "body": TEXT,
            "inlineCommentProperties": {
                "textSelection": "Hi",
                "textSelectionMatchCount": 1,
                "textSelectionMatchIndex": 0,
            },
        },
        201,
        "inline",
    ),
    ("createInlineComment", {"pageId": "{one}", "body": TEXT}, 400, ""),
    ("getInlineCommentById", {"comment-id": "{inline}", "body-format": "storage"}, 200, ""),
    ("getPageInlineComments", {"id": "{one}"}, 200, ""),
    ("deleteInlineComment", {"comment-id": "{inline}"}, 204, ""),
    ("createPageProperty", {"page-id": "{one}", "key": "colour", "value": {"a": [1]}}, 200, "property"),
    ("createPageProperty", {"page-id": "{one}", "key": "colour", "value": 1}, 400, ""),
    ("getPageContentProperties", {"page-id": "{one}", "key": "colour"}, 200, ""),
    ("getPageContentPropertiesById", {"page-id": "{one}", "property-id": "{property}"}, 200, ""),
    ("getPageContentPropertiesById", {"page-id": "{one}", "property-id": "colour"}, 400, ""),
    ("getPageContentPropertiesById", {"page-id": "{two}", "property-id": "{property}"}, 404, ""),
    (
        "updatePagePropertyById",
        {"page-id": "{one}", "property-id": "{property}", "key": "colour", "value": 2, "version": {"number": 2}},
        200,
        "",
    ),
    ("deletePagePropertyById", {"page-id": "{one}", "property-id": "{property}"}, 204, ""),
    ("getPageAttachments", {"id": B}, 200, ""),
    ("getPageAttachments", {"id": B, "mediaType": "text/plain"}, 200, ""),
    ("getAttachmentById", {"id": "att77"}, 200, ""),
    ("deleteAttachment", {"id": "att77"}, 204, ""),
    ("getAttachmentById", {"id": "att77"}, 404, ""),
    ("getPageVersions", {"id": "{one}", "body-format": "storage"}, 200, ""),
    ("getPageVersionDetails", {"page-id": "{one}", "version-number": 2}, 200, ""),
    ("getPageVersionDetails", {"page-id": "{one}", "version-number": 7}, 404, ""),
    ("deletePage", {"id": "{one}"}, 204, ""),
    ("deletePage", {"id": "{one}"}, 404, ""),
    ("deletePage", {"id": "{two}", "purge": True}, 400, ""),
    ("deletePage", {"id": "{one}", "purge": True}, 204, ""),
]


def named(value, ids):
    """Return the arguments with the names of ids replaced by the ids."""
    if isinstance(value, dict):
        return {key: named(inner, ids) for key, inner in value.items()}
    if isinstance(value, str) and "{" in value:
        return value.format(**ids)
    return value


def walk(validate):
    """Make every call; pass each response to `validate(operation, status, body)`."""
    simulator, ids = site(), {}
    for name, arguments, status, keep in WALK:
        before = simulator.world.digest()
        response = simulator.call(name, named(arguments, ids))
        assert response.status == status, (name, arguments, response)
        writes = simulator.operations[name].writes and response.ok and name != "createBulkUserLookup"
        assert (simulator.world.digest() != before) == writes, name
        validate(simulator.operations[name], response.status, response.body)
        if keep:
            ids[keep] = response.body.get("id") or response.body["results"][0]["id"]
    return simulator


def test_every_operation__answers_as_expected_and_writes_only_if_it_is_a_write():
    walk(lambda operation, status, body: None)
    assert {name for name, *_ in WALK} == set(CONFLUENCE.by_name())


@pytest.mark.skipif(not SPECS.is_dir(), reason="the official documents are not at ../shared/specs")
def test_every_operation__holds_to_the_document():
    pytest.importorskip("jsonschema")
    walk(check)


def test_every_operation__the_same_bytes_twice():
    assert walk(lambda *answer: None).world == walk(lambda *answer: None).world


CONFLICTS = [
    ("updatePage", {"id": B, "status": "current", "title": "Handbook", "body": TEXT, "version": {"number": 1}}, "page"),
    ("updateFooterComment", {"comment-id": "{comment}", "body": TEXT, "version": {"number": 3}}, "comment"),
    (
        "updatePagePropertyById",
        {"page-id": B, "property-id": "{property}", "key": "k", "value": 2, "version": {"number": 1}},
        "property",
    ),
]


@pytest.mark.parametrize(("name", "arguments", "what"), CONFLICTS)
def test_update__a_version_that_is_not_the_next_is_a_conflict(name, arguments, what):
    """The document does not declare 409, but the real site sends it."""
    simulator = site()
    ids = {
        "comment": simulator.call("createFooterComment", {"pageId": B, "body": TEXT}).body["id"],
        "property": simulator.call("createPageProperty", {"page-id": B, "key": "k", "value": 1}).body["id"],
    }
    number = arguments["version"]["number"]
    refused = simulator.call(name, named(arguments, ids))
    (error,) = refused.body["errors"]
    title = f"Version must be incremented when updating a {what}. Current Version: [1]. Provided version: [{number}]"
    assert (refused.status, error["code"], error["title"]) == (409, "CONFLICT", title)


def test_find__every_id_of_the_wrong_type_or_of_nothing_is_refused():
    simulator = Simulator(site().world, CONFLUENCE.by_name())
    for operation in CONFLUENCE.operations:
        for index, parameter in enumerate(p for p in operation.parameters if p.location == "path"):
            if index == 0 and operation.path.startswith("/wiki/api/v2"):
                others = {p.name: "1" for p in operation.parameters if p.required and p.schema != {"type": "object"}}
                refused = simulator.call(operation.name, {**others, parameter.name: "x y"})
                assert refused.status in (400, 404), operation.name
