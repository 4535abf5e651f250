"""Wall seconds of a stretch of code, added up under a name."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def timed(figures: dict[str, float], name: str) -> Iterator[None]:
    """Add the wall seconds of the block to `figures[name]`."""
    began = time.monotonic()
    yield
    figures[name] = figures.get(name, 0.0) + time.monotonic() - began
