"""Nothing hangs in silence: a thread that says what the run has been doing since nothing moved, and then ends it.

A run that waits for ever (a device, a file system, another process) holds its machines and says nothing. Ended, it can
be started again with --resume.
"""

import faulthandler
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from jaxrlvr.runtime.heartbeat import end


class Watchdog:
    """Watches one run from `with` to its end; `report` says what is being done, and that something moved."""

    def __init__(
        self,
        patience: float,
        ended: Callable[[str], object] = end,
        tick: float = 1.0,
        setting: str = "--guards.stall-seconds",
    ) -> None:
        """After `patience` seconds, which are the command's `setting`, it names what stands still, with every thread's
        stack; after twice as many it calls `ended` with a message. 0 watches nothing.
        """
        self._patience, self._ended, self._tick, self._setting = patience, ended, tick, setting
        self._doing, self._since, self._told = "starting", time.monotonic(), False
        self._over = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def report(self, doing: str) -> None:
        """Something moved: the run begins with `doing`."""
        self._doing, self._since, self._told = doing, time.monotonic(), False

    def __enter__(self) -> "Watchdog":
        if self._patience:
            self.report(self._doing)
            self._watching.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._patience:
            self._watching.join()

    def _watch(self) -> None:
        while not self._over.wait(self._tick):
            still, doing = time.monotonic() - self._since, self._doing
            if still > 2 * self._patience:
                self._ended(
                    f"nothing moved for {still:.0f} s while {doing}: ended. Its stacks are above; go on with --resume, "
                    f"or give it longer with {self._setting}"
                )
                return
            if still > self._patience and not self._told:
                self._told = True
                print(f"nothing has moved for {still:.0f} s while {doing}", file=sys.stderr, flush=True)
                faulthandler.dump_traceback(sys.__stderr__ or 2)
