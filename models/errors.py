"""Exceptions of this package.

ModelError                 a mistake in a config, a mesh, a shape, or a checkpoint; a ValueError
└── CheckpointError        a directory or its tensors do not match the config; lists all problems
"""

from collections.abc import Sequence


class ModelError(ValueError):
    """A model cannot be built or run with these settings. The message names the value, the expectation, and the fix."""


class CheckpointError(ModelError):
    """A checkpoint cannot be read. `problems` has one line per problem."""

    def __init__(self, summary: str, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([summary, *(f"  - {problem}" for problem in self.problems)]))
