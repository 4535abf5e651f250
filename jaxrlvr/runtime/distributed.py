"""Several processes, one run: each host plays its own groups, all of them make one update.

Processes find each other through `jax.distributed`: by themselves on a TPU slice, in GKE and under SLURM, elsewhere by
the flags `--coordinator HOST:PORT --processes N --process K`. The learner works on one mesh over all devices; how they
sample is in `shares`, whose records a run keeps in `run`. With one process everything here does nothing.
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

HEARTBEAT = 40
"""Seconds of silence after which JAX itself takes a process for lost; `watch` is faster."""
_CHUNK = 1 << 20


def joined(main: Callable[[list[str]], int | None]) -> Callable[[list[str]], int | None]:
    """`main` of a command that may be one of several processes: joins the others before it and leaves them after."""

    def run(arguments: list[str]) -> int | None:
        rest = join(arguments)
        eye = _watch() if jax.distributed.is_initialized() and jax.process_count() > 1 else None
        code = main(rest)
        if eye is not None:
            eye.leave()
        return code

    return run


def join(arguments: list[str]) -> list[str]:
    """Take the flags of this module off the arguments and meet the other processes, if there are any.

    Raises UserError for flags that cannot be or when the others do not come.
    """
    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--coordinator")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--process", type=int)
    asked, rest = parser.parse_known_args(arguments)
    given = (asked.coordinator, asked.processes, asked.process)
    if given == (None, None, None):
        if detected(os.environ):
            _initialize()
    elif None in given:
        raise UserError("--coordinator HOST:PORT, --processes N and --process K go together: give all three or none")
    elif ":" not in asked.coordinator or not 0 <= asked.process < asked.processes:
        raise UserError(
            f"--coordinator {asked.coordinator} --processes {asked.processes} --process {asked.process} cannot be: "
            "expected HOST:PORT of the first process, and K from 0 to N - 1"
        )
    elif asked.processes > 1:
        _initialize(asked.coordinator, asked.processes, asked.process)
    return rest


def detected(environment: Mapping[str, str]) -> bool:
    """Whether this process is surely one of a cluster that JAX can read: SLURM tasks, GKE TPUs, a TPU VM."""
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
        jax.distributed.initialize(coordinator, processes, process, heartbeat_timeout_seconds=HEARTBEAT)
    except (ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"the processes of this run do not find each other ({reason}): start all of them") from error
    if jax.process_index() > 0:
        console.quiet()


def _watch() -> heartbeat.Heartbeat:
    """Keep an eye on the other processes from now on."""

    def lost(process: int) -> None:
        heartbeat.end(
            f"process {process} of {jax.process_count()} was lost or ended early; its own log says why. "
            "This one ends too. Start all processes again with --resume and the run's directory"
        )

    if jax.process_index() == 0:
        server, address = heartbeat.listen()
        exchange(address)
        return heartbeat.Heartbeat(heartbeat.accept(server, jax.process_count() - 1), lost)
    return heartbeat.Heartbeat(heartbeat.connect(exchange("")[0], jax.process_index()), lost)


def is_first() -> bool:
    """Whether this process writes the run's records."""
    return jax.process_index() == 0


def exchange(value: Any) -> list[Any]:
    """Every process's value, in the order of processes; each must call this at the same place.

    Pickled: it comes from the run's own processes. Sent in pieces of one size, so that only one program is compiled.
    """
    if jax.process_count() == 1:
        return [value]
    own = pickle.dumps(value)
    own = len(own).to_bytes(8, "big") + own
    parts, longest = [b""] * jax.process_count(), 1
    while len(parts[0]) < longest:
        begin = len(parts[0])
        piece = np.frombuffer(own[begin : begin + _CHUNK].ljust(_CHUNK, b"\0"), np.uint8)
        got = np.asarray(multihost_utils.process_allgather(piece))
        parts = [part + row.tobytes() for part, row in zip(parts, got, strict=True)]
        longest = 8 + max(int.from_bytes(part[:8], "big") for part in parts)
    return [pickle.loads(part[8 : 8 + int.from_bytes(part[:8], "big")]) for part in parts]


class SharedInterruption(Interruption):
    """A stop that anybody was asked for, and that all processes learn of at the same place."""

    def __init__(self, own: Interruption) -> None:
        super().__init__()
        self._own = own

    @property
    def asked(self) -> bool:
        """True once a stop was asked for; every process must read this equally often."""
        self.signal = self.signal or max(exchange(self._own.signal))
        return self.signal != 0


def shared(interruption: Interruption) -> Interruption:
    """The interruption that a run of this many processes goes by."""
    return interruption if jax.process_count() == 1 else SharedInterruption(interruption)


def first(make: Callable[[], T]) -> T:
    """What the first process makes, on all of them."""
    return exchange(make() if is_first() else None)[0]
