"""Turn out-of-memory and full-disk errors into one message that says how to resume."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax

from jaxrlvr.runtime.errors import RunStopped

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""Errors of a full or broken disk."""
MEMORY_OPTIONS = "--learner.micro-groups, --rollout.slots or --evaluation.batch, or --policy.remat full"
"""Options that reduce the device memory of a training run; a resumed run may change all of them."""


@contextmanager
def explain_resource_errors(run: Path, memory_options: str = MEMORY_OPTIONS) -> Iterator[None]:
    """Raise RunStopped, with the way to resume `run`, for an OSError in `DISK_ERRORS`, a MemoryError, or a
    RESOURCE_EXHAUSTED error of JAX; other errors pass unchanged. `memory_options` name the options to lower.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise RunStopped(
            f"cannot write to {run} ({error.strerror}): make room, then continue with --resume {run}"
        ) from error
    except (jax.errors.JaxRuntimeError, MemoryError) as error:
        lines = str(error).strip().splitlines()
        if not isinstance(error, MemoryError) and not (lines and lines[0].startswith("RESOURCE_EXHAUSTED")):
            raise
        raise RunStopped(
            f"memory ran out ({lines[0][:200] if lines else 'on the host'}): use smaller {memory_options}, and "
            f"continue with --resume {run}"
        ) from error
