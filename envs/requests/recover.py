"""Asks for a move and a new issue on a site with transient failures, which the request says nothing about.

Training tasks ask for the move first; held-out tasks mostly for the new issue first, and some to watch the new issue.
"""

import random
from dataclasses import replace

from envs.api.faults import Faults
from envs.api.world import Record
from envs.requests.drafts import MOST_CALLS, Described, Wish, drafted, fitting_an_episode
from envs.requests.follow_ups import watch
from envs.requests.grammar import Clause, description, say, value
from envs.requests.jira_office import JiraOffice, jira_office, steps_from
from envs.requests.jira_references import issue_of, project_of
from envs.requests.messages import CORRECTION
from envs.requests.subjects import subject
from envs.task import PlannedCall, Reference, TaskDraft
from envs.words import Split

_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.35, 5: 0.6}
_UNHARMED = 0.2
"""The chance that no call fails."""
_TWICE = 0.3
"""The chance that a failing call fails twice."""
_MOVE = Clause(
    (
        "[|please ][move|bring|take|transition] {issue} to {status}.",
        "[can|could] you [move|bring|transition|get] {issue} to {status}?",
        "{issue} [goes|should go|can go|has to go] to {status}[.| now.]",
        "[|please ][set|change] the status of {issue} to {status}.",
        "{issue} is [ready for|due for] {status}, [please move it|so move it] there.",
        "[we are|I am] done with this stage of {issue}: [the next one|the next status] is {status}.",
        "the status of {issue} [should be|has to be|is now] {status}[.|, please set it.]",
        "{issue} [is finally in {status}|has reached {status}], [please update it|the site just does not say so yet].",
    ),
    (
        "[kindly advance|would you advance] {issue} to {status}[.| for me.]",
        "{status} is the [right|proper] place for {issue}, [take it there|so it should be moved].",
        "{issue} has waited long enough, [on with it|take it on] to {status}.",
        "on our board {issue} [is supposed to|ought to] be in {status}.",
        "let {issue} [continue|proceed] to {status}.",
        "could somebody drag {issue} over to {status}?",
        "if you look at {issue}, it [still has|is left in] the old status; {status} [is correct|would be right].",
    ),
)
_NEW = Clause(
    (
        '[|please ][create|add|file|raise] a {type} in {project}: "{summary}".',
        '[|please ][create|open|raise] a {type} "{summary}" [in|for] {project}.',
        'we [need|want] a {type} in {project}, [with the summary|called|titled] "{summary}".',
        '[can|could] you [create|file|open] a {type} in {project}? [Its summary is|Call it|Title:] "{summary}".',
        "[add|file] [this|the following] as a {type} in {project}:\n{summary}\n",
        '"{summary}" is [something new|new], [please file it|file it] in {project} as a {type}.',
        '{project} [gets|needs|should get] a {type} "{summary}".',
        "a {type} for {project} [came up|is still missing]:\n{summary}\n",
    ),
    (
        'would you [start|enter] a {type} in {project}, with "{summary}" as its [title|headline]?',
        "this deserves a {type} of its own in {project}:\n{summary}\n",
        'nobody has written down "{summary}" yet. [That belongs|It should be] in {project}, as a {type}.',
        'make sure we do not lose "{summary}": a {type} in {project} [will do|is enough].',
        'there should be a {type} in {project} that [says|reads] "{summary}".',
        'write "{summary}" down in {project}, as a {type}.',
        'for {project} I have a {type}, [in short|in a few words] "{summary}".',
    ),
)
_LEAD = Clause(
    ("[two things|two small things] [today|this time].", "I have two [things|requests] for you.", "I need two things."),
    ("this comes as a pair.", "I have two favours to ask.", "two steps this time.", "a double request [today|again]."),
)
_END = Clause(("that is all[.| for now.]", "that is it."), ("nothing else for now.", "those are the two things."))
_SAME = Clause(
    ("the same project", "the project of that [ticket|issue]"),
    ("that very project", "the [ticket|issue]'s own project"),
)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw a move, a new issue and the calls that fail, which together fit into an episode."""
    faults = _faults(rng)
    # Failed calls take turns, so that fewer are left for finding records.
    level = 2 if faults and len(faults.on) > 1 else difficulty
    return fitting_an_episode(lambda: _draw(rng, split, difficulty, level, faults))


def _faults(rng: random.Random) -> Faults | None:
    """Draw an operation that fails once or twice, or none."""
    if rng.random() < _UNHARMED:
        return None
    name = rng.choice(["getTransitions", "doTransition", "createIssue"])
    # Transitions alone are documented to answer 409.
    statuses = [rng.choice([429, 500, 409] if name == "doTransition" else [429, 500])]
    if rng.random() < _TWICE:
        statuses.append(rng.choice([429, 500]))
    return Faults(on=tuple((name, number, status) for number, status in enumerate(statuses, 1)))


def _draw(rng: random.Random, split: Split, difficulty: int, level: int, faults: Faults | None) -> TaskDraft:
    office = jira_office(rng, split)
    issue = rng.choice(office.issues())
    spare = MOST_CALLS - 3 - (len(faults.on) if faults else 0)
    described = issue_of(rng, split, office, issue, level, first_names=spare > 1)
    move = _move(rng, split, office, difficulty, issue, described)
    created_first = split == "heldout" and rng.random() < 0.6
    beside = None if created_first or described.reads else issue
    new, key = _new(rng, split, office, level if spare > len(described.reads) else 0, beside)
    if not created_first and new.sentences[-1].text.endswith("\n"):
        # A closing word would be taken for a part of the summary.
        new = replace(new, sentences=(*new.sentences, say(rng, split, _END)))
    wishes = [new, move] if created_first else [move, new]
    if rng.random() < 0.25:
        lead = say(rng, split, _LEAD)
        wishes[0] = replace(wishes[0], sentences=(lead, *wishes[0].sentences))
    if split == "heldout" and not created_first and rng.random() < 0.5:
        wishes.append(watch(rng, split, key))
    draft = drafted(rng, split, difficulty, office.world, wishes)
    return replace(draft, oracle=_retried(draft.oracle, faults), faults=faults)


def _move(
    rng: random.Random, split: Split, office: JiraOffice, difficulty: int, issue: Record, described: Described
) -> Wish:
    """Ask for a move, perhaps with a wrong status first."""
    steps = steps_from(office.world, issue)
    right, wrong = rng.sample(list(steps), 2)
    if rng.random() < _CORRECTED[difficulty]:
        first = say(rng, split, _MOVE, issue=described.said, status=wrong)
        sentences = [first, say(rng, split, CORRECTION, wrong=value(wrong), right=value(right))]
    else:
        sentences = [say(rng, split, _MOVE, issue=described.said, status=right)]
    arguments = {"issueIdOrKey": issue["key"], "transition": {"id": steps[right]}}
    calls = (
        *described.reads,
        PlannedCall("getTransitions", {"issueIdOrKey": issue["key"]}),
        PlannedCall("doTransition", arguments, f'"{right}": {steps[right]}'),
    )
    return Wish(tuple(sentences), (described,), calls)


def _new(rng: random.Random, split: Split, office: JiraOffice, level: int, beside: Record | None) -> tuple[Wish, str]:
    """Ask for a new issue, perhaps in the project of the issue `beside`; return the wish and the new key.

    At level 0 the project is named by its key, which takes no read.
    """
    about = subject(rng, split, [issue["fields"]["summary"] for issue in office.issues()])
    project = rng.choice(office.projects)
    if beside is not None and rng.random() < 0.5:
        project = office.world.table("projects")[beside["project"]]
        described = Described(description(say(rng, split, _SAME)), ())
    elif not level:
        key = project["key"]
        described = Described(value(key), (Reference(key, "projects", project["id"], {"key": key}),))
    else:
        described = project_of(rng, split, office, project, level, None)
    sentence = say(rng, split, _NEW, type=about.kind, project=described.said, summary=about.summary)
    fields = {"project": {"key": project["key"]}, "issuetype": {"name": about.kind}, "summary": about.summary}
    new_key = f"{project['key']}-{office.project(project['key'])['next_number']}"
    create = PlannedCall("createIssue", {"fields": fields})
    return Wish((sentence,), (described,), (*described.reads, create)), new_key


def _retried(plan: tuple[PlannedCall, ...], faults: Faults | None) -> tuple[PlannedCall, ...]:
    """Return the plan with each failing call before its repetition."""
    failures = [name for name, _, _ in faults.on] if faults else []
    return tuple(each for call in plan for each in (*[replace(call, fails=True)] * failures.count(call.name), call))
