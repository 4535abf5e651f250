"""Checkpoints of a run, through Orbax: everything that the next step depends on.

A checkpoint contains the arrays of the state, small notes as JSON (`storage/progress.py`), and a checksum of each
array, computed on the device. All else (tasks, random keys, learning rate) follows from the config and the step number.
Orbax writes into a temporary directory and renames it, while training goes on. A checkpoint whose checksums differ when
it is read is damaged, and the one before it is used.
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
    """A checkpoint that was read and matches its checksums."""

    step: int
    state: T
    notes: dict[str, Any]


class _Damaged(Exception):
    """A checkpoint that cannot be read, or does not contain what was written."""


class Checkpoints:
    """The newest `keep` checkpoints of one run.

    Only the process that trains may set `owner`: it deletes half-written checkpoints, which a kill leaves.
    """

    def __init__(self, directory: Path, keep: int, owner: bool = False) -> None:
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, cleanup_tmp_directories=owner)
        handler = ocp.StandardCheckpointHandler()
        self._directory = directory.absolute()
        self._manager = ocp.CheckpointManager(self._directory, options=options, item_handlers=handler)

    def latest(self) -> int | None:
        """Return the step of the newest checkpoint, or None."""
        return self._manager.latest_step()

    def warm_up(self, state: T) -> T:
        """Compile the checksums of `save`. Returns the state."""
        jax.block_until_ready(_checksums(jax.tree.leaves(state)))
        return state

    def save(self, step: int, state: Any, notes: Mapping[str, Any] | None = None) -> None:
        """Start writing the state after `step` steps, unless there is a checkpoint of that step.

        Returns as soon as the state may be donated to the next update; `finish` waits for the disk. Raises RunStopped
        if this write, or the one before it, fails.
        """
        if step in self._manager.all_steps():
            return
        text = json.dumps(notes or {}).encode()
        sums = np.append(np.asarray(_checksums(jax.tree.leaves(state))), np.uint32(zlib.crc32(text)))
        tree, copied = _detached(_as_tree(state))
        tree |= {NOTES: np.frombuffer(text, np.uint8), CHECKSUMS: sums}
        try:
            self._manager.save(step, args=ocp.args.StandardSave(tree))
        except Exception as error:  # a full disk raises many kinds of errors
            raise self._write_error(error) from error
        if not copied:
            self.finish()

    def finish(self) -> None:
        """Wait until the last checkpoint is on disk. Raises RunStopped if it cannot be written."""
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            raise self._write_error(error) from error

    def restore(self, like: T) -> Restored[T]:
        """Restore the newest whole checkpoint in the shapes and shardings of `like`, and report damaged ones.

        Raises UserError if there is none or its shapes differ.
        """
        return self.restore_by(lambda step: like)

    def restore_by(self, like: Callable[[int], T]) -> Restored[T]:
        """Like `restore`, with shapes and shardings that depend on the checkpoint's step."""
        steps = sorted(self._manager.all_steps(), reverse=True)
        if not steps:
            raise UserError("the run has no checkpoint to continue from: start it again with another --run-dir")
        for step in steps:
            try:
                return self._read(step, like(step))
            except _Damaged as error:
                console.say(f"checkpoint {self._directory / str(step)} is damaged ({error}): using the one before it")
        raise UserError(
            f"no checkpoint in {self._directory} can be read: restore one from a copy, or delete them all to begin "
            "again with the first step"
        )

    def forget_after(self, step: int) -> None:
        """Rename later checkpoints to damaged-N: the resumed run makes their steps again."""
        later = [saved for saved in self._manager.all_steps() if saved > step]
        if jax.process_index() == 0:
            for number in later:
                damaged = self._directory / f"damaged-{number}"
                shutil.rmtree(damaged, ignore_errors=True)
                (self._directory / str(number)).rename(damaged)
        if later and jax.process_count() > 1:
            multihost_utils.sync_global_devices("damaged checkpoints are renamed")
        self._manager.reload()

    def close(self) -> None:
        """Wait for pending writes and release the directory."""
        self._manager.close()

    def _read(self, step: int, like: T) -> Restored[T]:
        template: dict[str, Any] = jax.tree.map(ocp.utils.to_shape_dtype_struct, _as_tree(like))
        try:
            stored = _shapes(self._manager.item_metadata(step).tree)
        except Exception as error:  # damaged files raise many kinds of errors in Orbax
            raise _Damaged(_reason(error)) from error
        extra = {name: stored.pop(name) for name in (NOTES, CHECKSUMS) if name in stored}
        expected = _shapes(template)
        if expected != stored:
            differing = sum(expected.get(name) != stored.get(name) for name in expected | stored)
            raise UserError(
                f"checkpoint {step} does not fit the model of the config: {differing} of {len(expected)} arrays have "
                "other shapes; is the model directory still the one that the run started from?"
            )
        dtypes = {NOTES: np.uint8, CHECKSUMS: np.uint32}
        template |= {name: np.zeros(shape, dtypes[name]) for name, shape in extra.items()}
        try:
            tree = self._manager.restore(step, args=ocp.args.StandardRestore(template))
            text = bytes(np.asarray(tree.pop(NOTES, np.frombuffer(b"{}", np.uint8))))
            written = tree.pop(CHECKSUMS, None)
            leaves = jax.tree.leaves(tree)
            read = np.append(np.asarray(_checksums(leaves)), np.uint32(zlib.crc32(text)))
        except Exception as error:
            raise _Damaged(_reason(error)) from error
        # Early versions wrote checkpoints without checksums.
        if written is not None and not np.array_equal(written, read):
            raise _Damaged("its arrays do not have the checksums with which they were written")
        return Restored(step, jax.tree.unflatten(jax.tree.structure(like), leaves), json.loads(text))

    def _write_error(self, error: Exception) -> RunStopped:
        last = self.latest()
        return RunStopped(
            f"a checkpoint could not be written to {self._directory} ({_reason(error)}); the last whole one is "
            f"{'that of step ' + str(last) if last is not None else 'none'}: make room, then continue with --resume"
        )


@jax.jit
def _checksums(leaves: list[jax.Array]) -> jax.Array:
    """Return one uint32 per array: the sum of its words, each times an odd number that depends on its index.

    Sums of integers do not depend on their order, so every mesh gives the same sum; changing one word changes it.
    """
    return jnp.stack([_checksum(leaf) for leaf in leaves])


def _checksum(leaf: jax.Array) -> jax.Array:
    unsigned = {1: jnp.uint8, 2: jnp.uint16, 4: jnp.uint32}
    if leaf.dtype == bool:
        leaf = leaf.astype(jnp.uint8)
    words = jax.lax.bitcast_convert_type(leaf, unsigned[leaf.dtype.itemsize]).astype(jnp.uint32)
    index, stride = jnp.zeros(leaf.shape, jnp.uint32), 1
    for axis in range(leaf.ndim):
        index += jax.lax.broadcasted_iota(jnp.uint32, leaf.shape, axis) * jnp.uint32(stride % 2**32)
        stride *= leaf.shape[axis]
    return jnp.sum(words * (2 * index + 1), dtype=jnp.uint32)


def _detached(tree: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the arrays, and whether later updates cannot overwrite them.

    Orbax copies an accelerator's arrays to the host before it returns. On a CPU host and device memory are one and the
    next update overwrites its inputs, so the arrays are copied here; those on several CPU devices are not.
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
    # Numbered leaves, in the order of the pytree: Orbax need not know the classes of optimizer and model.
    return {f"{number:05d}": leaf for number, leaf in enumerate(jax.tree.leaves(state))}
