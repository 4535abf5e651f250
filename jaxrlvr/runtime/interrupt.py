"""Ctrl-C and SIGTERM: the step or evaluation in progress is finished, the state checkpointed, then the command ends.

A second signal ends the process at once; at most the steps since the last checkpoint are lost.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether somebody asked the run to stop."""

    def __init__(self) -> None:
        self.signal = 0

    @property
    def asked(self) -> bool:
        """True once a stop was asked for."""
        return self.signal != 0

    @property
    def exit_code(self) -> int:
        """The shell's convention, 128 plus the signal's number: 130 for Ctrl-C."""
        return 128 + self.signal


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Catch the first SIGINT or SIGTERM inside the block; the second one acts as usual."""
    interruption = Interruption()

    def note(number: int, frame: FrameType | None) -> None:
        interruption.signal = number
        # Past Python's own buffers: the signal may have come while something was written to them, and then they refuse.
        with contextlib.suppress(OSError):
            os.write(2, b"\nstopping once what is under way is done; once more to stop at once\n")
        for one, handler in before.items():
            signal.signal(one, handler)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
