"""Requests over HTTP and direct calls are equivalent: same responses, same state."""

import base64
import json
from urllib.parse import quote, urlencode

import pytest

from envs.api.faults import Faults
from envs.api.operation import Operation
from envs.api.simulator import Simulator
from envs.confluence import CONFLUENCE
from envs.example_site import made_up_site
from envs.http import Gateway, Request
from envs.http.documents import document, text
from envs.http.routes import Routes
from envs.jira import JIRA
from envs.scenarios import SCENARIOS

APIS = (JIRA, CONFLUENCE)


def ask(gateway: Gateway, method: str, target: str, body=None, **headers):
    """Return the status and parsed body of a response."""
    sent = b"" if body is None else json.dumps(body).encode()
    answer = gateway.answer(Request(method, target, {k.replace("_", "-"): v for k, v in headers.items()}, sent))
    return answer.status, json.loads(answer.body) if answer.body[:1] in (b"{", b"[") else answer.body.decode()


def over_http(operation: Operation, arguments) -> tuple[str, dict | None]:
    """Return the target and body of the HTTP request equivalent to a direct call."""
    where = {parameter.name: parameter.location for parameter in operation.parameters}
    path = operation.path
    for name, value in arguments.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    query = {k: v for k, v in arguments.items() if where.get(k) == "query"}
    body = {k: v for k, v in arguments.items() if where.get(k) == "body"}
    if operation.whole_body:
        body = body.get(operation.whole_body)
    return f"{path}?{urlencode(query, doseq=True)}", body or None


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seed", range(3))
def test_parity__an_oracles_calls_give_the_same_answers_and_state_both_ways(scenario, seed):
    task = SCENARIOS[scenario].sample(seed, "train")
    direct, gateway = (
        Simulator(task.world, task.api.by_name(), task.faults),
        Gateway(task.world, APIS, faults=task.faults),
    )
    for call in task.oracle:
        operation = direct.operations[call.name]
        target, body = over_http(operation, call.arguments)
        response = direct.call(call.name, call.arguments)
        assert ask(gateway, operation.method, target, body) == (
            response.status,
            "" if response.body is None else response.body,
        )
        assert gateway.world == direct.world


def test_parity__every_operation_is_reached_and_answers_as_it_does_directly():
    world = made_up_site()
    issue, page = next(iter(world.tables["issues"].values())), next(iter(world.tables["pages"]))
    space = next(iter(world.tables["spaces"]))
    known = {"issueIdOrKey": issue["key"], "id": page, "page-id": page, "pageId": page, "spaceId": space}
    for api in APIS:
        for operation in api.operations:
            needed = [p for p in operation.parameters if p.location == "path"]
            arguments = {parameter.name: known.get(parameter.name, "1") for parameter in needed}
            direct, gateway = Simulator(world, api.by_name()), Gateway(world, APIS)
            response = direct.call(operation.name, arguments)
            target, body = over_http(operation, arguments)
            assert ask(gateway, operation.method, target, body) == (
                response.status,
                "" if response.body is None else response.body,
            ), operation.name
            assert gateway.world == direct.world


def test_routes__every_operations_own_path_leads_to_it():
    routes = Routes(operation for api in APIS for operation in api.operations)
    for api in APIS:
        for operation in api.operations:
            match = routes.match(operation.method, operation.path.replace("{", "").replace("}", ""))
            assert match is not None and match.operation is operation


