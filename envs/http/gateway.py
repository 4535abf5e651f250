"""Requests in, answers out: several APIs' tables of operations over one world. No sockets, no web library.

What a request goes through, each step with its own refusal: credentials, size, route, body, arguments, operation.
"""

import base64
import binascii
import hmac
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs

from envs.api.faults import Faults
from envs.api.operation import Api, Json, Response
from envs.api.simulator import Simulator
from envs.api.world import World
from envs.http import refusals
from envs.http.arguments import Unconvertible, WrongBody, arguments
from envs.http.documents import NotText, with_documents, with_text
from envs.http.routes import AS_TEXT, JIRA_3, Match, Routes, origin_form

BODY_LIMIT = 1 << 20
"""Bytes that a request body may have unless said otherwise."""
DEEPEST = 100
"""How deep a body may nest."""


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    target: str
    """Path and query, percent-encoded, or a whole address."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What it gets."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Site:
    """One state behind the routes of all APIs; `world` is what it is now."""

    def __init__(
        self,
        world: World,
        apis: Iterable[Api],
        address: str = "",
        credentials: tuple[str, str] | None = None,
        faults: Faults | None = None,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        """`address`, such as http://127.0.0.1:8080, is where links in bodies lead; `credentials` are user and token,
        the user "" for any.
        """
        operations = [operation for api in apis for operation in api.operations]
        self._routes = Routes(operations)
        # Requests come with their operation; it is faults that name some.
        table = {operation.name: operation for operation in operations}
        self._simulator = Simulator(replace(world, site=address) if address else world, table, faults)
        self._credentials = credentials
        self.body_limit = body_limit

    @property
    def world(self) -> World:
        """The state after the requests so far."""
        return self._simulator.world

    def answer(self, request: Request) -> Answer:
        """Answer a request. Nothing that a client sends raises."""
        path, _, query = origin_form(request.target).partition("?")
        return _encoded(path, self._response(request, path, query))

    def _response(self, request: Request, path: str, query: str) -> Response:
        if self._credentials and not _allowed(request.headers.get("authorization", ""), *self._credentials):
            headers = (("Content-Type", "text/plain;charset=UTF-8"), ("WWW-Authenticate", 'Basic realm="site"'))
            return Response(401, refusals.UNAUTHENTICATED, headers)
        if len(request.body) > self.body_limit:
            return refusals.refusal(path, 413, f"The request body is larger than {self.body_limit} bytes.")
        # HEAD is GET without the body, which the server leaves out.
        match = self._routes.match("GET" if request.method == "HEAD" else request.method, path)
        if match is None:
            return refusals.no_endpoint(request.method, path)
        try:
            body = _parsed(request)
        except (ValueError, RecursionError):
            return refusals.refusal(path, 400, refusals.NOT_JSON)
        if _is_upload(request) and request.headers.get("x-atlassian-token") not in ("no-check", "nocheck"):
            return refusals.refusal(path, 403, refusals.XSRF)
        return self._performed(match, path, parse_qs(query, keep_blank_values=True), body)

    def _performed(self, match: Match, path: str, query: Mapping[str, list[str]], body: Json) -> Response:
        # An issue's properties are any JSON: what looks like a document there is none.
        as_text = match.as_text and "/properties" not in match.operation.path
        try:
            if as_text and body is not ...:
                body = with_documents(body, match.operation.path)
            made = arguments(match.operation, match.path, query, body)
        except Unconvertible as error:
            return refusals.unconvertible(path, error.name, error.value)
        except NotText as error:
            return Response(400, {"errorMessages": [], "errors": {str(error): "Operation value must be a string"}})
        except WrongBody as error:
            return match.operation.reject(str(error))
        response = self._simulator.perform(match.operation, made)
        if as_text:
            site = self.world.site
            return replace(response, body=with_text(response.body, (site + JIRA_3, site + AS_TEXT[0])))
        return response


def _allowed(header: str, user: str, token: str) -> bool:
    """Whether a basic authorization header holds the token, and the user if one is asked for."""
    scheme, _, encoded = header.partition(" ")
    try:
        given_user, _, given_token = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    same = hmac.compare_digest(given_token, token.encode())
    return scheme.lower() == "basic" and same and (not user or hmac.compare_digest(given_user, user.encode()))


def _is_upload(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


def _parsed(request: Request) -> Json:
    """The body as JSON, `...` for none. Raises ValueError, RecursionError."""
    if not request.body.strip():
        return ...
    if _is_upload(request):
        return _parts(request)
    return _no_deeper(json.loads(request.body, parse_constant=_no_constant, parse_float=_finite))


def _parts(request: Request) -> dict[str, Json]:
    """A form by part name: text, or of a file its name, type and size; its content is not kept."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    made: dict[str, Json] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        if part.get_filename() is not None:
            about = {"filename": part.get_filename(), "mimeType": part.get_content_type(), "size": len(content)}
            made.setdefault(str(name), []).append(about)
        else:
            made[str(name)] = content.decode("utf-8", "replace")
    return made


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    """A number that JSON can be written with again. Raises ValueError for one that is too large."""
    if math.isinf(number := float(text)):
        raise ValueError(f"{text} is too large")
    return number


def _no_deeper(value: Json) -> Json:
    """The value, if it nests no deeper than can be handled. Raises ValueError."""
    level = [value]
    for _ in range(DEEPEST):
        inner = [list(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [one for values in inner for one in values]
        if not level:
            return value
    raise ValueError("the body nests too deep")


def _encoded(path: str, response: Response) -> Answer:
    """An answer with its headers: the type the sites send, and the link to the next page that a v2 list has."""
    headers = dict(response.headers)
    if isinstance(response.body, dict) and path.startswith("/wiki/api/v2"):
        links = response.body.get("_links")
        if isinstance(links, dict) and "next" in links:
            headers["Link"] = f'<{links["next"]}>; rel="next"'
    if response.body is None:
        return Answer(response.status, tuple(headers.items()), b"")
    plain = headers.get("Content-Type", "").startswith("text/plain")
    headers.setdefault("Content-Type", "application/json;charset=UTF-8")
    body = str(response.body) if plain else json.dumps(response.body)
    return Answer(response.status, tuple(headers.items()), body.encode())
