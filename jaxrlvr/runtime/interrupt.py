"""Ctrl-C and SIGTERM: finish the step or evaluation in progress, save a checkpoint, then exit.

A second signal ends the process at once; at most the steps since the last checkpoint are lost.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """The first SIGINT or SIGTERM that a command received."""

    def __init__(self) -> None:
        self.signal = 0
        """The signal's number; 0 before there is one."""

    @property
    def requested(self) -> bool:
        """Whether a signal asked the run to stop."""
        return self.signal != 0

    @property
    def exit_code(self) -> int:
        """The shell's convention, 128 plus the signal's number: 130 for Ctrl-C."""
        return 128 + self.signal


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Record the first SIGINT or SIGTERM inside the block; a second one has its usual effect."""
    interruption = Interruption()

    def record(number: int, frame: FrameType | None) -> None:
        interruption.signal = number
        # Bypass Python's buffers: they refuse to be entered twice, and the signal may interrupt a write to them.
        with contextlib.suppress(OSError):
            os.write(2, b"\nfinishing this step, then saving a checkpoint; press Ctrl-C again to stop now\n")
        restore()

    def restore() -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)

    usual = {number: signal.signal(number, record) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        restore()
