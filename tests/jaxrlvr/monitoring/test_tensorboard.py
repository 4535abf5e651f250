"""Laws of event files: whole records with their checksums, and a full disk is an error, not a wait."""

import resource
import struct

import pytest
from tensorboardX.proto import event_pb2
from tensorboardX.record_writer import masked_crc32c

from jaxrlvr.monitoring.tensorboard import EventFile


def read(directory):
    """The events of every file, each record's checksums compared."""
    events = []
    for file in sorted(directory.iterdir()):
        assert file.name.startswith("events.out.tfevents.")
        data = file.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            assert struct.unpack("<I", data[8:12])[0] == masked_crc32c(data[:8])
            body = data[12 : 12 + length]
            assert struct.unpack("<I", data[12 + length : 16 + length])[0] == masked_crc32c(body)
            events.append(event_pb2.Event.FromString(body))
            data = data[16 + length :]
    return events


def test_events__are_there_as_soon_as_they_are_written(tmp_path):
    events = EventFile(tmp_path, first=1)
    events.write(3, {"reward": 0.5, "groups/useful/a": 1.0})
    version, started, *scalars = read(tmp_path)
    assert version.file_version == "brain.Event:2"
    assert started.step == 1 and started.session_log.status == event_pb2.SessionLog.START
    values = {event.summary.value[0].tag: event.summary.value[0].simple_value for event in scalars}
    assert values == {"reward": 0.5, "groups/useful/a": 1.0} and {event.step for event in scalars} == {3}
    assert all(abs(event.wall_time - version.wall_time) < 60 for event in scalars)
    events.close()


def test_events__of_a_run_that_goes_on_at_once_keep_those_before(tmp_path):
    for first in (1, 2):
        events = EventFile(tmp_path, first)
        events.write(first, {"reward": float(first)})
        events.close()
    assert [event.step for event in read(tmp_path) if event.summary.value] == [1, 2]


def test_events__on_a_full_disk_are_an_error_and_nobody_waits(tmp_path):
    events, before = EventFile(tmp_path, first=1), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            for step in range(1, 200):
                events.write(step, {f"figure/{n}": float(n) for n in range(10)})
        with pytest.raises(OSError, match="File too large"):
            events.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
