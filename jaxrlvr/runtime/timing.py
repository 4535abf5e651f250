"""Figures of a step, and the wall-clock seconds of a block of code among them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

Figures = dict[str, float]
"""Measurements by name, such as `reward` or `seconds/update`, as in a line of metrics.jsonl."""


@contextmanager
def timed(figures: Figures, name: str) -> Iterator[None]:
    """Add the wall-clock seconds of the block to `figures[name]`, unless it raises."""
    start = time.monotonic()
    yield
    figures[name] = figures.get(name, 0.0) + time.monotonic() - start
