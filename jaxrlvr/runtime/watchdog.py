"""Watchdog: report a run that makes no progress, with every thread's stack, then end it.

A run that waits forever (for a device, a file system, another process) holds its machines and prints nothing. Once
ended it can be started again with --resume.
"""

import faulthandler
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from jaxrlvr.runtime.heartbeat import abort


class Watchdog:
    """Watches the run inside its `with` block; each `report` counts as progress and names the activity that begins."""

    def __init__(
        self,
        patience: float,
        on_stall: Callable[[str], object] = abort,
        tick: float = 1.0,
        setting: str = "--guards.stall-seconds",
    ) -> None:
        """After `patience` seconds without a report, print the activity and every thread's stack; after twice as many,
        call `on_stall` with a message that names `setting`, the option that sets `patience`. 0 disables the watchdog.
        `tick` is the interval between checks in seconds.
        """
        self._patience, self._on_stall, self._tick, self._setting = patience, on_stall, tick, setting
        self._activity, self._last_report, self._warned = "starting", time.monotonic(), False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def report(self, activity: str) -> None:
        """Record progress; `activity` begins."""
        self._activity, self._last_report, self._warned = activity, time.monotonic(), False

    def __enter__(self) -> "Watchdog":
        if self._patience:
            self.report(self._activity)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        if self._patience:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(self._tick):
            seconds, activity = time.monotonic() - self._last_report, self._activity
            if seconds > 2 * self._patience:
                self._on_stall(
                    f"no progress for {seconds:.0f} s while {activity}; the stacks are above. Go on with --resume, or "
                    f"raise {self._setting}"
                )
                return
            if seconds > self._patience and not self._warned:
                self._warned = True
                print(f"no progress for {seconds:.0f} s while {activity}", file=sys.stderr, flush=True)
                faulthandler.dump_traceback(sys.__stderr__ or 2)
