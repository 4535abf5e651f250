"""State <-> disk: everything the next step depends on, through Orbax.

A checkpoint holds the arrays of the state, small notes as JSON (what the run has learnt about its tasks and guards),
and a checksum of each array, made on the device. All else (tasks, random keys, learning rate) follows from the config
and the step number. Orbax writes into a temporary directory and renames it, while training goes on; what is read back
must have the checksums that were taken, or the checkpoint before it is used.
"""

import json
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils

from jaxrlvr.runtime import console
from jaxrlvr.runtime.errors import RunStopped, UserError

T = TypeVar("T")
NOTES, CHECKSUMS = "notes", "checksums"


class Restored(NamedTuple, Generic[T]):
    """A checkpoint that was read and found whole."""

    step: int
    state: T
    notes: dict[str, Any]


class _Damaged(Exception):
    """A checkpoint that cannot be read, or does not hold what was written."""


class Checkpoints:
    """The checkpoints of one run, newest `keep` of them.

    Only the process that trains may set `owner`: it clears away what a kill left half-written.
    """

    def __init__(self, directory: Path, keep: int, owner: bool = False) -> None:
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, cleanup_tmp_directories=owner)
        handler = ocp.StandardCheckpointHandler()
        self._directory = directory.absolute()
        self._manager = ocp.CheckpointManager(self._directory, options=options, item_handlers=handler)

    def latest(self) -> int | None:
        """The step of the newest checkpoint, or None."""
        return self._manager.latest_step()

    def warm_up(self, state: T) -> T:
        """Compile what `save` needs. Returns the state as it was."""
        jax.block_until_ready(_checksums(jax.tree.leaves(state)))
        return state

    def save(self, step: int, state: Any, notes: Mapping[str, Any] | None = None) -> None:
        """Begin to write the state after `step` steps; a step that is already there is left alone.

        Returns once the state may be changed; `finish` waits for the disk. Raises RunStopped if this write, or the one
        before it, fails.
        """
        if step in self._manager.all_steps():
            return
        text = json.dumps(notes or {}).encode()
        sums = np.append(np.asarray(_checksums(jax.tree.leaves(state))), np.uint32(zlib.crc32(text)))
        tree, copied = _held(_as_tree(state))
        tree |= {NOTES: np.frombuffer(text, np.uint8), CHECKSUMS: sums}
        try:
            self._manager.save(step, args=ocp.args.StandardSave(tree))
        except Exception as error:  # a full disk shows in many kinds of errors
            raise self._unwritten(error) from error
        if not copied:
            self.finish()

    def finish(self) -> None:
        """Wait until the last checkpoint is on disk. Raises RunStopped if it could not be written."""
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            raise self._unwritten(error) from error

    def restore(self, like: T) -> Restored[T]:
        """The newest whole checkpoint in the shapes and shardings of `like`; damaged ones are named and passed over.

        Raises UserError if there is none or its shapes differ.
        """
        return self.restore_by(lambda step: like)

    def restore_by(self, like: Callable[[int], T]) -> Restored[T]:
        """`restore` where the shapes depend on the step that a checkpoint is of."""
        steps = sorted(self._manager.all_steps(), reverse=True)
        if not steps:
            raise UserError("the run has no checkpoint to go on from: start it again with another --run-dir")
        for step in steps:
            try:
                return self._read(step, like(step))
            except _Damaged as error:
                place = self._directory / str(step)
                console.say(f"checkpoint {place} is damaged ({error}): taking the one before it")
        raise UserError(
            f"no checkpoint in {self._directory} can be read: put a copy back, or delete them all to begin again "
            "from the first step"
        )

    def forget_after(self, step: int) -> None:
        """Set aside later checkpoints, as damaged-N: their steps will be made again."""
        later = [one for one in self._manager.all_steps() if one > step]
        if jax.process_index() == 0:
            for one in later:
                aside = self._directory / f"damaged-{one}"
                shutil.rmtree(aside, ignore_errors=True)
                (self._directory / str(one)).rename(aside)
        if later and jax.process_count() > 1:
            multihost_utils.sync_global_devices("damaged checkpoints are set aside")
        self._manager.reload()

    def close(self) -> None:
        """Wait for pending writes and release the directory."""
        self._manager.close()

    def _read(self, step: int, like: T) -> Restored[T]:
        template: dict[str, Any] = jax.tree.map(ocp.utils.to_shape_dtype_struct, _as_tree(like))
        try:
            stored = _shapes(self._manager.item_metadata(step).tree)
        except Exception as error:  # damaged files fail in many places of Orbax
            raise _Damaged(_reason(error)) from error
        extra = {name: stored.pop(name) for name in (NOTES, CHECKSUMS) if name in stored}
        wanted = _shapes(template)
        if wanted != stored:
            differing = sum(wanted.get(name) != stored.get(name) for name in wanted | stored)
            raise UserError(
                f"checkpoint {step} does not fit the model of the config: {differing} of {len(wanted)} arrays have "
                "other shapes; is the model directory still the one that the run started from?"
            )
        kinds = {NOTES: np.uint8, CHECKSUMS: np.uint32}
        template |= {name: np.zeros(shape, kinds[name]) for name, shape in extra.items()}
        try:
            tree = self._manager.restore(step, args=ocp.args.StandardRestore(template))
            text = bytes(np.asarray(tree.pop(NOTES, np.frombuffer(b"{}", np.uint8))))
            expected = tree.pop(CHECKSUMS, None)
            leaves = jax.tree.leaves(tree)
            found = np.append(np.asarray(_checksums(leaves)), np.uint32(zlib.crc32(text)))
        except Exception as error:
            raise _Damaged(_reason(error)) from error
        # Checkpoints of versions without checksums are taken as they are.
        if expected is not None and not np.array_equal(expected, found):
            raise _Damaged("its arrays do not have the checksums that were taken when it was written")
        return Restored(step, jax.tree.unflatten(jax.tree.structure(like), leaves), json.loads(text))

    def _unwritten(self, error: Exception) -> RunStopped:
        whole = self.latest()
        return RunStopped(
            f"a checkpoint could not be written to {self._directory} ({_reason(error)}); the last whole one is "
            f"{'that of step ' + str(whole) if whole is not None else 'none'}: make room, then go on with --resume"
        )


