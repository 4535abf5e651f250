"""Normal forms of Confluence's records: pages, comments, content properties, attachments and spaces that mean the same.

Not counted: ids of the records themselves, times, messages of versions, versions of pages (one written in two steps is
the same page), and the position of a page among its siblings, of which a move may rewrite several although their order
stays the same. Texts count by what they display, whichever their representation; null, an empty text or list and an
absent field are equal.
"""

import json
from collections.abc import Mapping

from envs.api.atlassian_document import displayed
from envs.api.operation import Json, NormalForm
from envs.api.world import Record, World
from envs.confluence import storage_format, wiki_markup

_BOOKKEEPING = {"id", "history", "message", "position", "createdAt", "updatedAt"}
_EMPTY: tuple[Json, ...] = (None, "", [], {})


def _counted(record: Record) -> Record:
    return {name: value for name, value in record.items() if name not in _BOOKKEEPING and value not in _EMPTY}


def _text(site: World, body: Json) -> Json:
    """Return the blocks that a body displays; one that cannot be read counts as it is."""
    value = body.get("value") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(value, str):
        return body
    representation = body.get("representation")
    if representation == "atlas_doc_format":
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            return body
    elif representation in ("storage", "wiki"):
        document = (storage_format if representation == "storage" else wiki_markup).document(value)
    else:
        return body
    return displayed(document, site.tables.get("users", {}))


def _labels(labels: Json) -> list[list[str]]:
    pairs = {(str(label.get("prefix")), str(label.get("name"))) for label in labels if isinstance(label, dict)}
    return [list(pair) for pair in sorted(pairs)]


def page(site: World, record: Record) -> Record:
    """Return a page's space, parent, title and status, its text, and its labels as a set."""
    form = _counted({**record, "body": _text(site, record.get("body")), "version": None})
    if isinstance(form.get("title"), str):
        form["title"] = " ".join(form["title"].split())
    if isinstance(form.get("labels"), list):
        form["labels"] = _labels(form["labels"])
    return form


def comment(site: World, record: Record) -> Record:
    """Return a comment's page, kind, text, version and selection, and the comment that it answers."""
    return _counted({**record, "body": _text(site, record.get("body"))})


def content_property(site: World, record: Record) -> Record:
    """Return a property's page, key, version and value, of which nothing is left out."""
    return {**_counted(record), "value": record.get("value")}


def plain(site: World, record: Record) -> Record:
    """Return the fields of a space or an attachment that count."""
    return _counted(record)


NORMAL_FORMS: Mapping[str, NormalForm] = {
    "pages": page,
    "comments": comment,
    "properties": content_property,
    "attachments": plain,
    "spaces": plain,
}
