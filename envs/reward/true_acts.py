"""Verbs that are true of calls, for reports of what was done."""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from envs.api.json_paths import inner_paths
from envs.api.operation import Json, Operation
from envs.claims.word_classes import word_set

_ALWAYS = word_set("updated edited changed modified set added fixed finished")
"""Verbs that are true of any write."""
_BY_METHOD = {
    "POST": word_set("created opened posted"),
    "PUT": word_set("replaced rewrote rewritten reset"),
    "DELETE": word_set("deleted removed erased cleared dropped"),
}
_RENAMED = word_set("renamed")
_LINKED = word_set("linked attached created")
_LABELLED = word_set("labelled labeled tagged flagged")
_MOVED = word_set(
    "moved transitioned closed reopened resolved opened started finished completed approved rejected released deployed "
    "scheduled reset restored archived published merged flagged locked unlocked cancelled canceled escalated reverted"
)
"""Verbs for a change of status, whose name may be any of them."""
_BY_WORD: Mapping[str, frozenset[str]] = {
    "create": word_set("created opened filed posted published logged"),
    "update": word_set("replaced rewrote rewritten published"),
    "delete": word_set("deleted removed erased cleared dropped"),
    "remove": word_set("removed deleted cleared dropped"),
    "archive": word_set("archived closed"),
    "restore": word_set("restored reverted"),
    "copy": word_set("copied cloned duplicated created"),
    "transition": _MOVED,
    "status": word_set("published moved archived"),
    "move": word_set("moved transferred"),
    "sprint": word_set("moved assigned scheduled"),
    "rank": word_set("moved"),
    "assign": word_set("assigned reassigned unassigned notified"),
    "assignee": word_set("assigned reassigned unassigned"),
    "link": _LINKED,
    "parent": word_set("linked moved attached"),
    "label": _LABELLED,
    "component": _LABELLED | word_set("assigned"),
    "resolution": word_set("resolved closed"),
    "title": _RENAMED,
    "summary": _RENAMED,
    "comment": word_set("commented posted mentioned notified replied"),
    "worklog": word_set("logged booked"),
    "watcher": word_set("subscribed"),
    "notify": word_set("notified emailed mailed messaged informed alerted sent"),
    "attachment": word_set("attached uploaded"),
    "publish": word_set("published"),
    "priority": word_set("escalated"),
    "body": word_set("replaced rewrote rewritten"),
    "version": word_set("published"),
}
"""Verbs by a word of an operation's name or of an argument's."""


class Written(Protocol):
    """A call by its name and arguments."""

    @property
    def name(self) -> str:
        """Return the operation's name."""

    @property
    def arguments(self) -> Mapping[str, Json]:
        """Return the arguments."""


def true_acts(calls: Iterable[Written], operations: Mapping[str, Operation]) -> frozenset[str]:
    """Return the verbs that are true of the writes among calls."""
    acts = set[str]()
    for call in calls:
        if call.name in operations and operations[call.name].writes:
            acts |= _ALWAYS | _BY_METHOD.get(operations[call.name].method, frozenset())
            for name in (call.name, *(str(part) for path in inner_paths(call.arguments) for part in path)):
                for word in re.findall(r"[A-Z]?[a-z]+", name):
                    acts |= _BY_WORD.get(word.lower(), frozenset()) | _BY_WORD.get(word.lower()[:-1], frozenset())
    return frozenset(acts)
