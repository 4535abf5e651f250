"""State <-> disk: everything the next step depends on, through Orbax.

Parameters and optimizer state are arrays; all else (tasks, random keys, learning rate) follows from the config and the
step number.
"""

from pathlib import Path
from typing import Any, TypeVar

import jax
import orbax.checkpoint as ocp

from jaxrlvr.errors import UserError

T = TypeVar("T")


class Checkpoints:
    """The checkpoints of one run, newest `keep` of them."""

    def __init__(self, directory: Path, keep: int) -> None:
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, enable_async_checkpointing=False)
        handler = ocp.StandardCheckpointHandler()
        self._manager = ocp.CheckpointManager(directory.absolute(), options=options, item_handlers=handler)

    def latest(self) -> int | None:
        """The step of the newest checkpoint, or None."""
        return self._manager.latest_step()

    def save(self, step: int, state: Any) -> None:
        """Write the state after `step` steps; a step that is already there is left alone."""
        if step not in self._manager.all_steps():
            self._manager.save(step, args=ocp.args.StandardSave(_as_tree(state)))
            self._manager.wait_until_finished()

    def restore(self, like: T) -> tuple[int, T]:
        """The newest checkpoint in the shapes and shardings of `like`. Raises UserError if there is none or its shapes
        differ.
        """
        step = self.latest()
        if step is None:
            raise UserError("the run has no checkpoint to go on from: start it again with another --run-dir")
        template = jax.tree.map(ocp.utils.to_shape_dtype_struct, _as_tree(like))
        try:
            wanted, stored = _shapes(template), _shapes(self._manager.item_metadata(step).tree)
        except Exception as error:  # damaged files fail in many places of Orbax
            raise self._damaged(step, error) from error
        if wanted != stored:
            differing = sum(wanted.get(name) != stored.get(name) for name in wanted | stored)
            raise UserError(
                f"checkpoint {step} does not fit the model of the config: {differing} of {len(wanted)} arrays have "
                "other shapes; is the model directory still the one that the run started from?"
            )
        try:
            tree = self._manager.restore(step, args=ocp.args.StandardRestore(template))
        except Exception as error:
            raise self._damaged(step, error) from error
        leaves, structure = jax.tree.leaves(tree), jax.tree.structure(like)
        return step, jax.tree.unflatten(structure, leaves)

    def _damaged(self, step: int, error: Exception) -> UserError:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return UserError(
            f"checkpoint {self._manager.directory / str(step)} cannot be read ({reason[:200]}): delete it to "
            "go on from the one before it"
        )

    def close(self) -> None:
        """Wait for pending writes and release the directory."""
        self._manager.close()


def _shapes(tree: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(leaf.shape) for name, leaf in tree.items()}


def _as_tree(state: Any) -> dict[str, Any]:
    # Numbered leaves: Orbax need not know the optimizer's or the model's classes, and the order is the pytree's own.
    return {f"{number:05d}": leaf for number, leaf in enumerate(jax.tree.leaves(state))}
