"""A lock on the run directory: one process trains at a time. The operating system releases it when its holder dies."""

import fcntl
import os
import socket
from pathlib import Path
from typing import IO

from jaxrlvr.runtime.errors import UserError

NAME = "lock"
"""The lock file; it names its holder, and stays in the directory after it is released."""


def acquire(directory: Path) -> IO[str]:
    """Lock the directory until the returned file is closed or the process ends.

    Raises UserError with the holder's name if another process has the lock. On a file system without locks every
    process gets it.
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
