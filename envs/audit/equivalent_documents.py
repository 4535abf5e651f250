"""Documents that mean the same: Atlassian documents, and Confluence's bodies in storage format, wiki markup or JSON."""

import html
import json
import re
from collections.abc import Iterator

from envs.api.json_paths import inner_paths, inside, replaced
from envs.api.operation import Json
from envs.audit.equivalent_plans import Change, Situation
from envs.task import PlannedCall

_PARAGRAPH = re.compile(r"<p>(.*?)</p>")
KIND = "equal value"


def equal_documents(situation: Situation) -> Iterator[Change]:
    """Yield the call with each of its documents in another form."""
    call = situation.call
    for path in inner_paths(call.arguments):
        value = inside(call.arguments, path)
        forms = _documents(value, situation) if _is_document(value) else _bodies(value) if _is_body(value) else ()
        for detail, other in forms:
            written = PlannedCall(call.name, replaced(call.arguments, path, other), call.note)
            yield Change(KIND, f"{call.name} with {detail}", situation.index, (written,))


def _is_document(value: Json) -> bool:
    return isinstance(value, dict) and value.get("type") == "doc"


def _is_body(value: Json) -> bool:
    """Return whether a value is a body in storage format that consists of plain paragraphs."""
    if not isinstance(value, dict) or value.get("representation") != "storage":
        return False
    return "<" not in _PARAGRAPH.sub("", value["value"]) and not re.search(r"<p>[^<]*<(?!/p>)", value["value"])


def _documents(document: Json, situation: Situation) -> Iterator[tuple[str, Json]]:
    """Yield (form, document): equal text in other nodes, and attributes that mean nothing or are the default."""
    paths = [path for path in inner_paths(document) if isinstance(inside(document, path), dict)]
    for path in paths:
        node = inside(document, path)
        if node.get("type") == "text" and len(node["text"]) > 1:
            middle = len(node["text"]) // 2
            for detail, cut in (("a text in two nodes", middle), ("the first character apart", 1)):
                parts = [{**node, "text": part} for part in (node["text"][:cut], node["text"][cut:])]
                before = inside(document, path[:-1])
                index = int(path[-1])
                yield detail, replaced(document, path[:-1], [*before[:index], *parts, *before[index + 1 :]])
            yield "no marks", replaced(document, path, {**node, "marks": []})
        if node.get("type") == "mention":
            name = situation.world.tables.get("users", {}).get(node["attrs"]["id"], {}).get("displayName", "")
            for detail, more in (
                ("an access level", {"accessLevel": ""}),
                ("the name of the mentioned user", {"text": f"@{name}"}),
                ("a local id of the mention", {"localId": "5f2c1d7e"}),
            ):
                yield detail, replaced(document, path, {**node, "attrs": {**node["attrs"], **more}})
        if node.get("type") == "paragraph" and "attrs" not in node:
            yield "a local id", replaced(document, path, {**node, "attrs": {"localId": "5f2c1d7e"}})


def _bodies(body: Json) -> Iterator[tuple[str, Json]]:
    """Yield (form, body): the same paragraphs in other words of storage format, in wiki markup and as a document."""
    storage, paragraphs = body["value"], [html.unescape(text) for text in _PARAGRAPH.findall(body["value"])]
    with_space = next((text for text in paragraphs if " " in text), None)
    yield "a line break at the end", {**body, "value": f"{storage}\n"}
    if len(paragraphs) == 1:
        yield "bare text", {**body, "value": html.escape(paragraphs[0])}
    else:
        yield "line breaks between paragraphs", {**body, "value": storage.replace("</p><p>", "</p>\n<p>")}
    if with_space:
        entity = with_space.replace(" ", "&#32;", 1)
        yield "an entity", {**body, "value": storage.replace(with_space, entity)}
        letter = f"&#{ord(with_space[0])};{with_space[1:]}"
        yield "a letter as an entity", {**body, "value": storage.replace(with_space, letter)}
    yield "a local id", {**body, "value": storage.replace("<p>", '<p local-id="5f2c1d7e">', 1)}
    yield "wiki markup", {"representation": "wiki", "value": "\n\n".join(paragraphs)}
    nodes = [{"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in paragraphs]
    document = {"type": "doc", "version": 1, "content": nodes}
    yield "a document", {"representation": "atlas_doc_format", "value": json.dumps(document)}
    yield "the body under its format", {"storage": body}
