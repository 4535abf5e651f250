"""Write figures to TensorBoard's event files, synchronously.

tensorboardX's own writer passes events to a thread. On a full disk that thread dies, its queue fills, and the run waits
forever; here `write` raises the error. The file is flushed but not synced, so a step does not wait for a busy disk.
"""

import os
import struct
import time
from pathlib import Path
from typing import Any

from tensorboardX.proto import event_pb2
from tensorboardX.record_writer import masked_crc32c
from tensorboardX.summary import scalar

from jaxrlvr.runtime.timing import Figures


class EventFile:
    """A new event file in a directory. TensorBoard hides events of steps from `first` on in older files there."""

    def __init__(self, directory: Path, first: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        now = time.time()
        # The name has the process id: a run resumed within the same second must not write to the same file.
        self._file = (directory / f"events.out.tfevents.{now:.0f}.{os.uname().nodename}.{os.getpid()}").open("ab")
        self._write_record(event_pb2.Event(wall_time=now, file_version="brain.Event:2"))
        started = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._write_record(event_pb2.Event(wall_time=now, step=first, session_log=started))

    def write(self, step: int, figures: Figures) -> None:
        """Write a step's figures. Raises OSError if that fails."""
        now = time.time()
        for name, value in figures.items():
            self._write_record(event_pb2.Event(wall_time=now, step=step, summary=scalar(name, value)))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write_record(self, event: Any) -> None:
        """Write a record: its length and its bytes, each followed by a checksum."""
        data = event.SerializeToString()
        length = struct.pack("<Q", len(data))
        for part in (length, data):
            self._file.write(part + struct.pack("<I", masked_crc32c(part)))
