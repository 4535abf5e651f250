"""What can go wrong with a model, as one small tree.

ModelError                 any mistake in a config, a mesh, a shape, or a checkpoint; a ValueError
└── CheckpointError        a directory or its tensors are not what the config promises; lists everything that is wrong
"""

from collections.abc import Sequence


class ModelError(ValueError):
    """A model cannot be built or run as asked. The message names the value, what was expected, and what to do."""


class CheckpointError(ModelError):
    """A checkpoint cannot be read. `problems` holds one line per thing that is wrong."""

    def __init__(self, summary: str, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([summary, *(f"  - {problem}" for problem in self.problems)]))
