"""Laws of resource errors: a full disk and exhausted memory are explained in one line; other errors pass."""

import errno
import os
from pathlib import Path

import jax
import pytest

from jaxrlvr.runtime.errors import RunStopped
from jaxrlvr.runtime.resource_errors import DISK_ERRORS, explain_resource_errors

RUN = Path("runs/x")


def explained(error):
    with pytest.raises(RunStopped) as raised, explain_resource_errors(RUN):
        raise error
    assert "\n" not in str(raised.value) and str(raised.value).endswith("continue with --resume runs/x")
    return str(raised.value)


@pytest.mark.parametrize("number", DISK_ERRORS)
def test_disk__that_is_full_or_broken_is_explained(number):
    assert explained(OSError(number, os.strerror(number))).startswith(f"cannot write to runs/x ({os.strerror(number)})")


def test_memory__that_ran_out_is_explained_with_the_settings_that_need_less():
    device = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory of 12 bytes.\nmore")
    assert "(RESOURCE_EXHAUSTED: Out of memory of 12 bytes.): use smaller --learner.micro-groups" in explained(device)
    assert explained(MemoryError()).startswith("memory ran out (on the host)")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EPERM, "no"),
        jax.errors.JaxRuntimeError("INTERNAL: a bug"),
        jax.errors.JaxRuntimeError(""),
        ValueError(),
    ],
    ids=repr,
)
def test_other_errors__stay_what_they_are(error):
    with pytest.raises(type(error)) as raised, explain_resource_errors(RUN):
        raise error
    assert raised.value is error


def test_memory__of_a_real_device_runs_out():
    """JAX raises the error that the tests above construct."""
    with pytest.raises(RunStopped, match="memory ran out"), explain_resource_errors(RUN):
        jax.numpy.zeros((1 << 50,), jax.numpy.int8).block_until_ready()
