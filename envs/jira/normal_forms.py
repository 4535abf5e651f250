"""Normal forms of Jira's records, equal for records that mean the same.

Null, an empty text, list or object and an absent field are equal. Not counted in any table: ids of the records
themselves and times at which they were written. Furthermore of an issue: its history, the times that transitions set,
and its key, which its project and the order of creation decide and which never changes; of a project: the number of its
next issue; of a comment and a worklog: who changed it last; of a sprint: when it was completed.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from envs.api.atlassian_document import displayed
from envs.api.operation import Json, NormalForm
from envs.api.world import Record, World
from envs.jira.dates import moment
from envs.jira.world import LINK_TYPES

_BOOKKEEPING = {"id", "key", "history", "created", "updated", "updateAuthor", "resolutiondate",
                "statuscategorychangedate"}  # fmt: skip
_EMPTY: tuple[Json, ...] = (None, "", [], {})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SETS = {"labels", "components", "fixVersions", "versions", "watchers", "voters"}
_MEANT_IF_ABSENT = {"released": False, "archived": False, "assigneeType": "PROJECT_DEFAULT"}
_PAGE_ADDRESS = re.compile(r"(?:/pages/|[?&]pageId=)(\d+)")
"""The id of a page of Confluence in an address."""


def _counted(record: Record) -> Record:
    return {name: value for name, value in record.items() if name not in _BOOKKEEPING and value not in _EMPTY}


def _field(site: World, name: str, value: Json) -> Json:
    """Return the normal form of a field of an issue."""
    if name in _SETS and isinstance(value, list):
        return sorted({str(element) for element in value})
    if isinstance(value, dict):
        if value.get("type") == "doc":
            return displayed(value, site.tables.get("users", {}))
        return _without_empty(value) if name == "timetracking" else value
    return " ".join(value.split()) if name == "summary" and isinstance(value, str) else value


def _without_empty(value: Record) -> Record:
    return {name: inner for name, inner in value.items() if inner not in _EMPTY}


def issue(site: World, record: Record) -> Record:
    """Return an issue's project, type, status, fields and so on; rich text counts by what it displays.

    An issue without a reporter or creator is the caller's.
    """
    form = _counted(record)
    fields = form.get("fields")
    if isinstance(fields, dict):
        form["fields"] = _without_empty({name: _field(site, name, value) for name, value in fields.items()})
        if form["fields"].get("reporter") == site.me:
            del form["fields"]["reporter"]
    for name in _SETS & form.keys():
        form[name] = _field(site, name, form[name])
    if form.get("creator") == site.me:
        del form["creator"]
    return form


def project(site: World, record: Record) -> Record:
    """Return a project's key, name, types, workflows and so on, but not the number of its next issue."""
    form = _counted(record) | {"key": record.get("key")}
    return {name: value for name, value in form.items() if name != "next_number"}


def comment(site: World, record: Record) -> Record:
    """Return a comment's issue, author and text, and who may see it."""
    form = {**record, "body": displayed(record.get("body"), site.tables.get("users", {}))}
    if isinstance(record.get("visibility"), dict):
        form["visibility"] = _without_empty(record["visibility"])
    return _counted(form)


def worklog(site: World, record: Record) -> Record:
    """Return a worklog's issue, author, seconds and text, and the instant of its start or that it is the call's."""
    form = _counted({**record, "comment": displayed(record.get("comment"), site.tables.get("users", {}))})
    started = record.get("started")
    at_call = _milliseconds(started) == record.get("created", "")
    return form | {"started": "at the call" if at_call else _instant(started)}


def _instant(value: Json) -> Json:
    """Return a time in UTC; a value that is none stays as it is. A time without offset is in UTC."""
    time = moment(value)
    if time is None:
        return value
    try:
        return (time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)).isoformat()
    except OverflowError:
        return value


def _milliseconds(value: Json) -> int | None:
    time = moment(_instant(value))
    return None if time is None else int((time - _EPOCH) / timedelta(milliseconds=1))


def link(site: World, record: Record) -> Record:
    """Return a link's type and ends; the ends of a type that reads the same from both have no order."""
    form = _counted(record)
    kind = LINK_TYPES.get(str(record.get("type")), {})
    if kind and kind["inward"] == kind["outward"]:
        # New ids have more digits or are larger, so that an issue of the initial site comes first.
        ends = sorted((str(form.pop(side, "")) for side in ("inward", "outward")), key=lambda end: (len(end), end))
        form["issues"] = ends
    return form


def sprint(site: World, record: Record) -> Record:
    """Return a sprint's board, name, goal and state, and the instants of its planned dates."""
    form = _counted(record)
    form.pop("completeDate", None)
    return form | {name: _instant(form[name]) for name in ("startDate", "endDate") if name in form}


def part(site: World, record: Record) -> Record:
    """Return the fields of a version, a component or an attachment that count."""
    form = _counted(record)
    return {name: value for name, value in form.items() if name not in _MEANT_IF_ABSENT or value !=
            _MEANT_IF_ABSENT[name]}  # fmt: skip


def remote_link(site: World, record: Record) -> Record:
    """Return a remote link's issue, title, relationship and target; the addresses of one page of the site are equal."""
    form = _counted(record)
    form.pop("globalId", None)
    if isinstance(form.get("object"), dict):
        form["object"] = _without_empty(form["object"])
        address = str(form["object"].get("url", ""))
        page = _PAGE_ADDRESS.search(address)
        if page and address.startswith(site.site) and page[1] in site.tables.get("pages", {}):
            form["object"]["url"] = f"page {page[1]}"
    return form


NORMAL_FORMS: Mapping[str, NormalForm] = {
    "issues": issue,
    "projects": project,
    "issue_comments": comment,
    "worklogs": worklog,
    "issue_links": link,
    "sprints": sprint,
    "versions": part,
    "components": part,
    "issue_attachments": part,
    "remote_links": remote_link,
}
