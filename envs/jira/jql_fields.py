"""The fields of JQL: an issue's values of each field, and how clauses compare them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from envs.api.world import Record, World
from envs.jira.fields import plain_text
from envs.jira.jql_tree import Jql
from envs.jira.world import CATEGORIES, RESOLUTIONS

Test = Callable[[World, Record], bool]
Words = Callable[[World, Record], list[str]]
"""(world, issue) -> the names by which a clause can match the issue's value, in lower case; empty without a value."""


class Unknown(Jql):
    """A field, function or value that does not exist."""


class UnknownValue(Unknown):
    """A value that does not exist on the site."""


def _stored(field: str, table: str) -> Words:
    """Return the ids and names of the record or records in an issue's field."""

    def words(world: World, issue: Record) -> list[str]:
        stored = issue["fields"].get(field) or []
        ids = stored if isinstance(stored, list) else [stored]
        return [word for record_id in ids for word in (record_id, world.table(table)[record_id]["name"].lower())]

    return words


def _record(name: str, table: str, *names: str) -> Words:
    return lambda world, issue: [str(world.table(table)[issue[name]][key]).lower() for key in ("id", *names)]


def _category(world: World, issue: Record) -> list[str]:
    category = CATEGORIES[world.table("statuses")[issue["status"]]["category"]]
    return [str(category["id"]), category["key"], category["name"].lower()]


def _user(name: str) -> Words:
    def words(world: World, issue: Record) -> list[str]:
        account = issue["fields"].get(name, world.me if name == "reporter" else None)
        user = world.tables.get("users", {}).get(account or "", {})
        return [account.lower(), user.get("displayName", "").lower()] if account else []

    return words


def _parent(world: World, issue: Record) -> list[str]:
    parent = world.tables.get("issues", {}).get(issue["fields"].get("parent") or "")
    return [parent["id"], parent["key"].lower()] if parent else []


def _resolution(world: World, issue: Record) -> list[str]:
    resolution = RESOLUTIONS.get(issue.get("resolution") or "")
    return [resolution["id"], resolution["name"].lower()] if resolution else []


def _sprint(world: World, issue: Record) -> list[str]:
    sprint = world.tables.get("sprints", {}).get(issue.get("sprint") or "")
    return [sprint["id"], sprint["name"].lower(), f"state:{sprint['state']}"] if sprint else []


def _written(name: str) -> Words:
    def words(world: World, issue: Record) -> list[str]:
        value = issue["fields"].get(name)
        return [] if value is None else [(value if isinstance(value, str) else plain_text(value)).lower()]

    return words


def _text(world: World, issue: Record) -> list[str]:
    comments = [plain_text(comment["body"]) for comment in world.find("issue_comments", issue=issue["id"])]
    return [*_written("summary")(world, issue), *_written("description")(world, issue), *(c.lower() for c in comments)]


EXACT: dict[str, Words] = {
    "project": _record("project", "projects", "key", "name"),
    "key": lambda world, issue: [issue["id"], issue["key"].lower()],
    "issuetype": _record("issuetype", "issuetypes", "name"),
    "status": _record("status", "statuses", "name"),
    "statuscategory": _category,
    "priority": _stored("priority", "priorities"),
    "assignee": _user("assignee"),
    "reporter": _user("reporter"),
    "labels": lambda world, issue: [label.lower() for label in issue["fields"]["labels"]],
    "component": _stored("components", "components"),
    "fixversion": _stored("fixVersions", "versions"),
    "sprint": _sprint,
    "parent": _parent,
    "resolution": _resolution,
}
TEXTS: dict[str, Words] = {"summary": _written("summary"), "description": _written("description"), "text": _text}
TIMES = ("created", "updated", "duedate")
_ALIASES = {"type": "issuetype", "issue": "key", "id": "key", "issuekey": "key", "due": "duedate", "label": "labels"}
FIELDS = frozenset((*EXACT, *TEXTS, *TIMES, *_ALIASES))
_TABLES = {
    "project": ("projects", ("id", "key", "name")),
    "issuetype": ("issuetypes", ("id", "name")),
    "status": ("statuses", ("id", "name")),
    "priority": ("priorities", ("id", "name")),
    "component": ("components", ("id", "name")),
    "fixversion": ("versions", ("id", "name")),
    "sprint": ("sprints", ("id", "name")),
}


