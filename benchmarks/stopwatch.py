"""Median wall and CPU seconds of a call over repetitions, over all threads of this process."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple


class Seconds(NamedTuple):
    """The duration of a call."""

    wall: float
    cpu: float


def once(call: Callable[[], Any]) -> Seconds:
    """Time one call."""
    began, began_cpu = time.perf_counter(), time.process_time()
    call()
    return Seconds(time.perf_counter() - began, time.process_time() - began_cpu)


def middle(times: list[Seconds]) -> Seconds:
    """Return the medians of several calls."""
    return Seconds(median(seconds.wall for seconds in times), median(seconds.cpu for seconds in times))
