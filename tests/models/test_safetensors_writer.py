"""The writer writes the same bytes as the library, one tensor at a time."""

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from models.safetensors_writer import Entry, write

RNG = np.random.default_rng(0)
VALUES = {
    "layers.1.b": ("BF16", RNG.standard_normal((3, 5)).astype(ml_dtypes.bfloat16)),
    "layers.10.b": ("F32", RNG.standard_normal((2, 3, 4)).astype(np.float32)),
    "layers.2.b": ("F32", np.asfortranarray(RNG.standard_normal((4, 3)).astype(np.float32))),
    "größe": ("F16", np.ones((1,), np.float16)),
    "numbers": ("I64", np.arange(7)),
    "nothing": ("F32", np.zeros((0, 4), np.float32)),
}


@pytest.mark.parametrize("names", [list(VALUES), ["layers.1.b"], list(VALUES)[:3][::-1]])
def test_write__writes_the_bytes_of_the_library(tmp_path, names):
    library, ours = tmp_path / "library", tmp_path / "ours"
    save_file({name: np.ascontiguousarray(VALUES[name][1]) for name in names}, library, metadata={"format": "pt"})
    entries = [
        Entry(name, code, value.shape, lambda value=value: value) for name in names for code, value in [VALUES[name]]
    ]
    write(ours, entries, {"format": "pt"})
    assert ours.read_bytes() == library.read_bytes()
    for name, value in load_file(ours).items():
        np.testing.assert_array_equal(value, VALUES[name][1])


def test_write__reads_each_tensor_after_the_one_before_is_written(tmp_path):
    path, sizes = tmp_path / "file", []

    def read():
        sizes.append(path.stat().st_size)
        return np.zeros(1 << 20, np.uint8)

    write(path, [Entry(str(number), "U8", (1 << 20,), read) for number in range(3)], {})
    assert sizes[1] - sizes[0] >= 1 << 20 and sizes[2] - sizes[1] == 1 << 20
