"""Tensors -> one safetensors file, one tensor in memory at a time.

The format (github.com/huggingface/safetensors): eight bytes with the header's length, little-endian; the header, JSON
that gives every tensor's dtype, shape and place, filled up with spaces to a multiple of eight; the tensors' bytes. The
library's own writer wants all tensors of a file at once; this one gives the same bytes.
"""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

ITEM_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
"""Bytes of a number, by the format's name of its type."""
CODES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}
"""The format's names of the types that parameters have."""
# Among types of one size the library's order, which is that of its list of types.
_LATER = ["BOOL", "U8", "I8", "I16", "F16", "BF16", "I32", "F32", "F64", "I64"]


class Entry(NamedTuple):
    """One tensor of a file, and how to get it."""

    name: str
    dtype: str
    """As the format calls it."""
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]

    @property
    def size(self) -> int:
        """Its bytes."""
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]


def write(path: Path, entries: Sequence[Entry], metadata: dict[str, str]) -> None:
    """Write a file of `entries`, in the library's order: wide types first, then by name. Raises OSError."""
    ordered = sorted(entries, key=lambda entry: (-_LATER.index(entry.dtype), entry.name))
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
            # As plain bytes: NumPy does not hand out buffers of types that are not its own.
            file.write(value.reshape(-1).view(np.uint8).data)
