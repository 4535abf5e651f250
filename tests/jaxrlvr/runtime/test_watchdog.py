"""Laws of the watchdog: it reports a run without progress, ends it later, and leaves other runs alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jaxrlvr.runtime.watchdog import Watchdog


@contextmanager
def started() -> Iterator[Callable[[], set[threading.Thread]]]:
    """Yield a function that returns the threads started since; threads of earlier tests may end at any instant."""
    before = set(threading.enumerate())
    yield lambda: set(threading.enumerate()) - before


def test_watchdog__reports_a_stall_and_then_ends_the_run(capfd):
    ended, messages = threading.Event(), []

    def end(message):
        messages.append(message)
        ended.set()

    with Watchdog(0.05, end, tick=0.01) as watchdog:
        watchdog.report("sampling for step 3")
        assert ended.wait(20)
    err = capfd.readouterr().err
    assert "no progress for 0 s while sampling for step 3" in err
    assert "test_watchdog" in err, "the stacks show where"
    assert (
        len(messages) == 1
        and "while sampling for step 3; the stacks are above" in messages[0]
        and "--resume" in messages[0]
    )


def test_watchdog__prints_nothing_while_there_is_progress(capfd):
    messages = []
    with Watchdog(5.0, messages.append, tick=0.001) as watchdog:
        for number in range(50):
            watchdog.report(f"part {number}")
            threading.Event().wait(0.002)
    assert messages == [] and capfd.readouterr().err == ""


def test_watchdog__without_patience_watches_nothing():
    with started() as threads, Watchdog(0):
        assert not threads()


def test_watchdog__is_gone_after_the_run():
    with started() as threads:
        with Watchdog(60, tick=0.001):
            (thread,) = threads()
        assert not thread.is_alive()
