"""Asks for issues to be planned into a sprint of a project's board, known by its name or as the upcoming one.

Training tasks fill one or two sprints to come; held-out tasks also the running sprint, or take an issue out of it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from envs.api.world import Record
from envs.jira.world import CATEGORIES
from envs.requests import names
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, say
from envs.requests.jira_boards import add_boards, add_sprints, find_board
from envs.requests.jira_office import JiraOffice, jira_office
from envs.requests.jira_references import project_of
from envs.requests.jira_topics import is_by_key, issue_about
from envs.requests.messages import CORRECTION
from envs.task import PlannedCall, Reference, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.5, 4: 0.55, 5: 0.65}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_MOVE = "moveIssuesToSprintAndRank"
_TO_COME = Clause(
    (
        "the upcoming sprint {sprint}",
        "the coming sprint {sprint}",
        "the sprint {sprint}",
        "the upcoming {sprint}",
    ),
    ("the planned sprint {sprint}", "the not yet started {sprint}", "sprint {sprint}"),
)
_UPCOMING = Clause(
    ("the upcoming sprint", "the next sprint", "the coming sprint"), ("the sprint that comes next", "the sprint ahead")
)
_RUNNING = Clause(
    ("the running sprint",), ("the running sprint", "the sprint that is on right now", "the current sprint")
)
_PLAN = Clause(
    (
        "[|please ][move|add] {issues} to {sprint} of {project}.",
        "[can|could] you [put|plan] {issues} into {sprint} of {project}?",
        "on the board of {project}, [please move|move|put] {issues} into {sprint}.",
        "for {sprint} of {project} we need {issues}[.|, please plan that.]",
        "{issues} should be in {sprint} of {project}.",
        "I am planning {sprint} of {project}. It [gets|should get] {issues}.",
        "this is for {sprint} of {project}: {issues}. [Please plan that.|Can you plan it?]",
        "we decided what {sprint} of {project} will be about: {issues}. [Please plan that.|Please move them.]",
    ),
    (
        "would you mind [scheduling|dragging] {issues} into {sprint} of {project}?",
        "{project} has room in {sprint}, [so let it take|so fill it with] {issues}.",
        "in the planning of {project} we agreed on {issues} for {sprint}.",
        "{sprint} of {project} is still missing {issues}, [please fix that|would you add them?]",
        "I forgot to drag {issues} into {sprint} of {project}[.|, could you?]",
        "the team of {project} wants to take on {issues} in {sprint}.",
    ),
)
_REST = Clause(
    (
        "then {issues} should go into {sprint}.",
        "and put {issues} into {sprint}.",
        "also move {issues} to {sprint}.",
        "{sprint} gets {issues}.",
    ),
    (
        "what does not fit is for {sprint}, namely {issues}.",
        "for {sprint} we have {issues} in mind.",
        "{issues} can follow in {sprint}.",
    ),
)
_OUT = Clause(
    ("and take {issue} out of its sprint, back to the backlog.",),
    (
        "and take {issue} out of its sprint, back to the backlog.",
        "{issue} has to leave its sprint and wait in the backlog.",
        "in return, {issue} goes back to the backlog.",
        "to make room, send {issue} back to the backlog.",
    ),
)


@dataclass(frozen=True)
class _Board:
    """A project's board with its sprints: one that runs, and one or two to come."""

    project: Record
    place: Described
    id: str
    active: Record
    to_come: tuple[Record, ...]

    def reads(self, states: Sequence[str], issues: Sequence[Described]) -> tuple[PlannedCall, ...]:
        """Return the reads that find sprints of these states and the issues."""
        listing = PlannedCall("getIssuesForBoard", {"boardId": self.id})
        sprints = [PlannedCall("getAllSprints", {"boardId": self.id, "state": state}) for state in states]
        return (find_board(self.place), *sprints, *([] if all(map(is_by_key, issues)) else [listing]))


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = jira_office(rng, split)
    board = _board(rng, split, office, difficulty)
    issues = _open_issues(rng, office, board)
    chosen = issues[: rng.randint(1, 3)]
    running = split == "heldout" and rng.random() < 0.35
    sprint = board.active if running else board.to_come[0]
    first = _plan(rng, split, office, board, difficulty, sprint, chosen, _PLAN)
    wishes = [first]
    if rng.random() < _TWO_WISHES[difficulty] and len(issues) > len(chosen):
        other = issues[len(chosen)]
        if split == "heldout" and rng.random() < 0.7:
            wishes.append(_out(rng, split, office, board, difficulty, other))
        elif len(board.to_come) > 1 and not running:
            wishes.append(_plan(rng, split, office, board, difficulty, board.to_come[1], [other], _REST))
    return drafted(rng, split, difficulty, office.world, _reads_first(wishes))