def clause(world: World, name: str, operator: str, values: list[str]) -> Test:
    """Return the test of `name operator values`. Raises Jql with the site's sentence, Unknown for unknown names."""
    field = _ALIASES.get(name.lower(), name.lower())
    if field not in FIELDS:
        raise Unknown(f"Field '{name}' does not exist or you do not have permission to view it.")
    empty = [value for value in values if value.upper() in ("EMPTY", "NULL")]
    if empty and operator in ("=", "!=", "IS", "IS NOT"):
        has = _has(field)
        return has if operator in ("!=", "IS NOT") else lambda world, issue: not has(world, issue)
    if field in TIMES:
        return _time_test(world, field, operator, values)
    if field in TEXTS:
        if operator not in ("~", "!~"):
            raise Jql(f"The operator '{operator}' is not supported by the '{name}' field.")
        return _text_test(TEXTS[field], operator == "!~", values[0])
    if operator in ("~", "!~"):
        raise Jql(f"The operator '{operator}' is not supported by the '{name}' field.")
    if operator in ("<", ">", "<=", ">="):
        return _ranked(world, field, name, operator, values[0])
    targets = [word for value in values for word in _resolved(world, field, name, value)]
    words, negated = EXACT[field], operator in ("!=", "NOT IN")
    if field == "resolution" and "unresolved" in targets:
        return lambda world, issue: (not words(world, issue)) != negated

    def test(world: World, issue: Record) -> bool:
        issue_words = words(world, issue)
        # An issue without a value matches neither the clause nor its negation.
        return bool(issue_words) and (not any(word in targets for word in issue_words)) == negated

    return test


def _has(field: str) -> Test:
    if field in TIMES:
        return lambda world, issue: _moment(issue, field) is not None
    words = {**EXACT, **TEXTS}[field]
    return lambda world, issue: bool(words(world, issue))


def _resolved(world: World, field: str, name: str, value: str) -> list[str]:
    """Return the words that a clause's value matches. Raises Unknown if the site has no such value or function."""
    if value.endswith("()"):
        if value.lower() == "currentuser()" and field in ("assignee", "reporter"):
            return [world.me.lower()]
        if value.lower() in ("opensprints()", "futuresprints()", "closedsprints()") and field == "sprint":
            state = {"o": "active", "f": "future", "c": "closed"}[value[0].lower()]
            return [f"state:{state}"]
        raise Unknown(f"Unable to find JQL function '{value}'.")
    word = value.lower()
    if field in _TABLES:
        table, names = _TABLES[field]
        records = world.tables.get(table, {}).values()
        if not any(str(record[key]).lower() == word for record in records for key in names):
            raise UnknownValue(f"The value '{value}' does not exist for the field '{name}'.")
    if field in ("key", "parent"):
        issues = world.tables.get("issues", {}).values()
        if not any(word in (issue["key"].lower(), issue["id"]) for issue in issues):
            raise UnknownValue(f"An issue with key '{value}' does not exist for field '{name}'.")
    return [word]


def _text_test(words: Words, negated: bool, value: str) -> Test:
    """Return the test for all words of the value, each as a whole word or, if it ends with *, as a prefix of one.

    A value in quotes must occur as a phrase.
    """
    phrase = len(value) > 1 and value[0] == value[-1] == '"'
    text = value.strip('"').lower()
    parts = [text] if phrase else text.split()
    expressions = [re.escape(part.rstrip("*")) + (r"\w*" if part.endswith("*") else "") for part in parts]
    patterns = [re.compile(rf"(?<!\w){expression}(?!\w)") for expression in expressions]

    def test(world: World, issue: Record) -> bool:
        texts = words(world, issue)
        return bool(texts) and all(any(p.search(text) for text in texts) for p in patterns) != negated

    return test


