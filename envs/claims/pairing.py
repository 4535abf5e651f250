"""Pairing of field names with values: which value a text gives to which field."""

from collections.abc import Sequence
from functools import cache
from typing import Literal

Symbol = tuple[Literal["field", "value", "separator", "line", ":", "preposition"], str]
"""A field name, a value, a word or mark that separates clauses, the end of a line, a colon, or "of" or "in"."""
Pair = tuple[str, str]
"""(field, value); an empty field for a value that stands alone."""
Reading = tuple[Pair, ...]

MOST = 12
"""Field names and values in the longest sentence that is read."""
_ALONE = 2
"""Cost of a field name or value without a partner, and of a pair with a separator between."""
_SHARED = 1
"""Cost of one value for several fields."""
_MOST_LISTED = 4


def readings(symbols: Sequence[Symbol]) -> list[Reading] | None:
    """Return the cheapest readings of a sentence; None if it is too long to read.

    A reading splits the sentence into lists: fields then as many values, values then as many fields, fields then one
    value that they share, and fields or values that stand alone.
    """
    if sum(kind in ("field", "value") for kind, _ in symbols) > MOST:
        return None
    symbols = _without_heading(symbols)
    items = [index for index, (kind, _) in enumerate(symbols) if kind in ("field", "value")]

    def gap(left: int, first: str) -> int:
        """Return the cost of pairing across the symbols between an item and the next."""
        between = {symbols[index][0] for index in range(items[left] + 1, items[left + 1])}
        separated = "separator" in between or "preposition" in between
        return _ALONE * separated + (_ALONE + 1) * ("line" in between and first == "value")

    @cache
    def best(start: int) -> tuple[int, frozenset[Reading]]:
        """Return (cost, readings) of the items from `start` on."""
        if start == len(items):
            return 0, frozenset({()})
        kind, name = symbols[items[start]]
        options: list[tuple[int, int, Reading]] = [(_ALONE, start + 1, ((("", name),) if kind == "value" else ()))]
        for length in range(1, _MOST_LISTED + 1):
            middle = start + length
            if middle >= len(items) or any(symbols[items[i]][0] != kind for i in range(start, middle)):
                break
            if symbols[items[middle]][0] == kind:
                continue
            head = [symbols[items[i]][1] for i in range(start, middle)]
            tail = [symbols[items[i]] for i in range(middle, min(middle + length, len(items)))]
            cost = gap(middle - 1, kind)
            if len(tail) == length and all(other != kind for other, _ in tail):
                texts = [text for _, text in tail]
                pairs = zip(head, texts, strict=True) if kind == "field" else zip(texts, head, strict=True)
                options.append((cost, middle + length, tuple(pairs)))
            if kind == "field" and length > 1:
                options.append((cost + _SHARED, middle + 1, tuple((field, tail[0][1]) for field in head)))
        totals = [(cost + best(after)[0], after, pairs) for cost, after, pairs in options]
        least = min(total for total, _, _ in totals)
        return least, frozenset(
            pairs + rest for total, after, pairs in totals if total == least for rest in best(after)[1]
        )

    return sorted(best(0)[1])


def _without_heading(symbols: Sequence[Symbol]) -> list[Symbol]:
    """Drop field names before the first value that are named again later: they announce what follows.

    The one that the value itself follows stays, unless a colon is between or the value is followed by the same name.
    """
    first = next((index for index, (kind, _) in enumerate(symbols) if kind == "value"), 0)
    following = next((name for kind, name in symbols[first + 1 :] if kind == "field"), "")
    stays = next((index for index in range(first - 1, -1, -1) if symbols[index][0] in ("field", ":")), 0)
    kept = []
    for index, (kind, name) in enumerate(symbols):
        heads = index < first and kind == "field" and (index != stays or name == following)
        if not heads or (kind, name) not in symbols[index + 1 :]:
            kept.append(symbols[index])
    return kept
