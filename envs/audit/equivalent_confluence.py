"""Other right calls of Confluence, by operation: searches by CQL, moves by updates, labels one by one, defaults."""

from collections.abc import Iterator, Mapping

from envs.api.json_paths import leaves
from envs.api.operation import Json
from envs.audit.equivalent_plans import Change, Plan, Situation, Way, situations
from envs.confluence.tree import children
from envs.task import PlannedCall, Task

DEFAULTS: Mapping[str, Mapping[str, Json]] = {
    "getSpaces": {"limit": 25},
    "getPages": {"limit": 25, "status": ["current", "archived"], "body-format": "storage", "sort": "id"},
    "getPageById": {"body-format": "storage", "include-labels": False, "status": ["current"]},
    "createPage": {"status": "current", "root-level": False},
}
"""By operation, arguments that say what holds without them, or show more."""
_SEARCHES = ("searchContentByCQL", "searchByCQL")


def searches(situation: Situation) -> Iterator[Change]:
    """Yield searches by CQL instead of the read of pages by title."""
    call = situation.call
    if call.name != "getPages" or "title" not in call.arguments:
        return
    clauses = [f'title = "{call.arguments["title"]}"', *_space_clauses(situation)]
    queries = (" and ".join(clauses), " AND ".join(["type = page", *reversed(clauses)]))
    for name in _SEARCHES:
        for cql in queries:
            detail = f"{name} with {len(cql.split('='))} parts"
            yield Change("other read", detail, situation.index, (PlannedCall(name, {"cql": cql}),))


def _space_clauses(situation: Situation) -> list[str]:
    spaces = situation.world.table("spaces")
    return [f'space = "{spaces[str(space)]["key"]}"' for space in situation.call.arguments.get("space-id", [])]


def without_spaces(task: Task) -> Iterator[Way]:
    """Yield plans that search pages by the space's key and so need not look up its id, unless a write has it."""
    ids = {str(space) for call in task.oracle for space in call.arguments.get("space-id", [])}
    writes = [call for call in task.oracle if task.any_writes([call])]
    used = {str(value) for call in writes for _, value in leaves(call.arguments)}
    if not ids or ids & used:
        return
    for name in _SEARCHES:
        plan: list[PlannedCall] = []
        for situation in situations(task):
            found = [change.calls for change in searches(situation) if change.calls[0].name == name]
            if situation.call.name != "getSpaces":
                plan += found[0] if found else (situation.call,)
        yield Way("other read", f"{name} and no getSpaces", tuple(plan))


def other_writes(situation: Situation) -> Iterator[Change]:
    """Yield other writes with the same effect."""
    rule = _WRITES.get(situation.call.name)
    if rule is not None:
        for kind, detail, calls in rule(situation):
            yield Change(kind, detail, situation.index, calls)


Found = Iterator[tuple[str, str, Plan]]


def _move(situation: Situation) -> Found:
    """Move by an update with another parent, and to the place after the target's last child."""
    arguments, world = situation.call.arguments, situation.world
    page = world.table("pages")[str(arguments["pageId"])]
    read = PlannedCall("getPageById", {"id": page["id"], "body-format": "storage"})
    update = {"id": page["id"], "status": "current", "title": page["title"], "body": dict(page["body"])}
    update |= {"version": {"number": page["version"] + 1}, "parentId": arguments["targetId"]}
    yield "other write", "updatePage for movePage", (read, PlannedCall("updatePage", update))
    below = [child for child in children(world, str(arguments["targetId"])) if child["id"] != page["id"]]
    if below:
        read = PlannedCall("getChildPages", {"id": arguments["targetId"]})
        after = PlannedCall("movePage", {**arguments, "position": "after", "targetId": below[-1]["id"]})
        yield "other write", "movePage after the last child", (read, after)


def _create(situation: Situation) -> Found:
    """Create without the text or the parent and add that afterwards."""
    call, page = situation.call, situation.body["id"]
    bare = {name: value for name, value in call.arguments.items() if name != "body"}
    if "body" not in call.arguments:
        return
    update = {"id": page, "status": "current", "title": call.arguments["title"], "body": call.arguments["body"]}
    filled = PlannedCall("updatePage", {**update, "version": {"number": 2}})
    yield "other write", "createPage, then its text", (PlannedCall(call.name, bare), filled)
    if "parentId" in call.arguments:
        bare = {name: value for name, value in call.arguments.items() if name != "parentId"}
        move = {"pageId": page, "position": "append", "targetId": call.arguments["parentId"]}
        yield "other write", "createPage, then movePage", (PlannedCall(call.name, bare), PlannedCall("movePage", move))
        moved = {**update, "version": {"number": 2}, "parentId": call.arguments["parentId"]}
        calls = (PlannedCall(call.name, bare), PlannedCall("updatePage", moved))
        yield "other write", "createPage, then its parent", calls


def _update(situation: Situation) -> Found:
    """Name what stays the same."""
    call, page = situation.call, situation.world.table("pages")[str(situation.call.arguments["id"])]
    for detail, more in (
        ("no message", {"version": {**call.arguments["version"], "message": ""}}),
        ("its space", {"spaceId": page["spaceId"]}),
        ("its parent", {"parentId": page["parentId"]}),
    ):
        calls = (PlannedCall(call.name, {**call.arguments, **more}, call.note),)
        yield "explicit default", f"updatePage with {detail}", calls


def _labels(situation: Situation) -> Found:
    """Add labels one by one, in another order, or one without a list."""
    call = situation.call
    labels = call.arguments["labels"]
    if isinstance(labels, Mapping):
        return
    if len(labels) > 1:
        singly = tuple(PlannedCall(call.name, {**call.arguments, "labels": [label]}) for label in labels)
        yield "grouped otherwise", "one label per call", singly
        yield (
            "grouped otherwise",
            "one label per call, without a list",
            tuple(PlannedCall(call.name, {**call.arguments, "labels": label}) for label in labels),
        )
        yield "other order", "labels reversed", (PlannedCall(call.name, {**call.arguments, "labels": labels[::-1]}),)
    else:
        (label,) = labels
        yield (
            "grouped otherwise",
            "a label without a list",
            (PlannedCall(call.name, {**call.arguments, "labels": label}),),
        )
    capital = [{**label, "name": label["name"].capitalize()} for label in labels]
    yield "equal value", "labels in capitals", (PlannedCall(call.name, {**call.arguments, "labels": capital}),)


_WRITES = {"movePage": _move, "createPage": _create, "updatePage": _update, "addLabelsToContent": _labels}