def _ranked(world: World, field: str, name: str, operator: str, value: str) -> Test:
    """Return the test of an ordering operator: priorities compare by rank, the first being highest; keys by number."""
    if field == "priority":
        _resolved(world, field, name, value)
        ranks = {record["id"]: -rank for rank, record in enumerate(world.tables.get("priorities", {}).values())}
        goal = next(ranks[i] for i, p in world.table("priorities").items() if value.lower() in (i, p["name"].lower()))
        return lambda world, issue: _compared(ranks[issue["fields"]["priority"]], operator, goal)
    if field != "key":
        raise Jql(f"The operator '{operator}' is not supported by the '{name}' field.")
    project, _, number = value.upper().partition("-")
    if not number.isdecimal() or len(number) > 9:
        raise UnknownValue(f"An issue with key '{value}' does not exist for field '{name}'.")

    def test(world: World, issue: Record) -> bool:
        own_project, _, own_number = issue["key"].partition("-")
        return own_project == project and _compared(int(own_number), operator, int(number))

    return test


def _compared(value: Any, operator: str, goal: Any) -> bool:
    return {
        "=": value == goal, "!=": value != goal, "<": value < goal, ">": value > goal, "<=": value <= goal,
        ">=": value >= goal,
    }[operator]  # fmt: skip


def _moment(issue: Record, field: str) -> int | None:
    if field != "duedate":
        return issue[field]
    due = issue["fields"].get("duedate")
    return None if due is None else _day(due)


def _day(text: str) -> int | None:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None


def _time_test(world: World, field: str, operator: str, values: list[str]) -> Test:
    goal = _instant(world, values[0])
    if goal is None:
        formats = "Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', '-5d'."
        raise Jql(f"Date value '{values[0]}' for field '{field}' is invalid. {formats}")
    if operator not in ("=", "!=", "<", ">", "<=", ">="):
        raise Jql(f"The operator '{operator}' is not supported by the '{field}' field.")

    def test(world: World, issue: Record) -> bool:
        moment = _moment(issue, field)
        return moment is not None and _compared(moment, operator, goal)

    return test


_RELATIVE = re.compile(r"([+-]?)(\d{1,5})([mhdw])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _instant(world: World, value: str) -> int | None:
    """Return Unix milliseconds for a date, an offset from now, or a function such as startOfDay(); None for others."""
    now = datetime.fromtimestamp(world.now_ms / 1000, UTC)
    call = re.fullmatch(r"(?i)(now|startOf(?:Day|Week|Month)|endOf(?:Day|Week|Month))\((.*)\)", value)
    shift = _RELATIVE.fullmatch(call[2] if call else value)
    if call is None and shift is None:
        plain = value.replace("/", "-")
        for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d"):
            try:
                return int(datetime.strptime(plain, form).replace(tzinfo=UTC).timestamp() * 1000)
            except ValueError:
                continue
        return None
    if call and call[2] and shift is None:
        return None
    if call and call[1].lower() != "now":
        now = now.replace(hour=0, minute=0, second=0, microsecond=0)
        unit = call[1].lower().removeprefix("startof").removeprefix("endof")
        # A week begins on Sunday.
        back = {"day": 0, "week": (now.weekday() + 1) % 7, "month": now.day - 1}[unit]
        now -= timedelta(days=back)
        if call[1].lower().startswith("endof"):
            ahead = {"day": timedelta(days=1), "week": timedelta(days=7)}.get(unit)
            following = now + ahead if ahead else (now + timedelta(days=32)).replace(day=1)
            now = following - timedelta(milliseconds=1)
    if shift:
        distance = timedelta(**{_UNITS[shift[3]]: int(shift[2])})
        now = now - distance if shift[1] == "-" else now + distance
    return int(now.timestamp() * 1000)


def sort_key(world: World, issue: Record, name: str) -> tuple[bool, Any]:
    """Return the key to sort an issue by; issues without a value come last in ascending order."""
    field = _ALIASES.get(name, name)
    if field in TIMES:
        moment = _moment(issue, field)
        return moment is None, moment or 0
    if field == "key":
        project, _, number = issue["key"].partition("-")
        return False, (project, int(number))
    if field == "priority":
        ranks = list(world.table("priorities"))
        return False, -ranks.index(issue["fields"]["priority"])
    words = {**EXACT, **TEXTS}[field](world, issue)
    return not words, words[1:2] or words
