"""Run a command on several processes, one per host: each samples its own groups, all of them make one update.

Processes meet through `jax.distributed`: on a TPU slice, in GKE and under SLURM without flags, elsewhere with
`--coordinator HOST:PORT --processes N --process K`. The learner works on one mesh over all devices;
`rollout/multihost.py` divides the sampling. With a single process every function here does nothing.
"""

import importlib.util
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxrlvr.runtime import console, heartbeat
from jaxrlvr.runtime.errors import Parser, UserError
from jaxrlvr.runtime.interrupt import Interruption

T = TypeVar("T")

JAX_SILENCE = 40
"""Seconds of silence after which JAX itself takes a process for lost; `heartbeat` notices most losses at once."""
_CHUNK = 1 << 20


def multi_process(main: Callable[[list[str]], int | None]) -> Callable[[list[str]], int | None]:
    """Return `main` with the processes of the run connected before it, and this one signed off after it."""

    def run(arguments: list[str]) -> int | None:
        rest = connect(arguments)
        several = jax.distributed.is_initialized() and jax.process_count() > 1
        beats = _start_heartbeat() if several else None
        code = main(rest)
        if beats is not None:
            beats.leave()
        return code

    return run


def connect(arguments: list[str]) -> list[str]:
    """Connect to the run's other processes, if there are any. Returns the arguments without the flags for that.

    Raises UserError for flags that do not go together, and if the other processes do not appear.
    """
    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--coordinator")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--process", type=int)
    flags, rest = parser.parse_known_args(arguments)
    given = (flags.coordinator, flags.processes, flags.process)
    if given == (None, None, None):
        if in_cluster(os.environ):
            _initialize()
    elif None in given:
        raise UserError("--coordinator HOST:PORT, --processes N and --process K go together: give all three or none")
    elif ":" not in flags.coordinator or not 0 <= flags.process < flags.processes:
        raise UserError(
            f"--coordinator {flags.coordinator} --processes {flags.processes} --process {flags.process} is invalid: "
            "expected HOST:PORT of the first process, and K from 0 to N - 1"
        )
    elif flags.processes > 1:
        _initialize(flags.coordinator, flags.processes, flags.process)
    return rest


def in_cluster(environment: Mapping[str, str]) -> bool:
    """Whether the environment is that of a cluster that JAX detects: several SLURM tasks, GKE TPUs, a TPU VM."""
    slurm = {"SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID"} <= environment.keys()
    if slurm and int(environment.get("SLURM_NTASKS", "1")) > 1:
        return True
    if environment.get("JAX_PLATFORMS", "") not in ("", "tpu", "tpu,cpu") or importlib.util.find_spec("libtpu") is None:
        return False
    several_slices = int(environment.get("MEGASCALE_NUM_SLICES") or "1") > 1
    if "TPU_WORKER_HOSTNAMES" in environment:
        return several_slices or "," in environment["TPU_WORKER_HOSTNAMES"]
    return several_slices or Path("/dev/accel0").exists() or Path("/dev/vfio/0").exists()


def _initialize(coordinator: str | None = None, processes: int | None = None, process: int | None = None) -> None:
    try:
        jax.distributed.initialize(coordinator, processes, process, heartbeat_timeout_seconds=JAX_SILENCE)
    except (ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"the processes of this run cannot connect ({reason}): start all of them") from error
    if jax.process_index() > 0:
        console.quiet()


def _start_heartbeat() -> heartbeat.Heartbeat:
    def on_lost(process: int) -> None:
        heartbeat.abort(
            f"process {process} of {jax.process_count()} was lost or ended early; its own log has the reason. "
            "This process ends too. Start all processes again with --resume and the run's directory"
        )

    if jax.process_index() == 0:
        server, address = heartbeat.listen()
        allgather(address)
        return heartbeat.Heartbeat(heartbeat.accept(server, jax.process_count() - 1), on_lost)
    return heartbeat.Heartbeat(heartbeat.connect(allgather("")[0], jax.process_index()), on_lost)


def is_first() -> bool:
    """Whether this is the first process, which writes the run's records."""
    return jax.process_index() == 0


def allgather(value: Any) -> list[Any]:
    """Return every process's value, in the order of processes; each process must make the same calls in order.

    Values are pickled: they come from the run's own processes. They travel in pieces of one size, so that only one
    program is compiled.
    """
    if jax.process_count() == 1:
        return [value]
    message = pickle.dumps(value)
    message = len(message).to_bytes(8, "big") + message
    parts, longest = [b""] * jax.process_count(), 1
    while len(parts[0]) < longest:
        begin = len(parts[0])
        piece = np.frombuffer(message[begin : begin + _CHUNK].ljust(_CHUNK, b"\0"), np.uint8)
        pieces = np.asarray(multihost_utils.process_allgather(piece))
        parts = [part + row.tobytes() for part, row in zip(parts, pieces, strict=True)]
        longest = 8 + max(int.from_bytes(part[:8], "big") for part in parts)
    return [pickle.loads(part[8 : 8 + int.from_bytes(part[:8], "big")]) for part in parts]


class SharedInterruption(Interruption):
    """An interruption of any process, which all processes see at the same point."""

    def __init__(self, local: Interruption) -> None:
        super().__init__()
        self._local = local

    @property
    def requested(self) -> bool:
        """Whether any process received a signal; every process must read this equally often."""
        self.signal = self.signal or max(allgather(self._local.signal))
        return self.signal != 0


def shared_interruption(local: Interruption) -> Interruption:
    """Return the interruption for this number of processes: `local` itself for a single process."""
    return local if jax.process_count() == 1 else SharedInterruption(local)


def broadcast(make: Callable[[], T]) -> T:
    """Call `make` on the first process and return its result on all processes."""
    return allgather(make() if is_first() else None)[0]
