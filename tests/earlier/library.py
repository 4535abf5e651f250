"""A lending library: find a book, lend it, take a loan back."""

import random

from envs import words
from envs.checks import Attempt, Change, Check, argument, outcome, read_first, stopped_after
from envs.operation import Api, Operation, Parameter, Response
from envs.scenarios.scenario import Draft, Plan, Scenario, phrasing
from envs.task import PlannedCall, Task
from envs.trace import Call
from envs.words import Split
from envs.world import World


def library(rng: random.Random, titles: list[str]) -> World:
    """A library with these books."""
    ids = rng.sample(range(1000, 10_000), len(titles))
    world = World(next_id=20_000)
    for number, title in zip(ids, titles, strict=True):
        world.table("books")[str(number)] = {"id": str(number), "title": title}
    world.table("loans")
    return world


def refused(status: int, why: str) -> Response:
    """This API's error body."""
    return Response(status, {"error": why})


def find_books(world: World, arguments) -> Response:
    """200 with the books whose title has the words asked for."""
    wanted = arguments.get("title", "").lower()
    return Response(200, {"books": [book for book in world.table("books").values() if wanted in book["title"].lower()]})


def create_loan(world: World, arguments) -> Response:
    """201 with the loan; 404 for an unknown book, 409 for one that is out."""
    if missing := [name for name in ("bookId", "reader", "days") if name not in arguments]:
        return refused(400, f"{missing[0]} is required")
    if arguments["bookId"] not in world.table("books"):
        return refused(404, f"no book {arguments['bookId']}")
    if world.find("loans", bookId=arguments["bookId"]):
        return refused(409, "the book is out")
    names = ("bookId", "reader", "days")
    loan = {"id": world.new_id(), "since": world.tick(), **{name: arguments[name] for name in names}}
    world.table("loans")[loan["id"]] = loan
    return Response(201, loan)


def delete_loan(world: World, arguments) -> Response:
    """204; 404 for an unknown loan."""
    if world.table("loans").pop(arguments.get("loanId", ""), None) is None:
        return refused(404, "no such loan")
    return Response(204)


STRING = {"type": "string"}
LIBRARY = Api(
    "library",
    (
        Operation(
            name="findBooks",
            api="library",
            method="GET",
            path="/books",
            description="Finds books by words of their title.",
            parameters=(Parameter("title", "query", STRING),),
            handler=find_books,
            refuse=lambda why: refused(400, why),
        ),
        Operation(
            name="createLoan",
            api="library",
            method="POST",
            path="/loans",
            description="Lends a book to a reader.",
            parameters=(
                Parameter("bookId", "body", STRING, required=True),
                Parameter("reader", "body", STRING, required=True),
                Parameter("days", "body", {"type": "integer", "minimum": 1}, required=True),
            ),
            handler=create_loan,
            refuse=lambda why: refused(400, why),
            compact_body=("id",),
        ),
        Operation(
            name="deleteLoan",
            api="library",
            method="DELETE",
            path="/loans/{loanId}",
            description="Takes a loan back.",
            parameters=(Parameter("loanId", "path", STRING, required=True),),
            handler=delete_loan,
            refuse=lambda why: refused(400, why),
        ),
    ),
)


WORDINGS = (
    'Lend "{title}" to "{reader}" for {days} days.',
    '"{reader}" wants to borrow "{title}" for {days} days, please note it down.',
    'For {days} days "{title}" goes to "{reader}".',
)
KEPT_BACK = ('Please give "{reader}" the book "{title}", for {days} days.',)


def draw(rng: random.Random, split: Split) -> Draft:
    """Five books, one of which is to be lent."""
    fresh = words.fresh_words(rng, split)
    titles = [words.phrase(rng, split, 2, 3, fresh) for _ in range(5)]
    reader, days = next(fresh), rng.randint(2, 30)
    world = library(rng, titles)
    book = world.find("books", title=titles[0])[0]["id"]
    loan = {"bookId": book, "reader": reader, "days": days}
    request = phrasing(rng, split, WORDINGS, KEPT_BACK).format(title=titles[0], reader=reader, days=days)
    calls = (PlannedCall("findBooks", {"title": titles[0]}), PlannedCall("createLoan", loan))
    return Draft(request, world, {**loan, "title": titles[0]}, calls)


def lent(task: Task, changed: list[Change]) -> bool:
    """One new loan, as asked; nothing else."""
    if len(changed) != 1 or changed[0].table != "loans" or changed[0].before or not changed[0].after:
        return False
    return all(changed[0].after[name] == task.goal[name] for name in ("bookId", "reader", "days"))


def found(call: Call, task: Task) -> float:
    """1 for the book alone, half for the book among others."""
    answered = [book["id"] for book in call.body["books"]]
    return 0.0 if task.goal["bookId"] not in answered else 1.0 if len(answered) == 1 else 0.5


FOUND = read_first("findBooks", "createLoan", 0.15, found)


def right_book(attempt: Attempt) -> float:
    """A guessed id is worth nothing."""
    return BOOK.score(attempt) if FOUND.score(attempt) else 0.0


BOOK = argument("createLoan", "bookId", "bookId", 0.2)


def stop_after_read(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads, and leaves it at that."""
    return [call for call in plan if call.name != "createLoan"] or plan


SCENARIO = Scenario(
    name="library_lend_book",
    api=LIBRARY,
    tools=("findBooks", "createLoan", "deleteLoan"),
    checks=(
        FOUND,
        Check("argument/bookId", 0.2, right_book, "The book's id was read, not guessed, and is right."),
        argument("createLoan", "reader", "reader", 0.1),
        argument("createLoan", "days", "days", 0.1),
        stopped_after("createLoan", 0.1),
        outcome(0.35, lent, "Exactly the loan that was asked for was made."),
    ),
    habits={"stop_after_read": stop_after_read},
    draw=draw,
)
