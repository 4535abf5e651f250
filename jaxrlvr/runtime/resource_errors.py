"""What a run says when the disk is full or memory is short: one message, and how to go on."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax

from jaxrlvr.runtime.errors import RunStopped

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""What a disk says that is full or broken."""
SMALLER = "--learner.micro-groups, --rollout.slots or --evaluation.batch, or --policy.remat full"
"""What makes a training run need less of the device's memory; all of it may change when the run goes on."""


@contextmanager
def explain_resource_errors(run: Path, smaller: str = SMALLER) -> Iterator[None]:
    """Make RunStopped, which says how to go on, of the errors of a full or broken disk and of memory that ran out, and
    of no others. `smaller` are the settings that need less memory.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise RunStopped(
            f"cannot write to {run} ({error.strerror}): make room, then go on with --resume {run}"
        ) from error
    except (jax.errors.JaxRuntimeError, MemoryError) as error:
        said = str(error).strip().splitlines()
        if not isinstance(error, MemoryError) and not (said and said[0].startswith("RESOURCE_EXHAUSTED")):
            raise
        raise RunStopped(
            f"memory ran out ({said[0][:200] if said else 'on the host'}): use smaller {smaller}, and go on with "
            f"--resume {run}"
        ) from error
