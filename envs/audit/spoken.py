"""Days and durations that a request gives in words, in the form in which calls hold them.

A request that states the day lets its reader know what "on Friday" means; "2 hours and 15 minutes" is "2h 15m".
"""

import re
from datetime import timedelta

from envs.requests.dates import TODAY

_ONE_DAY = timedelta(days=1)
_OLDEST = 7
"""The greatest age of a day that a request speaks of."""
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven")
_DURATION = re.compile(r"(?:(\d+) hours?)?(?: and )?(?:(\d+) minutes)?")


def spelled_out(request: str) -> str:
    """Return the request followed by the days, as YYYY-MM-DD, and the durations that it gives in words."""
    durations = [
        " ".join(f"{count}{unit}" for count, unit in zip(found.groups(), "hm", strict=True) if count)
        for found in _DURATION.finditer(request)
        if found[0].strip()
    ]
    return " ".join((request, *_days(request.lower()), *filter(None, durations)))


def _days(request: str) -> list[str]:
    """Return the days that a request in lower case speaks of; none if it does not state the current one."""
    if f"{TODAY.day} {TODAY:%B} {TODAY.year}".lower() not in request:
        return []
    days = [TODAY - timedelta(days=age) for age in range(_OLDEST + 1)]
    spoken = [re.search(rf"\b({'|'.join(_names(age))})\b", request) for age in range(len(days))]
    # A query for one day ends before the next.
    return [f"{d:%Y-%m-%d}" for day, found in zip(days, spoken, strict=True) if found for d in (day, day + _ONE_DAY)]


def _names(age: int) -> list[str]:
    """Return what people call the day of an age in days, in lower case."""
    day = TODAY - timedelta(days=age)
    names = [f"on {day:%A}"] if 0 < age < 7 else []
    names += [f"{day.day} {day:%B}", f"{day:%B} {day.day}", f"{_NUMBERS[age]} days ago"]
    names += {0: ["today", "this morning"], 1: ["yesterday"], 2: ["the day before yesterday"], 7: ["a week ago"]}.get(
        age, []
    )
    return [name.lower() for name in names]
