"""Parse dates (`yyyy-MM-dd`) and times (ISO 8601, with or without fractions and offset) as clients write them."""

import re
from datetime import date, datetime

from envs.api.operation import Json

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_EXACT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}[+-]\d{4}", re.ASCII)


def is_day(value: Json) -> bool:
    """Return whether a value is a valid date."""
    try:
        return isinstance(value, str) and bool(_DAY.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False


def moment(value: Json) -> datetime | None:
    """Return the time that a value denotes, with the value's offset if it has one; None if it is not a valid time."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def is_exact_moment(value: Json) -> bool:
    """Return whether a value is a valid time in the form yyyy-MM-dd'T'HH:mm:ss.SSSZ, with an offset such as +0000."""
    return isinstance(value, str) and bool(_EXACT.fullmatch(value)) and is_moment(value)


def is_moment(value: Json) -> bool:
    """Return whether a value is a valid time."""
    return moment(value) is not None


def is_after(first: Json, second: Json) -> bool:
    """Return whether the first time is at or after the second; offsets count only if both have one."""
    later, earlier = moment(first), moment(second)
    if later is None or earlier is None:
        return False
    if (later.tzinfo is None) != (earlier.tzinfo is None):
        later, earlier = later.replace(tzinfo=None), earlier.replace(tzinfo=None)
    return later >= earlier
