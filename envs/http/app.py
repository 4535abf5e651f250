"""A site as an ASGI application."""

from starlette.datastructures import Headers
from starlette.responses import Response as Sent
from starlette.types import ASGIApp, Receive, Scope, Send

from envs.http.gateway import Request, Site


def app(site: Site) -> ASGIApp:
    """The application. Requests are answered one after the other, each as a whole."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        target = scope.get("raw_path") or scope["path"].encode()
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        headers = {name.lower(): value for name, value in Headers(scope=scope).items()}
        body = await _body(receive, site.body_limit)
        made = site.answer(Request(scope["method"], target.decode("latin-1"), headers, body))
        sent = Sent(made.body, made.status)
        # Starlette would add a character set of its own; none of the real answers has one in other words.
        sent.raw_headers = [(n, v) for n, v in sent.raw_headers if n != b"content-type"]
        sent.raw_headers += [(n.lower().encode(), v.encode("latin-1", "replace")) for n, v in made.headers]
        await sent(scope, receive, send)

    return answer


async def _body(receive: Receive, limit: int) -> bytes:
    """The request's body; of one that is too large, only enough to see that it is."""
    body = b""
    while len(body) <= limit:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    return body
