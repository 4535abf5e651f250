"""Close an issue with a resolution, and in some projects with the version that it is fixed in.

Two transitions lead to the wished status: one has a screen that takes the resolution, the other closes without asking,
and the issue gets the site's own resolution. Which is which is told only to who reads the fields too. What goes wrong:
the first that leads there is taken, what the screen requires is left out, an id is made up, or nothing is done after
reading.
"""

import random

from envs import words
from envs.api.operation import Json
from envs.api.world import Record
from envs.jira import JIRA
from envs.jira.world import RESOLUTIONS, add_distractors, add_issue, add_project, empty_site, put
from envs.reward.checks import Check, FinishedEpisode, argument, outcome, read_first, stopped_after
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.jira_writes import only_moved, right_issue, right_transition
from envs.scenarios.vocabulary.jira_writes import read_it as reads_it
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.trace import Call
from envs.words import Split

_ISSUE = '[|issue |ticket |the ticket ]"{issue}"'
_AS = '[with the resolution|with resolution|resolved as|as] "{resolution}"'
_WORDINGS = (
    f'[|please |can you |could you ][move|bring|take|transition] {_ISSUE} to "{{status}}" {_AS}{{version}}.',
    f"[|please ][close|finish|resolve] {_ISSUE} {_AS}{{version}}; [its status is then|it ends in|that is status]"
    ' "{status}".',
    f'{_ISSUE} [goes|has to go|should go] to "{{status}}" {_AS}{{version}}.',
    f'"{{status}}" is where {_ISSUE} [belongs now|has to be], {_AS}{{version}}.',
    f'[we are|I am] done with {_ISSUE}: [put|set|bring] it [to|into] "{{status}}" {_AS}{{version}}.',
    f'the resolution of {_ISSUE} is "{{resolution}}"{{version}}[, so move|; move|. Move] it to "{{status}}".',
)
_KEPT_BACK = (
    f'Wrap up {_ISSUE} in "{{status}}" {_AS}{{version}}.',
    f'Give {_ISSUE} the resolution "{{resolution}}"{{version}} on its way to "{{status}}".',
)
_VERSION = (', fixed in "{name}"', ' and the fix version "{name}"', ' and "{name}" as its fix version')
EXPAND = "transitions.fields"
_NAMED = {"type": "object", "properties": {"name": {"type": "string"}}}
_SCREEN = {"type": "object", "properties": {"resolution": _NAMED, "fixVersions": {"type": "array", "items": _NAMED}}}
_NAMED_BY = {"id", "name"}
"""What a resolution or a version is named by; anything more is made up."""
RESOLVABLE = JIRA.showing(
    "getTransitions",
    {"expand": {"type": "string", "enum": [EXPAND]}},
    (
        "transitions.to.name",
        "transitions.fields.resolution.required",
        "transitions.fields.fixVersions.required",
        "transitions.id",
    ),
).showing("doTransition", {"fields": _SCREEN})


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """A project with two ways into its last status, and perhaps versions that the screen asks for."""
    key, number = words.key(rng, split), rng.randint(10, 99)
    fresh = words.fresh_words(rng, split)
    current, other, target, *versions = (words.phrase(rng, split, 1, 2, fresh) for _ in range(6))
    ids = [str(made) for made in rng.sample(range(11, 100), 5)]
    names = [words.phrase(rng, split, 1, 2, fresh) for _ in range(5)]
    asks_version = rng.random() < 0.5
    screen = {"resolution": True} | ({"fixVersions": True} if asks_version else {})
    # The issue stands in status 0; the last status is the one that closes.
    leads: list[Record] = [
        {"from": [0], "to": 2, "screen": screen},
        {"from": [0], "to": 2},
        {"from": [0], "to": 1},
        {"from": [1], "to": 0},
        {"from": [2], "to": 0},
    ]
    steps = [{"id": made, "name": name, **lead} for made, name, lead in zip(ids, names, leads, strict=True)]
    world = empty_site()
    project = add_project(
        world, key, words.phrase(rng, split, 1, 2), [current, other, target], rng.sample(steps, len(steps))
    )
    for version in versions:
        put(world, "versions", project=project["id"], name=version, released=False)
    issue = add_issue(world, project, number, words.phrase(rng, split, 2, 3))
    add_distractors(world, rng, split, [key])
    resolution = rng.choice([one["name"] for one in RESOLUTIONS.values()][1:])
    version = rng.choice(versions) if asks_version else ""
    told = rng.choice(_VERSION).format(name=version) if version else ""
    values = {"issue": issue["key"], "status": target, "resolution": resolution, "version": told}
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(**values)
    goal = {**values, "version": version, "transition": ids[0]}
    fields: dict[str, Json] = {"resolution": {"name": resolution}}
    fields |= {"fixVersions": [{"name": version}]} if version else {}
    plan = (
        PlannedCall("getTransitions", {"issueIdOrKey": issue["key"], "expand": EXPAND}),
        _closes(issue["key"], ids[0], fields, f'"{target}", resolution: {ids[0]}'),
    )
    return TaskDraft(request, world, goal, plan)


