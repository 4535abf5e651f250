"""The ASGI application that serves a gateway."""

from starlette.datastructures import Headers
from starlette.responses import Response as Sent
from starlette.types import ASGIApp, Receive, Scope, Send

from envs.http.gateway import Gateway, Request


def app(gateway: Gateway) -> ASGIApp:
    """Return the ASGI application of a gateway. It answers requests one at a time, each completely."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        target = scope.get("raw_path") or scope["path"].encode()
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        headers = {name.lower(): value for name, value in Headers(scope=scope).items()}
        body = await _body(receive, gateway.body_limit)
        answer = gateway.answer(Request(scope["method"], target.decode("latin-1"), headers, body))
        sent = Sent(answer.body, answer.status)
        # Replace Starlette's content type, which includes its own choice of character set.
        sent.raw_headers = [(n, v) for n, v in sent.raw_headers if n != b"content-type"]
        sent.raw_headers += [(n.lower().encode(), v.encode("latin-1", "replace")) for n, v in answer.headers]
        await sent(scope, receive, send)

    return application


async def _body(receive: Receive, limit: int) -> bytes:
    """Read the request's body; if it exceeds the limit, stop soon after that is certain."""
    body = b""
    while len(body) <= limit:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    return body
