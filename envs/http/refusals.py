"""Error responses to requests that reach no operation: unknown path, invalid JSON, no credentials, too large.

Jira's sentences and shapes are those of the real site. Confluence's envelopes are too, but the error codes of requests
refused before they reach an operation are our own choice.
"""

from http import HTTPStatus

from envs.api.operation import Json, Response

UNAUTHENTICATED = "Client must be authenticated to access this resource."
NOT_JSON = "There was an error parsing JSON. Check that your request body is valid."
XSRF = "XSRF check failed"


def is_confluence(path: str) -> bool:
    """Return whether a path belongs to Confluence."""
    return path.startswith("/wiki/")


def refusal(path: str, status: int, sentence: str, code: str = "INVALID_REQUEST_PARAMETER") -> Response:
    """Return an error in the envelope of the API that the path belongs to."""
    reason = HTTPStatus(status).phrase
    if path.startswith("/wiki/api/v2"):
        return Response(status, {"errors": [{"status": status, "code": code, "title": sentence, "detail": None}]})
    if is_confluence(path):
        return Response(status, {"statusCode": status, "message": sentence, "reason": reason})
    return Response(status, {"errorMessages": [sentence]})


def problem(path: str, status: int, detail: str) -> Response:
    """Return an RFC 9457 problem, Jira's error for requests that reach no operation."""
    title = HTTPStatus(status).phrase
    body: Json = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": path}
    return Response(status, body, (("Content-Type", "application/problem+json;charset=UTF-8"),))


def no_endpoint(method: str, path: str) -> Response:
    """Return the error for an unknown path, or one that does not support the method."""
    if is_confluence(path):
        return refusal(path, 404, "Not Found", "NOT_FOUND")
    return problem(path, 404, f"No endpoint {method} {path}")


def unconvertible(path: str, name: str, value: str) -> Response:
    """Return the error for a path or query value of the wrong type."""
    if is_confluence(path):
        return refusal(
            path, 400, f"Provided value {{{value}}} for '{name}' is not the correct type. Expected type is long."
        )
    return problem(path, 400, f"Failed to convert '{name}' with value: '{value}'")
