"""Wall-clock time of blocks of code."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def timed(figures: dict[str, float], name: str) -> Iterator[None]:
    """Add the wall-clock seconds of the block to `figures[name]`, unless it raises."""
    began = time.monotonic()
    yield
    figures[name] = figures.get(name, 0.0) + time.monotonic() - began
