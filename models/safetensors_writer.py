"""Writer for safetensors files that holds one tensor in memory at a time.

The format (github.com/huggingface/safetensors): eight bytes with the header's length, little-endian; the header, JSON
with every tensor's dtype, shape and offsets, padded with spaces to a multiple of eight; the tensors' bytes. The
library's writer needs all tensors of a file at once; this one writes the same bytes.
"""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

ITEM_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
"""Bytes per number, by the format's dtype name."""
CODES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}
"""The format's dtype name of each parameter dtype."""
# The library sorts tensors by this order of dtypes, which has wider ones last.
_DTYPE_ORDER = ["BOOL", "U8", "I8", "I16", "F16", "BF16", "I32", "F32", "F64", "I64"]


class Entry(NamedTuple):
    """One tensor of a file and a function that reads it."""

    name: str
    dtype: str
    """The format's dtype name."""
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]

    @property
    def size(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]


def write(path: Path, entries: Sequence[Entry], metadata: dict[str, str]) -> None:
    """Write `entries` to a file in the library's order: wide dtypes first, then by name. Raises OSError."""
    ordered = sorted(entries, key=lambda entry: (-_DTYPE_ORDER.index(entry.dtype), entry.name))
    header: dict[str, object] = {"__metadata__": metadata}
    end = 0
    for entry in ordered:
        begin, end = end, end + entry.size
        header[entry.name] = {"dtype": entry.dtype, "shape": list(entry.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for entry in ordered:
            value = np.ascontiguousarray(entry.read())
            assert value.nbytes == entry.size, f"{entry.name} has {value.nbytes} bytes, its shape says {entry.size}"
            # Viewed as bytes: NumPy exports no buffers of extension dtypes such as bfloat16.
            file.write(value.reshape(-1).view(np.uint8).data)
