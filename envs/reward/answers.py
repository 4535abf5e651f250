"""Values named in an answer: what a last turn says in words, compared with what it could say."""

import re
from collections.abc import Iterable


def named(text: str, values: Iterable[str]) -> set[str]:
    """Return the values that a text names, in lower case. Whole words only; a longer value hides those inside it."""
    longest = sorted(map(re.escape, values), key=len, reverse=True)
    return {name.lower() for name in re.findall(rf"(?<!\w)(?:{'|'.join(longest)})(?!\w)", text, re.IGNORECASE)}
