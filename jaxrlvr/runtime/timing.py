"""Wall seconds of a stretch of code, added up under a name."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


Figures = dict[str, float]
"""Measurements by name, such as `reward` or `seconds/update`, as in a line of metrics.jsonl."""


@contextmanager
def timed(figures: Figures, name: str) -> Iterator[None]:
    """Add the wall seconds of the block to `figures[name]`."""
    began = time.monotonic()
    yield
    figures[name] = figures.get(name, 0.0) + time.monotonic() - began
