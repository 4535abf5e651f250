"""Buckets: the few lengths that programs are compiled for; shorter inputs are padded."""

from collections.abc import Sequence

from jaxrlvr.runtime.errors import UserError


def bucket(length: int, ladder: Sequence[int], what: str) -> int:
    """Return the smallest size of `ladder` that holds `length`. Raises UserError naming the ladder when none does."""
    for size in ladder:
        if length <= size:
            return size
    raise UserError(
        f"{what} of {length} tokens is longer than the largest bucket, {max(ladder)}: add a bucket of at least {length}"
    )
