"""An API as a model sees it: operations become tools, responses become text.

The compact view is for small models: only common arguments, no descriptions, and only the essential fields of a
response. The full view shows the whole schema and the whole body.
"""

import json
from collections.abc import Sequence
from typing import Any, Literal

from envs.api.operation import Json, Operation, Response

Detail = Literal["compact", "full"]
DETAILS: tuple[Detail, ...] = ("compact", "full")


def tool_schema(operation: Operation, detail: Detail) -> dict[str, Any]:
    """Return an operation as a function-calling schema, which chat templates take."""
    function: dict[str, Any] = {"name": operation.name}
    if detail == "full":
        function["description"] = operation.description
    function["parameters"] = operation.schema(compact=detail == "compact")
    return {"type": "function", "function": function}


def render(operation: Operation, response: Response, detail: Detail) -> str:
    """Return a response as JSON text for the model. Errors include the status; without a body it is only that."""
    body = response.body
    if body is None:
        shown: Json = {"status": response.status}
    elif not response.ok:
        shown = {"status": response.status, **({k: v for k, v in body.items() if v} if detail == "compact" else body)}
        shown |= response.headers
    elif detail == "compact" and operation.compact_body:
        shown = _keep(body, [path.split(".") for path in operation.compact_body])
    else:
        shown = body
    return json.dumps(shown, ensure_ascii=False)


def _keep(body: Json, paths: Sequence[Sequence[str]]) -> Json:
    """Return the parts of a body that lie on the paths; a path applies to each element of a list."""
    if isinstance(body, list):
        return [_keep(item, paths) for item in body]
    if not isinstance(body, dict):
        return body
    selected = {}
    for name in dict.fromkeys(path[0] for path in paths):
        rest = [path[1:] for path in paths if path[0] == name and len(path) > 1]
        if name in body:
            selected[name] = _keep(body[name], rest) if rest else body[name]
    return selected
