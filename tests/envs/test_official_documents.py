"""Every answer against Atlassian's own OpenAPI documents, closed-world: a key that the document does not declare fails.

The documents are not part of the project; without them these tests skip.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import envs
from envs.api.operation import Operation
from envs.api.simulator import Simulator
from envs.confluence import CONFLUENCE
from envs.jira import JIRA

jsonschema = pytest.importorskip("jsonschema")
SPECS = Path(__file__).parents[3] / "shared" / "specs"
DOCUMENTS = {
    "jira": ("jira-v3.subset.json", ""),
    "confluence": ("confluence-v2.subset.json", "/wiki/api/v2"),
    "confluence-v1": ("confluence-v1.subset.json", ""),
    "agile": ("jira-agile.subset.json", ""),
}
APIS = {"jira": JIRA, "confluence": CONFLUENCE}
# Operations of the published reference that the documents, which are cuts of it, do not have: what each answers with.
OUTSIDE = {
    "getAllPermissions": "Permissions",
    "getPriority": "Priority",
    "getResolution": "Resolution",
    "getStatus": "StatusDetails",
    "getStatusCategories": "array of StatusCategory",
    "getStatusCategory": "StatusCategory",
    "getIssueType": "IssueTypeDetails",
    "getIssueLinkType": "IssueLinkType",
    "getComponent": "ProjectComponent",
    "updateComponent": "ProjectComponent",
    "getVersion": "Version",
}
# Keys that the site sends although the document does not declare them.
UNDECLARED = {"SpaceBulk": {"currentActiveAlias"}, "SpaceSingle": {"currentActiveAlias"}}
# Words that are sent although the document's list has others: it has ~= for the operator !~.
UNLISTED = {("FieldValueClause", "operator"): "!~"}
# Statuses that are sent all the same: a query parameter of the wrong type is refused before the operation is reached.
SENT_ALL_THE_SAME = {("getIssue", 400)}
# Keys that may be null although the document says otherwise.
NULLABLE = {"parentId", "parentType", "from", "fromString", "to", "toString"}

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the official documents are not at ../shared/specs")


@cache
def document(api: str) -> dict[str, Any]:
    return json.loads((SPECS / DOCUMENTS[api][0]).read_text(encoding="utf-8"))


def book(operation: Operation) -> str:
    """Return the name of the document that has the operation."""
    if operation.path.startswith("/rest/agile/"):
        return "agile"
    return "confluence-v1" if operation.path.startswith("/wiki/rest/api/") else operation.api


def official(operation: Operation) -> dict[str, Any]:
    """Return the document's entry for an operation; for one in OUTSIDE, an entry with the schema it returns."""
    if operation.name in OUTSIDE:
        name = OUTSIDE[operation.name].removeprefix("array of ")
        shown: dict[str, Any] = {"$ref": f"#/components/schemas/{name}"}
        shown = shown if name == OUTSIDE[operation.name] else {"type": "array", "items": shown}
        ok = {"content": {"application/json": {"schema": shown}}}
        refused = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorCollection"}}}}
        return {"operationId": operation.name, "responses": {"200": ok, "400": refused, "404": refused}}
    path = operation.path.removeprefix(DOCUMENTS[book(operation)][1])
    return document(book(operation))["paths"][path][operation.method.lower()]


