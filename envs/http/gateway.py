"""Answer HTTP requests by several APIs' tables of operations over one world, without sockets or a web library.

A request is checked in this order, and refused at the first failure: credentials, size, route, body, arguments,
operation.
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
"""Largest request body in bytes, by default."""
DEEPEST = 100
"""Deepest nesting of a request body."""


@dataclass(frozen=True)
class Request:
    """An HTTP request."""

    method: str
    target: str
    """Path and query, percent-encoded, or an absolute URL."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header values by lower-case name."""
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Gateway:
    """Routes HTTP requests to the operations of several APIs over one world, and encodes their responses."""

    def __init__(
        self,
        world: World,
        apis: Iterable[Api],
        address: str = "",
        credentials: tuple[str, str] | None = None,
        faults: Faults | None = None,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        """Set up the routes and the simulator.

        `address`, such as http://127.0.0.1:8080, is the root of the links in bodies. `credentials` are (user, token);
        user "" accepts any user.
        """
        operations = [operation for api in apis for operation in api.operations]
        self._routes = Routes(operations)
        # Requests are routed to operations directly; only faults look them up by name.
        table = {operation.name: operation for operation in operations}
        self._simulator = Simulator(replace(world, site=address) if address else world, table, faults)
        self._credentials = credentials
        self.body_limit = body_limit

    @property
    def world(self) -> World:
        """The state after the requests so far."""
        return self._simulator.world

    def answer(self, request: Request) -> Answer:
        """Answer a request; no request raises."""
        path, _, query = origin_form(request.target).partition("?")
        return _encoded(path, self._response(request, path, query))

    def _response(self, request: Request, path: str, query: str) -> Response:
        if self._credentials and not _allowed(request.headers.get("authorization", ""), self._credentials):
            headers = (("Content-Type", "text/plain;charset=UTF-8"), ("WWW-Authenticate", 'Basic realm="site"'))
            return Response(401, refusals.UNAUTHENTICATED, headers)
        if len(request.body) > self.body_limit:
            return refusals.refusal(path, 413, f"The request body is larger than {self.body_limit} bytes.")
        # HEAD is GET without the body, which the web server drops.
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
        # Issue properties hold arbitrary JSON, in which nothing is a document.
        as_text = match.as_text and "/properties" not in match.operation.path
        try:
            if as_text and body is not ...:
                body = with_documents(body, match.operation.path)
            call_arguments = arguments(match.operation, match.path, query, body)
        except Unconvertible as error:
            return refusals.unconvertible(path, error.name, error.value)
        except NotText as error:
            return Response(400, {"errorMessages": [], "errors": {str(error): "Operation value must be a string"}})
        except WrongBody as error:
            return match.operation.reject(str(error))
        response = self._simulator.perform(match.operation, call_arguments)
        if as_text:
            site = self.world.site
            return replace(response, body=with_text(response.body, (site + JIRA_3, site + AS_TEXT[0])))
        return response


def _allowed(header: str, credentials: tuple[str, str]) -> bool:
    """Return whether a basic authorization header has the token, and the user unless that is empty."""
    user, token = credentials
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
    """Return the body as JSON, or `...` if there is none. Raises ValueError or RecursionError if it is invalid."""
    if not request.body.strip():
        return ...
    if _is_upload(request):
        return _parts(request)
    return _no_deeper(json.loads(request.body, parse_constant=_no_constant, parse_float=_finite))


def _parts(request: Request) -> dict[str, Json]:
    """Return a multipart form by part name: text, or a list of files as name, type and size. Contents are discarded."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    form: dict[str, Json] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        if part.get_filename() is not None:
            file = {"filename": part.get_filename(), "mimeType": part.get_content_type(), "size": len(content)}
            form.setdefault(str(name), []).append(file)
        else:
            form[str(name)] = content.decode("utf-8", "replace")
    return form


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    """Return the number. Raises ValueError if it overflows to infinity, which JSON cannot represent."""
    if math.isinf(number := float(text)):
        raise ValueError(f"{text} is too large")
    return number


def _no_deeper(value: Json) -> Json:
    """Return the value. Raises ValueError if it is nested more than DEEPEST levels deep."""
    level = [value]
    for _ in range(DEEPEST):
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return value
    raise ValueError("the body nests too deep")


def _encoded(path: str, response: Response) -> Answer:
    """Encode a response, with the content type that the real sites send and the Link header of a Confluence v2 list."""
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
