"""Every operation of both APIs, called directly and over HTTP: equal responses, equal states.

The calls are those of the two walks, which include at least one accepted call of each operation.
"""

import json
from urllib.parse import quote, urlencode

import pytest

from envs.api.operation import Api, Operation
from envs.api.simulator import Simulator
from envs.api.world import World
from envs.confluence import CONFLUENCE
from envs.http import Gateway, Request
from envs.jira import JIRA
from tests.envs.confluence import site as confluence_site
from tests.envs.confluence.test_every_operation import WALK as CONFLUENCE_WALK
from tests.envs.jira import site as jira_site
from tests.envs.jira.test_jira_operations import WALK as JIRA_WALK

WALKS = [(JIRA, JIRA_WALK, jira_site.site), (CONFLUENCE, CONFLUENCE_WALK, confluence_site.site)]
each_walk = pytest.mark.parametrize(("api", "walk", "site"), WALKS, ids=lambda value: getattr(value, "name", ""))
GONE = {"searchForIssuesUsingJql", "searchForIssuesUsingJqlPost"}
"""Operations that always fail, because the site has removed them."""
BOUNDARY = "part"


def request(operation: Operation, arguments) -> Request:
    """Return the HTTP request equivalent to a direct call; unknown arguments go into the body."""
    where = {parameter.name: parameter.location for parameter in operation.parameters}
    path = operation.path
    for name, value in arguments.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    pairs = {name: _text(value) for name, value in arguments.items() if where.get(name) == "query"}
    target = f"{path}?{urlencode(pairs, doseq=True)}" if pairs else path
    body = {name: value for name, value in arguments.items() if where.get(name, "body") == "body"}
    if operation.name == "addAttachment":
        headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "x-atlassian-token": "no-check"}
        return Request(operation.method, target, headers, _form(body["file"]))
    if operation.whole_body and body:
        body = body[operation.whole_body]
    # Clients send no body rather than an empty one.
    sent = b"" if body == {} and not operation.whole_body else json.dumps(body).encode()
    return Request(operation.method, target, {}, sent)


def _text(value):
    return str(value).lower() if isinstance(value, bool) else value


def _form(files) -> bytes:
    """Return a multipart form of files with the sizes that the call names."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{file["filename"]}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n{'x' * file['size']}\r\n"
        for file in files
    ]
    return "".join([*parts, f"--{BOUNDARY}--\r\n"]).encode()


def id_of(body):
    """Return the id in a response body."""
    if isinstance(body, list):
        return body[0]["id"]
    if "issuelinks" in body.get("fields", {}):
        return body["fields"]["issuelinks"][0]["id"]
    return body.get("id") or str((body.get("results") or body["values"])[0]["id"])


def named(value, ids):
    """Return the arguments with the names of ids replaced by the ids."""
    if isinstance(value, dict):
        return {key: named(inner, ids) for key, inner in value.items()}
    if isinstance(value, str) and any(f"{{{name}}}" in value for name in ids):
        return value.format(**ids)
    return value


@each_walk
def test_parity__each_call_of_a_walk_gives_one_answer_and_state_both_ways(api: Api, walk, site):
    world: World = site().world
    direct, served, ids = Simulator(world, api.by_name()), Gateway(world, [api]), {}
    for name, arguments, _, keep in walk:
        resolved = named(arguments, ids)
        response = direct.call(name, resolved)
        answer = served.answer(request(direct.operations[name], resolved))
        shown = json.loads(answer.body) if answer.body else None
        assert (answer.status, shown) == (response.status, response.body), (name, resolved)
        assert served.world == direct.world, name
        if keep:
            ids[keep] = id_of(response.body)


@each_walk
def test_parity__no_operation_is_without_an_accepted_call(api: Api, walk, site):
    accepted = {name for name, _, status, _ in walk if status < 400}
    assert set(api.by_name()) - accepted - GONE == set()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([{"prefix": "global", "name": "red"}, {"prefix": "my", "name": "blue"}], 200),
        ({"prefix": "global", "name": "red"}, 200),
        ({"labels": [{"prefix": "global", "name": "red"}]}, 400),
        ("red", 400),
        (None, 400),
    ],
)
def test_whole_body__labels_are_the_body_itself(body, status):
    simulator = confluence_site.site()
    gateway = Gateway(simulator.world, [CONFLUENCE])
    path = f"/wiki/rest/api/content/{confluence_site.B}/label"
    answer = gateway.answer(Request("POST", path, {}, json.dumps(body).encode()))
    assert answer.status == status
    assert (gateway.world.digest() != simulator.world.digest()) == (status == 200)