def closed(api: str, schema: Any) -> Any:
    """Return a schema with references resolved and nullables honoured that allows no undeclared keys."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        inner = closed(api, document(api)["components"]["schemas"][name])
        for field, word in ((field, word) for (owner, field), word in UNLISTED.items() if owner == name):
            listed = inner["properties"][field]
            inner["properties"][field] = {**listed, "enum": [*listed["enum"], word]}
        extra = UNDECLARED.get(name, set()) if isinstance(inner, dict) else set()
        return {**inner, "properties": inner.get("properties", {}) | {key: {} for key in extra}} if extra else inner
    parts = [closed(api, part) for part in schema.get("allOf", [])]
    result: dict[str, Any] = {key: schema[key] for key in ("type", "enum", "required") if key in schema}
    properties: dict[str, Any] = {}
    for part in parts:
        result |= {key: value for key, value in part.items() if key != "properties"}
        for name, inner in part.get("properties", {}).items():
            properties[name] = (
                {**inner, "properties": properties.get(name, {}).get("properties", {}) | inner["properties"]}
                if "properties" in inner
                else inner
            )
    for name, inner in schema.get("properties", {}).items():
        made_inner = lazily(api, inner)
        if name in NULLABLE or inner.get("nullable"):
            made_inner = {"anyOf": [made_inner, {"type": "null"}]}
        properties[name] = made_inner
    if properties:
        result |= {"properties": properties, "additionalProperties": False}
    elif "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict):
        result["additionalProperties"] = closed(api, schema["additionalProperties"])
    if "anyOf" in schema:
        result["anyOf"] = [lazily(api, option) for option in schema["anyOf"]]
    if "items" in schema:
        result["items"] = lazily(api, schema["items"])
    return result


_DEPTH: list[str] = []


def lazily(api: str, schema: Any) -> Any:
    """Return `closed`(schema), but leave a schema that contains itself open at the second level."""
    name = schema.get("$ref", "")
    if name in _DEPTH:
        return {}
    _DEPTH.append(name or f"anonymous {len(_DEPTH)}")
    try:
        return closed(api, schema)
    finally:
        _DEPTH.pop()


def test_operations__names_methods_paths_and_parameters_are_official():
    for api in APIS.values():
        for operation in api.operations:
            entry = official(operation)
            if operation.name in OUTSIDE:
                known = document(book(operation))["paths"].get(operation.path, {})
                assert operation.method.lower() not in known, f"{operation.name} is not outside"
                continue
            assert entry["operationId"] == operation.name
            declared = {
                (p["name"], p["in"], p.get("required", False)) for p in entry.get("parameters", []) if "name" in p
            }
            ours = {(p.name, p.location, p.required) for p in operation.parameters if p.location != "body"}
            assert ours <= declared, operation.name


def check(operation: Operation, status: int, body: Any) -> None:
    """Fail unless the document declares the status and the body fits the declared schema, if there is one."""
    entry = official(operation)["responses"]
    if (operation.name, status) in SENT_ALL_THE_SAME:
        return
    assert str(status) in entry, f"{operation.name} answers {status}, which is not declared"
    content = entry[str(status)].get("content", {}).get("application/json", {}).get("schema")
    if body is None:
        assert not content, f"{operation.name} {status} should have a body"
    elif content:
        jsonschema.Draft202012Validator(closed(book(operation), content)).validate(body)


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_answers__of_oracles_and_further_reads_hold_to_the_document(scenario):
    seen = set()
    for seed in range(3):
        task = envs.SCENARIOS[scenario].sample(seed, "train")
        simulator = Simulator(task.world, task.api.by_name(), task.faults)
        planned = [(call.name, call.arguments, call.fails) for call in task.oracle]
        for name, arguments, fails in [*planned, *((*read, False) for read in reads(task))]:
            response = simulator.call(name, arguments)
            assert response.ok is not fails, (name, response)
            if not response.cause:  # what a task's fault answers is not in the documents
                check(simulator.operations[name], response.status, response.body)
            seen.add(name)
    assert seen >= {call.name for call in task.oracle}


def reads(task: envs.Task) -> list[tuple[str, dict[str, Any]]]:
    """Return reads that the oracle does not make."""
    if task.api.name == "jira":
        return [("getIssue", {"issueIdOrKey": issue["key"]}) for issue in task.world.tables["issues"].values()]
    return [("getPageById", {"id": page, "body-format": "storage"}) for page in task.world.tables["pages"]]


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_refusals__have_declared_statuses_and_bodies(scenario):
    task = envs.SCENARIOS[scenario].sample(0, "train")
    simulator = Simulator(task.world, task.api.by_name())
    refused = 0
    for name in task.tools:
        for arguments in ({}, {"issueIdOrKey": "X-1"}, {"spaceId": "1", "title": "A"}, {"fields": {"summary": 3}}):
            if any(p.location == "query" and p.name in arguments for p in simulator.operations[name].parameters):
                continue  # no object fits into a query, and what a document does not foresee it does not declare
            response = simulator.call(name, arguments)
            if not response.ok:
                check(simulator.operations[name], response.status, response.body)
                refused += 1
    assert refused


# The document leaves an issue's fields open; these components say what they hold.
FIELDS = {"issuetype": "IssueTypeDetails", "priority": "Priority", "status": "StatusDetails"}


def test_get_issue__fields_are_the_documents_components():
    task = envs.SCENARIOS["jira_transition_ticket"].sample(0, "train")
    simulator = Simulator(task.world, task.api.by_name())
    fields = simulator.call("getIssue", task.oracle[0].arguments).body["fields"]
    for name, component in FIELDS.items():
        if component in document("jira")["components"]["schemas"]:
            schema = closed("jira", {"$ref": f"#/components/schemas/{component}"})
            jsonschema.Draft202012Validator(schema).validate(fields[name])
    assert set(FIELDS.values()) & set(document("jira")["components"]["schemas"])


def test_closed__rejects_an_undeclared_key_at_any_depth():
    task = envs.SCENARIOS["confluence_create_page"].sample(0, "train")
    simulator = Simulator(task.world, task.api.by_name())
    page = simulator.call("getPageById", {"id": task.oracle[-1].arguments["parentId"], "body-format": "storage"}).body
    operation = simulator.operations["getPageById"]
    check(operation, 200, page)
    spoiled = [
        page | {"colour": "red"},
        page | {"version": page["version"] | {"colour": "red"}},
        page | {"_links": page["_links"] | {"colour": "red"}},
        page | {"body": {"storage": page["body"]["storage"] | {"colour": "red"}}},
        page | {"status": "new"},
        page | {"title": None},
    ]
    for body in spoiled:
        with pytest.raises(jsonschema.ValidationError):
            check(operation, 200, body)
    with pytest.raises(jsonschema.ValidationError):
        check(JIRA.by_name()["createIssue"], 201, {"id": "1", "key": "A-1", "colour": "red"})
