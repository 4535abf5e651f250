"""Days and moments as clients write them: `yyyy-MM-dd`, and ISO 8601 with or without fractions and offset."""

import re
from datetime import date, datetime

from envs.api.operation import Json

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)


def is_day(value: Json) -> bool:
    """Whether a value is a day that there is."""
    try:
        return isinstance(value, str) and bool(_DAY.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False


def moment(value: Json) -> datetime | None:
    """The moment that a value tells, in its own offset or none; None if it tells none."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def is_moment(value: Json) -> bool:
    """Whether a value tells a moment that there is."""
    return moment(value) is not None


def is_after(first: Json, second: Json) -> bool:
    """Whether the first moment is not before the second; offsets count only if both have one."""
    one, other = moment(first), moment(second)
    if one is None or other is None:
        return False
    if (one.tzinfo is None) != (other.tzinfo is None):
        one, other = one.replace(tzinfo=None), other.replace(tzinfo=None)
    return one >= other
