"""The command `envs.serve`, and requests that no client library would send."""

import base64
import http.client
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from envs.api.errors import EnvError
from envs.api.faults import Faults
from envs.serve import bind, main
from tests.envs.http.served import both_sites, served

pytest.importorskip("uvicorn", reason="serving needs the extra serve")
ISSUE = "/rest/api/3/issue/AA-1"


@pytest.fixture
def address():
    with served(both_sites(), body_limit=2000) as (address, _):
        yield address


def ask(address: str, method: str, target: str, body: bytes | None = None, **headers):
    """Send a request on a new connection; return the response's status, headers and body."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
    connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    result = answer.status, dict(answer.headers), answer.read()
    connection.close()
    return result


def test_served__a_whole_address_as_target_is_the_same_request(address):
    assert ask(address, "GET", f"{address}{ISSUE}")[2] == ask(address, "GET", ISSUE)[2]


def test_served__basic_authentication_refuses_in_text_and_names_the_way_in():
    right = base64.b64encode(b"me:secret").decode()
    with served(both_sites(), credentials=("me", "secret")) as (address, _):
        for given in ({}, {"authorization": "Basic bWU6bm8="}, {"authorization": f"Bearer {right}"}):
            status, headers, body = ask(address, "GET", ISSUE, **given)
            assert (status, body) == (401, b"Client must be authenticated to access this resource.")
            assert headers["content-type"].startswith("text/plain") and headers["www-authenticate"].startswith("Basic")
        assert ask(address, "GET", ISSUE, authorization=f"Basic {right}")[0] == 200


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "message"),
    [
        ("POST", "/rest/api/3/issue", b"x" * 2001, 413, "larger than 2000 bytes"),
        ("POST", "/rest/api/3/issue", b"{", 400, "There was an error parsing JSON."),
        ("PATCH", ISSUE, b"{}", 404, f"No endpoint PATCH {ISSUE}"),
        ("GET", "/rest/api/3/nope", None, 404, "No endpoint GET /rest/api/3/nope"),
        ("GET", f"{ISSUE}/comment?maxResults=x", None, 400, "Failed to convert 'maxResults' with value: 'x'"),
        ("GET", "/wiki/api/v2/pages?limit=x", None, 400, "Provided value {x} for 'limit' is not the correct type."),
        ("OPTIONS", ISSUE, None, 404, "No endpoint OPTIONS"),
    ],
)
def test_served__what_no_operation_can_take_is_refused_in_words(address, method, target, body, status, message):
    answer = ask(address, method, target, body)
    assert answer[0] == status and message in answer[2].decode()
    assert answer[1]["content-type"].endswith("json;charset=UTF-8") and json.loads(answer[2])
    assert ask(address, "GET", ISSUE)[0] == 200  # and it serves on


def test_served__head_has_the_answer_of_get_without_its_body(address):
    (status, headers, body), got = ask(address, "HEAD", ISSUE), ask(address, "GET", ISSUE)
    assert (status, body, headers["content-length"]) == (200, b"", str(len(got[2])))


def test_served__requests_at_the_same_time_lose_nothing():
    with served(both_sites()) as (address, site):
        new = {"project": {"key": "AA"}, "issuetype": {"name": "Task"}, "summary": "Oil the gate"}
        keys: list[str] = []

        def create() -> None:
            for _ in range(5):
                keys.append(
                    json.loads(ask(address, "POST", "/rest/api/3/issue", json.dumps({"fields": new}).encode())[2])[
                        "key"
                    ]
                )

        threads = [threading.Thread(target=create) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(keys, key=lambda key: int(key[3:])) == [f"AA-{number}" for number in range(3, 33)]
        assert {issue["key"] for issue in site.world.find("issues")} == {"AA-1", "AA-2", "BB-1", *keys}


def test_served__a_limit_says_how_long_to_wait_and_changes_nothing():
    with served(both_sites(), faults=Faults(at=((1, 429),), retry_after_s=3)) as (address, site):
        before = site.world.digest()
        status, headers, _ = ask(address, "DELETE", ISSUE)
        assert (status, headers["retry-after"], site.world.digest()) == (429, "3", before)
        assert ask(address, "DELETE", ISSUE)[0] == 204 and site.world.digest() != before


def test_bind__a_taken_port_is_one_clear_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(EnvError, match=r"cannot listen on 127\.0\.0\.1 port \d+ .*another --port"):
            bind("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "many"], "invalid int value: 'many'"),
        (["--port", "70000"], "from 0 to 65535, not 70000"),
        (["--prot", "1"], "--prot"),
        (["--user", "me"], "--token"),
        (["--limited", "2"], "probabilities"),
        (["--issues", "0"], "1 to 1000 issues"),
        (["--scenario", "nope"], "nope"),
        (["--body-limit", "-1"], "-1"),
    ],
)
def test_main__a_wrong_option_is_one_message(options, message):
    with pytest.raises(EnvError) as caught:
        main(options)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_command__a_mistake_is_one_line_and_exit_code_2():
    root = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-m", "envs.serve", "--port", "x"], cwd=root, capture_output=True, text=True)
    assert ran.returncode == 2 and ran.stderr.startswith("error: ") and ran.stderr.count("\n") == 1
