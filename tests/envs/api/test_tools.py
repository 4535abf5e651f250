"""Tools: their schemas accept the oracle's calls, and views keep only the declared paths."""

import json

import pytest

import envs
from envs.api.operation import Response
from envs.api.tools import render
from envs.confluence import CONFLUENCE
from envs.jira import JIRA

OPERATIONS = {**JIRA.by_name(), **CONFLUENCE.by_name()}


@pytest.mark.parametrize("detail", ["compact", "full"])
@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_tool_schemas__are_valid_and_accept_the_oracle(scenario, detail):
    jsonschema = pytest.importorskip("jsonschema")
    task = envs.SCENARIOS[scenario].sample(3, "train")
    schemas = {
        schema["function"]["name"]: schema["function"]["parameters"]
        for schema in envs.tool_schemas(task, detail=detail)
    }
    assert tuple(schemas) == task.tools
    for call in task.oracle:
        jsonschema.Draft202012Validator.check_schema(schemas[call.name])
        jsonschema.validate(json.loads(json.dumps(call.arguments)), schemas[call.name])


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_tool_schemas__compact_is_much_shorter_and_full_describes(scenario):
    task = envs.SCENARIOS[scenario].sample(0, "train")
    compact, full = (envs.tool_schemas(task, detail=detail) for detail in ("compact", "full"))
    assert len(json.dumps(compact)) < 0.9 * len(json.dumps(full))
    assert all(schema["function"]["description"] for schema in full)


@pytest.mark.parametrize(
    ("operation", "response", "text"),
    [
        ("doTransition", Response(204), '{"status": 204}'),
        ("createIssue", Response(201, {"id": "1", "key": "A-1", "self": "https://x"}), '{"id": "1", "key": "A-1"}'),
        (
            "getTransitions",
            Response(
                200, {"expand": "", "transitions": [{"id": "31", "name": "Go", "to": {"name": "In review", "id": "7"}}]}
            ),
            '{"transitions": [{"to": {"name": "In review"}, "id": "31"}]}',
        ),
        ("getPages", Response(200, {"results": [], "_links": {}}), '{"results": []}'),
        (
            "createIssue",
            Response(400, {"errorMessages": [], "errors": {"project": "Specify a valid project ID or key"}}),
            '{"status": 400, "errors": {"project": "Specify a valid project ID or key"}}',
        ),
        (
            "getIssue",
            Response(404, {"errorMessages": ["Nö"], "errors": {}}),
            '{"status": 404, "errorMessages": ["Nö"]}',
        ),
    ],
)
def test_render__compact_text_is_exactly_this(operation, response, text):
    assert render(OPERATIONS[operation], response, "compact") == text


def test_render__full_is_the_whole_body():
    body = {"id": "1", "key": "A-1", "self": "https://x"}
    assert json.loads(render(OPERATIONS["createIssue"], Response(201, body), "full")) == body
    refused = {"errorMessages": [], "errors": {"project": "no"}}
    assert json.loads(render(OPERATIONS["createIssue"], Response(400, refused), "full")) == {"status": 400, **refused}


def test_showing__changes_the_compact_form_of_one_operation_alone():
    changed = JIRA.showing("getProject", {"projectIdOrKey": {"type": "string", "title": "x"}}, ("key",))
    before, after = JIRA.by_name(), changed.by_name()
    assert list(after) == list(before)
    assert [name for name in before if after[name] != before[name]] == ["getProject"]
    assert after["getProject"].schema() == before["getProject"].schema()
    assert after["getProject"].schema(compact=True)["properties"]["projectIdOrKey"]["title"] == "x"
    body = {"key": "AB", "name": "Alpha"}
    assert json.loads(render(after["getProject"], Response(200, body), "compact")) == {"key": "AB"}
    assert json.loads(render(after["getProject"], Response(200, body), "full")) == body
    with pytest.raises(KeyError, match="noSuchThing"):
        JIRA.showing("noSuchThing", {})