@jax.jit
def _checksums(leaves: list[jax.Array]) -> jax.Array:
    """One number per array, uint32: the sum of its words, each times an odd number that goes with its place.

    Sums of integers do not depend on their order, so any mesh gives the same; a change of one word always shows.
    """
    return jnp.stack([_checksum(leaf) for leaf in leaves])


def _checksum(leaf: jax.Array) -> jax.Array:
    unsigned = {1: jnp.uint8, 2: jnp.uint16, 4: jnp.uint32}
    if leaf.dtype == bool:
        leaf = leaf.astype(jnp.uint8)
    words = jax.lax.bitcast_convert_type(leaf, unsigned[leaf.dtype.itemsize]).astype(jnp.uint32)
    place, stride = jnp.zeros(leaf.shape, jnp.uint32), 1
    for axis in range(leaf.ndim):
        place += jax.lax.broadcasted_iota(jnp.uint32, leaf.shape, axis) * jnp.uint32(stride % 2**32)
        stride *= leaf.shape[axis]
    return jnp.sum(words * (2 * place + 1), dtype=jnp.uint32)


def _held(tree: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The arrays in a form that later updates cannot touch, and whether that could be had.

    An accelerator's arrays are copied to the host by Orbax itself. On a CPU host and device memory are one, and the
    next update writes over what it was given.
    """
    if any(device.platform != "cpu" for leaf in tree.values() for device in leaf.sharding.device_set):
        return dict(tree), True
    if all(len(leaf.sharding.device_set) == 1 for leaf in tree.values()):
        return {name: np.array(leaf) for name, leaf in tree.items()}, True
    return dict(tree), False


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _shapes(tree: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(leaf.shape) for name, leaf in tree.items()}


def _as_tree(state: Any) -> dict[str, Any]:
    # Numbered leaves: Orbax need not know the optimizer's or the model's classes, and the order is the pytree's own.
    return {f"{number:05d}": leaf for number, leaf in enumerate(jax.tree.leaves(state))}
