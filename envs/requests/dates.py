"""Speaks of the last days as people do; the virtual clock begins on Monday, 5 January 2026."""

import random
from datetime import UTC, datetime, timedelta

from envs.api.world import START_MS
from envs.requests.grammar import Clause, Said, say
from envs.words import Split

TODAY = datetime.fromtimestamp(START_MS / 1000, UTC)
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven")
_STATEMENT = Clause(
    common=(
        "today is Monday, 5 January 2026.",
        "it is Monday, 5 January 2026[| today].",
        "for reference, today is Monday, 5 January 2026.",
        "(Today: Monday, 5 January 2026.)",
    ),
    held_out=(
        "as I write this, it is Monday, 5 January 2026.",
        "mind the date: Monday, 5 January 2026.",
        "it is Monday here, 5 January 2026.",
        "(Sent on Monday, 5 January 2026.)",
    ),
)


def today(rng: random.Random, split: Split) -> Said:
    """Say what day it is."""
    return say(rng, split, _STATEMENT)


def when(rng: random.Random, split: Split, day: str) -> Said:
    """Say on what day something happened, YYYY-MM-DD, at most a week ago: "yesterday", "on Friday"."""
    moment = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    age = (TODAY.date() - moment.date()).days
    weekday, month = moment.strftime("%A"), moment.strftime("%B")
    date = f"on {moment.day} {month}"
    if age == 0:
        return say(rng, split, Clause(("this morning", "today"), ("earlier today", "early this morning")))
    if age == 1:
        return say(rng, split, Clause(("yesterday", date), ("on Sunday", f"on {month} {moment.day}")))
    if age == 7:
        return say(rng, split, Clause(("a week ago", date), ("seven days ago", f"on {month} {moment.day}")))
    ago = f"{_NUMBERS[age]} days ago"
    more = ("the day before yesterday",) if age == 2 else ()
    return say(rng, split, Clause((f"on {weekday}", date), (ago, f"on {month} {moment.day}", *more)))


def next_day(day: str) -> str:
    """Return the day after a day, YYYY-MM-DD."""
    return (datetime.strptime(day, "%Y-%m-%d") + timedelta(days=1)).strftime("%Y-%m-%d")