def _reads_first(wishes: Sequence[Wish]) -> list[Wish]:
    """Return the wishes with all reads before all writes, as one plans a sprint."""
    calls = [call for wish in wishes for call in wish.calls]
    writes = [call for call in calls if call.name.startswith("move")]
    reads = [call for call in calls if call not in writes]
    return [
        Wish(wish.sentences, wish.parts, tuple([] if index else (*reads, *writes))) for index, wish in enumerate(wishes)
    ]


def _board(rng: random.Random, split: Split, office: JiraOffice, difficulty: int) -> _Board:
    """Add boards to all projects, with sprints of the same names, and draw the one that the request is about."""
    boards = add_boards(rng, office)
    project = office.project(rng.choice(office.projects)["key"])
    drawn: list[str] = []
    for _ in range(4):
        drawn.append(names.sprint(rng, split, drawn))
    wanted, spare, active, closed = drawn
    to_come = [(wanted, "future"), (spare, "future")][: rng.choice([1, 2, 2])]
    named = [*to_come, (active, "active"), (rng.choice([wanted, closed]), "closed")]
    place = project_of(rng, split, office, project, difficulty, None)
    sprints = {owner: add_sprints(rng, office, board, named) for owner, board in boards.items()}[project["id"]]
    return _Board(project, place, boards[project["id"]]["id"], sprints[-2], tuple(sprints[:-2]))


def _open_issues(rng: random.Random, office: JiraOffice, board: _Board) -> list[Record]:
    """Draw the project's issues that are not done, in random order."""
    world = office.world
    done = {key for key, each in world.table("statuses").items() if CATEGORIES[each["category"]]["key"] == "done"}
    here = [each for each in office.issues() if each["project"] == board.project["id"] and each["status"] not in done]
    return rng.sample(here, len(here))


def _plan(
    rng: random.Random,
    split: Split,
    office: JiraOffice,
    board: _Board,
    difficulty: int,
    sprint: Record,
    issues: Sequence[Record],
    clause: Clause,
) -> Wish:
    """Ask for issues to be moved to a sprint, perhaps with a wrong sprint first."""
    described = [issue_about(rng, split, office, issue, difficulty) for issue in issues]
    slots: dict[str, str | Said] = {"issues": _listed([each.said for each in described]), "project": board.place.said}
    target = _sprint(rng, split, board, sprint)
    said = [say(rng, split, clause, sprint=target.said, **slots)]
    if clause is _PLAN and rng.random() < _CORRECTED[difficulty] and sprint["name"] in target.said.text:
        wrong = rng.choice([each["name"] for each in (board.active, *board.to_come) if each != sprint])
        said = [
            say(
                rng,
                split,
                clause,
                sprint=Said(target.said.text.replace(sprint["name"], wrong), target.said.wordings),
                **slots,
            )
        ]
        said.append(say(rng, split, CORRECTION, wrong=wrong, right=sprint["name"]))
    keys = [issue["key"] for issue in issues]
    note = f'"{sprint["name"]}": {sprint["id"]}'
    move = PlannedCall(_MOVE, {"sprintId": sprint["id"], "issues": keys}, note)
    reads = board.reads([sprint["state"]], described)
    return Wish(tuple(said), (board.place, target, *described), (*reads, move))


def _sprint(rng: random.Random, split: Split, board: _Board, sprint: Record) -> Described:
    """Name a sprint, or call it the running or, if it is the only one, the upcoming sprint."""
    named = {"board": board.id, "name": sprint["name"], "state": sprint["state"]}
    by_state = {"board": board.id, "state": sprint["state"]}
    if sprint == board.active:
        said = say(rng, split, _RUNNING)
        return Described(said, (Reference(said.text, "sprints", sprint["id"], by_state),))
    if len(board.to_come) == 1 and rng.random() < 0.6:
        said = say(rng, split, _UPCOMING)
        return Described(said, (Reference(said.text, "sprints", sprint["id"], by_state),))
    said = say(rng, split, _TO_COME, sprint=sprint["name"])
    return Described(said, (Reference(sprint["name"], "sprints", sprint["id"], named),))


def _out(rng: random.Random, split: Split, office: JiraOffice, board: _Board, difficulty: int, issue: Record) -> Wish:
    """Put an issue into the running sprint, and ask for it to be taken out."""
    office.world.table("issues")[issue["id"]] = {**issue, "sprint": board.active["id"]}
    described = issue_about(rng, split, office, issue, difficulty)
    back = PlannedCall("moveIssuesToBacklog", {"issues": [issue["key"]]})
    said = say(rng, split, _OUT, issue=described.said)
    return Wish((said,), (described,), (*board.reads([], [described]), back))


def _listed(pieces: Sequence[Said]) -> Said:
    """Return pieces as people list them: a, b and c."""
    *but_last, last = [each.text for each in pieces]
    text = f"{', '.join(but_last)} and {last}" if but_last else last
    return Said(text, tuple(part for each in pieces for part in each.wordings))
