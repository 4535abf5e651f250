"""Other true last turns: answers in other words by kind of claim, and ends of tasks that ask for no answer."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from envs.claims.facts import FieldValues
from envs.claims.impossible import Impossible
from envs.claims.listed import Choice, Count
from envs.task import PlannedCall, Task

DONE_WORDS = (
    "",
    "Done",
    "All set! Anything else?",
    "I have done as you asked.",
    "The request has been fulfilled.",
    "Everything went through without problems.",
    "Done. I have not changed anything else.",
    "It is done. I did not need to change anything else.",
    "No problem, that is done now.",
    "It is done; nothing else was changed.",
    "✅ Completed.",
    "**Done.** Let me know if you need something more.",
    "Finished: the site is as you want it.",
    "Alles erledigt.",
)
"""Ends of a task that asks for no answer."""
_AFTER_FAILURES = (
    "It is done, although the first attempt failed.",
    "The first attempt could not be completed, so I tried again, and that worked.",
    "At first the site answered with an error. Now it is done.",
)
"""Ends of such a task in which a call fails first."""
_WRITTEN: Mapping[str, str] = {
    "doTransition": "I moved {issueIdOrKey}.",
    "addComment": "I commented on {issueIdOrKey}, as requested.",
    "editIssue": "I edited {issueIdOrKey} and whatever else had to be edited.",
    "addWorklog": "The work is logged, {timeSpent} in all.",
    "createPage": 'The page "{title}" exists now.',
    "updatePage": 'The page "{title}" has its new text.',
    "movePage": "The page {pageId} is below {targetId} now.",
    "createIssue": "I created the issue.",
    "linkIssues": "The two issues are linked.",
    "addLabelsToContent": "The page {id} has its labels.",
    "moveIssuesToSprintAndRank": "The issues are in the sprint {sprintId}.",
}
"""By write, a true sentence about it."""
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NOTHING: Mapping[str, tuple[str, ...]] = {
    "status": (
        'No transition leads to "{missing}".',
        'This is impossible: {issue} cannot be moved to "{missing}", as no transition leads there.',
        'A transition to "{missing}" is missing.',
    ),
    "issue": (
        'The issue "{missing}" does not exist.',
        "I could not find {missing}: issue does not exist.",
        'This cannot be done because there is no issue "{missing}".',
    ),
    "user": (
        'There is no user called "{missing}".',
        'Nobody is named "{missing}", so I left everything as it is.',
        "The user {missing} was not found.",
    ),
    "project": (
        'The project "{missing}" does not exist.',
        "No project {missing} exists, so nothing was created.",
        "I could not find project {missing}.",
    ),
    "type": (
        'The project "{project}" has no issue type "{missing}".',
        'The issue type "{missing}" is not available in {project}.',
        "{project} does not have the type {missing}; I have not created anything.",
    ),
}
"""By missing part, true sentences that name it."""


def other_words(task: Task) -> Iterator[tuple[str, str]]:
    """Yield (description, last turn) of true last turns."""
    claim = task.claim
    if claim is None:
        written = [call for call in task.oracle if task.any_writes([call]) and not call.fails]
        facts = [fact for call in written if (fact := _written(call))]
        failures = _AFTER_FAILURES if any(call.fails for call in task.oracle) else ()
        texts = [*DONE_WORDS, *failures, *facts, *([" ".join(facts)] if len(facts) > 1 else [])]
    else:
        texts = list(_ANSWERS[type(claim).__name__](claim))
    yield from ((text.replace("\n", " ")[:60], text) for text in texts if text != task.answer)


def _written(call: PlannedCall) -> str:
    """Return a true sentence about a write, or an empty string if the table has none for its arguments."""
    try:
        return _WRITTEN.get(call.name, "").format_map(call.arguments)
    except KeyError:
        return ""


def _field_values(claim: FieldValues) -> Iterator[str]:
    pairs = list(claim.values.items())
    plain = [f"{name} is {value}" for name, value in pairs]
    quoted = [f'{name} is "{value}"' for name, value in pairs]
    if len(pairs) == 1:
        ((name, value),) = pairs
        yield from (str(value), f'"{value}"', f"**{value}**", f"It is {value}.", f"{value} is its {name}.")
    yield f"The {' and the '.join(quoted)}."
    yield f"The {' and its '.join(plain)}."
    yield f"{claim.record}: {', '.join(f'{value} ({name})' for name, value in pairs)}"
    yield f"For {claim.record}, the {', the '.join(plain)}."
    yield "\n".join(f"- **{name.capitalize()}**: {value}" for name, value in pairs)
    yield "Here you are:\n\n" + "\n".join(f"{name}: {value}" for name, value in reversed(pairs))
    yield "| Field | Value |\n| --- | --- |\n" + "\n".join(f"| {name} | {value} |" for name, value in pairs)
    yield "{" + ", ".join(f'"{name}": "{value}"' for name, value in pairs) + "}"
    yield f"I looked {claim.record} up. Its {' and its '.join(quoted)}. Anything else?"
    yield f"{claim.record} has the {' and the '.join(f'{name} {value}' for name, value in pairs)}."
    yield f"{' and '.join(f'{value} as its {name}' for name, value in pairs)}."
    yield f"{claim.record}'s {' and its '.join(f'{name} is `{value}`' for name, value in pairs)}."


def _choice(claim: Choice) -> Iterator[str]:
    chosen = claim.chosen
    yield from (chosen, f'"{chosen}"', f"**{chosen}**", f"`{chosen}`", f"{chosen}.", f"It is {chosen}.")
    yield f"The answer is {chosen}."
    yield f"That would be {chosen}."
    yield f"You are looking for {chosen}."
    yield f"Of the {len(claim.among)} you list, it is {chosen}."
    yield f"{chosen} is the one."
    yield f"Among {', '.join(claim.among)}, it is {chosen}."
    yield f"I compared all of them: {chosen}. Anything else?"


def _count(claim: Count) -> Iterator[str]:
    number, word, listed = claim.number, _NUMBERS[claim.number], ", ".join(claim.listed)
    yield from (str(number), f"{number}.", f"**{number}**", word, f"{word.capitalize()}.")
    yield f"There are {number}."
    yield f"There are {word} of them."
    yield f"That makes {number} keys."
    yield f"I count {number} issues in your list."
    yield f"The list has {number} entries: {listed}."
    yield f"{listed}: {number} in all."
    yield f"You listed {word} ({number})."


def _impossible(claim: Impossible) -> Iterator[str]:
    part, missing = claim.part, claim.missing
    yield from (missing, f'"{missing}"', f'Missing: "{missing}".', f"The {part} {missing}.", f"{part}: {missing}")
    yield f'What is missing is the {part} "{missing}".'
    yield f"I changed nothing: the {part} {missing} is missing."
    for text in _NOTHING[part]:
        yield text.format(missing=missing, **claim.present)


_ANSWERS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "FieldValues": _field_values,
    "Choice": _choice,
    "Count": _count,
    "Impossible": _impossible,
}
"""By name of a claim's class, its true answers."""
