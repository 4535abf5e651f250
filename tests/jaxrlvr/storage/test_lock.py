"""Laws of the run directory's lock: one living process holds it, and a dead one does not."""

import os
import signal
import subprocess
import sys

import pytest

from jaxrlvr.runtime.errors import UserError
from jaxrlvr.storage import lock
from jaxrlvr.storage.run_directory import RunDirectory

HOLD = (
    "import sys, time; from pathlib import Path; from jaxrlvr.storage.lock import acquire; "
    "held = acquire(Path(sys.argv[1])); print('held', flush=True); time.sleep(600)"
)


def test_lock__of_a_living_process_is_refused_by_name_and_of_a_killed_one_is_not(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=f"being trained by process {other.pid} on .*: wait for it or stop it"):
            lock.acquire(tmp_path)
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
        other.stdout.close()
    with lock.acquire(tmp_path):
        assert f"process {os.getpid()} on " in (tmp_path / lock.NAME).read_text()


def test_lock__is_free_after_release(tmp_path):
    lock.acquire(tmp_path).close()
    lock.acquire(tmp_path).close()


def test_lock__left_behind_does_not_make_a_directory_anothers(tmp_path):
    run = RunDirectory.reserve(str(tmp_path / "run"), "x")
    run.lock().close()
    assert RunDirectory.reserve(str(tmp_path / "run"), "x").path == run.path


def test_lock__that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write run directory .*choose another --run-dir"):
        RunDirectory(tmp_path / "file" / "run").lock()
