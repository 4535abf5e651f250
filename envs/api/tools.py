"""What a model sees of an API: tools instead of operations, text instead of responses.

The compact form is for small models: only the common arguments, no descriptions, and of an answer only the fields
that matter. The full form shows the operation's whole schema and the whole body.
"""

import json
from collections.abc import Sequence
from typing import Any, Literal

from envs.api.operation import Json, Operation, Response

Detail = Literal["compact", "full"]
DETAILS: tuple[Detail, ...] = ("compact", "full")


def tool_schema(operation: Operation, detail: Detail) -> dict[str, Any]:
    """The operation in the function-calling form that chat templates take."""
    function: dict[str, Any] = {"name": operation.name}
    if detail == "full":
        function["description"] = operation.description
    function["parameters"] = operation.schema(compact=detail == "compact")
    return {"type": "function", "function": function}


def render(operation: Operation, response: Response, detail: Detail) -> str:
    """An answer as JSON text for the model. Refusals carry their status; without a body it is the status alone."""
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
    """The parts of a body that lie on the paths; a list stands for each of its elements."""
    if isinstance(body, list):
        return [_keep(item, paths) for item in body]
    if not isinstance(body, dict):
        return body
    kept = {}
    for name in dict.fromkeys(path[0] for path in paths):
        rest = [path[1:] for path in paths if path[0] == name and len(path) > 1]
        if name in body:
            kept[name] = _keep(body[name], rest) if rest else body[name]
    return kept
