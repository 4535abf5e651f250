"""One process per run directory: a lock that the operating system lets go of when its holder dies, however it dies."""

import fcntl
import os
import socket
from pathlib import Path
from typing import IO

from jaxrlvr.runtime.errors import UserError

NAME = "lock"
"""The file in the run directory; it says who holds it, and stays behind unlocked."""


def locked(directory: Path) -> IO[str]:
    """Hold the directory's lock until the returned file is closed or the process ends.

    Raises UserError naming the holder if another process has it. A file system without locks is trusted.
    """
    file = (directory / NAME).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise UserError(f"{directory} is being trained by {holder}: wait for it or stop it first") from None
    except OSError:
        return file
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    file.flush()
    return file
