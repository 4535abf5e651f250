"""Durations such as "1w 2d 3h 20m": a week has 5 days of 8 hours; a number without unit means minutes."""

import re

_SECONDS = {"w": 5 * 8 * 3600, "d": 8 * 3600, "h": 3600, "m": 60}
_PART = re.compile(r"(\d{1,6})([wdhm]?)", re.ASCII)


def seconds(text: str) -> int | None:
    """Return the seconds of a duration, or None if the text is not one."""
    total = 0
    for part in text.split():
        match = _PART.fullmatch(part)
        if match is None:
            return None
        total += int(match[1]) * _SECONDS[match[2] or "m"]
    return total if text.strip() else None


def written(total: int) -> str:
    """Return a duration in seconds as text, largest unit first; remaining seconds are dropped."""
    parts = []
    for unit, size in _SECONDS.items():
        count, total = divmod(total, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0m"
