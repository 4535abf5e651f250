"""Figures -> TensorBoard's event files, written before `write` returns.

The usual writer hands its events to a thread. On a full disk that thread dies, the queue before it fills, and the run
waits for ever; here the error comes out of `write`, where it can be told. Nothing is forced to the platter: a step does
not wait for a busy disk.
"""

import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboardX.proto import event_pb2
from tensorboardX.record_writer import masked_crc32c
from tensorboardX.summary import scalar


class Events:
    """A new event file in a directory; TensorBoard hides what older files there have of steps from `first` on."""

    def __init__(self, directory: Path, first: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        now = time.time()
        # Named by the process too: a run resumed within the same second must not write over its own file.
        self._file = (directory / f"events.out.tfevents.{now:.0f}.{os.uname().nodename}.{os.getpid()}").open("ab")
        self._record(event_pb2.Event(wall_time=now, file_version="brain.Event:2"))
        started = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._record(event_pb2.Event(wall_time=now, step=first, session_log=started))

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Write a step's figures. Raises OSError if that fails."""
        now = time.time()
        for name, value in figures.items():
            self._record(event_pb2.Event(wall_time=now, step=step, summary=scalar(name, value)))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _record(self, event: Any) -> None:
        """One record of the file: its length and the bytes, each followed by a checksum."""
        data = event.SerializeToString()
        length = struct.pack("<Q", len(data))
        for part in (length, data):
            self._file.write(part + struct.pack("<I", masked_crc32c(part)))