def _closes(issue: str, transition: str, fields: Json, note: str = "") -> PlannedCall:
    arguments = {"issueIdOrKey": issue, "transition": {"id": transition}} | ({"fields": fields} if fields else {})
    return PlannedCall("doTransition", arguments, note)


def _read_whole(call: Call, task: Task) -> float:
    """Half for reading the issue's transitions, half for reading their fields too."""
    return reads_it(call, task) * (0.5 + 0.5 * (EXPAND in str(call.arguments.get("expand", "")).split(",")))


def _resolution(value: Json, wanted: Json) -> float:
    given = value if isinstance(value, dict) and value.keys() <= _NAMED_BY else {}
    by_id = RESOLUTIONS.get(str(given.get("id")), {}).get("name")
    return float(wanted == (by_id if "id" in given else given.get("name")))


def _version(episode: FinishedEpisode) -> float:
    call, wanted = episode.last("doTransition"), episode.task.goal["version"]
    if call is None:
        return 0.0
    fields = call.arguments.get("fields")
    given = fields.get("fixVersions") if isinstance(fields, dict) else None
    named = _versions(episode.task, given)
    return float(named == ([wanted] if wanted else []))


def _versions(task: Task, given: Json) -> list[str]:
    """The names of the versions given by id or name."""
    table, found = task.world.tables["versions"], []
    for one in given if isinstance(given, list) else []:
        version = one if isinstance(one, dict) and one.keys() <= _NAMED_BY else {}
        found.append(table.get(str(version.get("id")), {}).get("name") or str(version.get("name")))
    return found


def _resolved(task: Task, changed: list[Change]) -> bool:
    """The issue is in the wanted status with what its screen was to hold; nothing else has changed."""
    if len(changed) != 1 or changed[0].table != "issues" or not changed[0].before or not changed[0].after:
        return False
    before, after = changed[0].before, changed[0].after
    versions = [one["id"] for one in task.world.find("versions", name=task.goal["version"])]
    wanted = {**before["fields"], **({"fixVersions": versions} if task.goal["version"] else {})}
    return (
        before["key"] == task.goal["issue"]
        and only_moved(before, {**after, "fields": before["fields"]})
        and after["fields"] == wanted
        and task.world.tables["statuses"][after["status"]]["name"] == task.goal["status"]
        and RESOLUTIONS.get(after.get("resolution") or "", {}).get("name") == task.goal["resolution"]
    )


def _without_screen(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Takes the transition that asks for nothing."""
    issue = task.world.find("issues", key=task.goal["issue"])[0]
    flow = task.world.tables["workflows"][task.world.tables["projects"][issue["project"]]["workflow"]]
    plain = next(step for step in flow["transitions"] if step["from"] == [issue["status"]] and "screen" not in step)
    return [*plan[:-1], _closes(issue["key"], plain["id"], None)]


def _forget_fields(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Leaves out what the screen requires."""
    return [*plan[:-1], _closes(str(task.goal["issue"]), str(task.goal["transition"]), None)]


def _guess_id(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Makes up an id without reading."""
    return [_closes(str(task.goal["issue"]), str(rng.randint(11, 99)), plan[-1].arguments.get("fields"))]


def _stop_after_read(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads and does nothing."""
    return plan[:1]


SCENARIO = Scenario(
    name="jira_resolve_ticket",
    api=RESOLVABLE,
    tools=("getTransitions", "doTransition"),
    checks=(
        argument("doTransition", "issueIdOrKey", "issue", 0.05, right_issue),
        argument("doTransition", "fields.resolution", "resolution", 0.15, _resolution),
        Check("argument/fields.fixVersions", 0.10, _version, "The fix version is the one asked for, or none was."),
        read_first("getTransitions", "doTransition", 0.10, _read_whole),
        right_transition(0.20),
        stopped_after("doTransition", 0.10),
        outcome(0.30, _resolved, "The issue is closed as asked, and nothing else has changed."),
    ),
    mistakes={
        "without_screen": _without_screen,
        "forget_fields": _forget_fields,
        "guess_id": _guess_id,
        "stop_after_read": _stop_after_read,
    },
    draw=draw,
)