def test_answer__unknown_paths_and_methods_are_problems():
    gateway = Gateway(made_up_site(), APIS)
    for method, path in (("GET", "/rest/api/3/nope"), ("PATCH", "/rest/api/3/issue"), ("GET", "/")):
        status, body = ask(gateway, method, path)
        assert (status, body["status"], body["detail"]) == (404, 404, f"No endpoint {method} {path}")
    assert ask(gateway, "GET", "/wiki/api/v2/nope")[1]["errors"][0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("body", [b"{", b"NaN", b"\xff", b"[" * 100_000, b"[" * 500 + b"]" * 500, b"1" * 5000])
def test_answer__a_body_that_is_no_json_is_refused_and_changes_nothing(body):
    gateway = Gateway(made_up_site(), APIS)
    before = gateway.world.copy()
    answer = gateway.answer(Request("POST", "/rest/api/3/issue", {}, body))
    assert answer.status == 400 and b"error parsing JSON" in answer.body
    assert gateway.world == before


def test_answer__a_large_body_and_missing_credentials_are_refused():
    gateway = Gateway(made_up_site(), APIS, credentials=("", "secret"), body_limit=10)
    assert ask(gateway, "GET", "/wiki/api/v2/spaces") == (401, "Client must be authenticated to access this resource.")
    wrong, right = (base64.b64encode(pair).decode() for pair in (b"me:guess", b"me:secret"))
    assert ask(gateway, "GET", "/wiki/api/v2/spaces", authorization=f"Basic {wrong}")[0] == 401
    assert ask(gateway, "GET", "/wiki/api/v2/spaces", authorization=f"Basic {right}")[0] == 200
    assert ask(gateway, "POST", "/rest/api/3/issue", {"f": "long" * 9}, authorization=f"Basic {right}")[0] == 413


def test_answer__a_value_of_the_wrong_type_is_named():
    status, body = ask(Gateway(made_up_site(), APIS), "GET", "/wiki/api/v2/pages?limit=x")
    assert status == 400
    assert body["errors"][0]["title"] == (
        "Provided value {x} for 'limit' is not the correct type. Expected type is long."
    )


def test_versions__v2_takes_and_gives_text_where_v3_has_documents():
    gateway = Gateway(made_up_site(), APIS)
    project = next(iter(gateway.world.tables["projects"].values()))["key"]
    fields = {"project": {"key": project}, "issuetype": {"name": "Task"}, "summary": "A", "description": "B\nC\n\nD"}
    status, created = ask(gateway, "POST", "/rest/api/latest/issue", {"fields": fields})
    assert status == 201 and "/rest/api/2/issue/" in created["self"]
    shown = [ask(gateway, "GET", f"/rest/api/{n}/issue/{created['key']}")[1]["fields"]["description"] for n in (2, 3)]
    assert shown == ["B\nC\n\nD", document("B\nC\n\nD")]
    fields["description"] = document("B")
    assert ask(gateway, "POST", "/rest/api/2/issue", {"fields": fields})[1]["errors"] == {
        "description": "Operation value must be a string"
    }


@pytest.mark.parametrize("words", ["", "a", "a\nb", "a\n\nb", "\n\n\na\n", "\n\n"])
def test_documents__text_comes_back_as_it_was(words):
    assert text(document(words)) == words


def test_target__may_be_a_whole_address():
    gateway = Gateway(made_up_site(), APIS)
    assert ask(gateway, "GET", "http://example.com/wiki/api/v2/spaces") == ask(gateway, "GET", "/wiki/api/v2/spaces")


def test_faults__meet_the_same_calls_directly_and_over_http_and_change_nothing():
    world, faults = made_up_site(), Faults(seed=3, limited=0.2, conflict=0.2, broken=0.2)
    key = next(iter(world.tables["issues"].values()))["key"]
    direct, gateway = Simulator(world, JIRA.by_name(), faults), Gateway(world, APIS, faults=faults)
    arguments = {"issueIdOrKey": key, "transition": {"id": "11"}}
    seen = set()
    for _ in range(40):
        before = direct.world.copy()
        response = direct.call("doTransition", arguments)
        target, body = over_http(direct.operations["doTransition"], arguments)
        assert ask(gateway, "POST", target, body)[0] == response.status
        assert response.status == 204 or direct.world == before
        assert (response.headers == (("Retry-After", "2"),)) == (response.status == 429)
        seen.add(response.status)
    assert seen == {429, 409, 500, 204, 400} and gateway.world == direct.world
