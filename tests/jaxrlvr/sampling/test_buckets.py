"""Laws of buckets."""

import pytest

from jaxrlvr.runtime.errors import UserError
from jaxrlvr.sampling.buckets import bucket


def test_bucket__is_the_smallest_that_holds_it():
    assert [bucket(n, (4, 8, 16), "x") for n in (1, 4, 5, 8, 16)] == [4, 4, 8, 8, 16]


def test_bucket__refuses_what_none_holds():
    with pytest.raises(UserError, match="a prompt of 17 tokens .* largest bucket, 16: add a bucket of at least 17"):
        bucket(17, (4, 8, 16), "a prompt")
