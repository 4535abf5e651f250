"""Laws of the watchdog: it names what stands still, ends it later, and lets what moves alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jaxrlvr.runtime.watchdog import Watchdog


@contextmanager
def started() -> Iterator[Callable[[], set[threading.Thread]]]:
    """The threads that were not there at first; those of tests before this one may end at any instant."""
    before = set(threading.enumerate())
    yield lambda: set(threading.enumerate()) - before


def test_watchdog__names_what_stands_still_and_then_ends_it(capfd):
    ended, said = threading.Event(), []

    def end(message):
        said.append(message)
        ended.set()

    with Watchdog(0.05, end, tick=0.01) as watchdog:
        watchdog.report("sampling for step 3")
        assert ended.wait(20)
    err = capfd.readouterr().err
    assert "no progress for 0 s while sampling for step 3" in err
    assert "test_watchdog" in err, "the stacks say where"
    assert len(said) == 1 and "while sampling for step 3; the stacks are above" in said[0] and "--resume" in said[0]


def test_watchdog__says_nothing_of_what_moves(capfd):
    said = []
    with Watchdog(5.0, said.append, tick=0.001) as watchdog:
        for number in range(50):
            watchdog.report(f"part {number}")
            threading.Event().wait(0.002)
    assert said == [] and capfd.readouterr().err == ""


def test_watchdog__without_patience_watches_nothing():
    with started() as threads, Watchdog(0):
        assert not threads()


def test_watchdog__is_gone_after_the_run():
    with started() as threads:
        with Watchdog(60, tick=0.001):
            (thread,) = threads()
        assert not thread.is_alive()
