"""Laws of interruption: the first signal is recorded, the second one acts."""

import signal

import pytest

from jaxrlvr.runtime.interrupt import Interruption, interruptible


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal__the_first_is_noted_and_gives_the_shells_exit_code(number, code, capfd):
    before = signal.getsignal(number)
    with interruptible() as interruption:
        assert not interruption.requested
        signal.raise_signal(number)
        assert interruption.requested and interruption.exit_code == code
    assert signal.getsignal(number) is before
    assert "finishing this step, then saving a checkpoint" in capfd.readouterr().err


def test_signal__the_second_acts_as_usual():
    # A process started in the background ignores SIGINT; "as usual" is what a foreground one does.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _second_signal_raises()
    finally:
        signal.signal(signal.SIGINT, usual)


def _second_signal_raises():
    with interruptible() as interruption:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert interruption.requested


def test_signal__handlers_come_back_after_an_error():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), interruptible():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_signal__while_standard_error_is_being_written_is_noted(monkeypatch):
    """Its buffers are not to be entered twice: the handler's text goes past them."""

    class Busy:
        def write(self, text):
            raise RuntimeError("reentrant call")

        flush = write

    monkeypatch.setattr("sys.stderr", Busy())
    with interruptible() as interruption:
        signal.raise_signal(signal.SIGTERM)
        assert interruption.requested


def test_interruption__is_not_requested_at_first():
    assert not Interruption().requested
