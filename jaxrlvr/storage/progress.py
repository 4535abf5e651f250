"""What a run has learnt on its way besides its weights, kept in every checkpoint: a resumed run decides alike."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Progress:
    """Changed by `guards` and `curriculum` after each step."""

    norms: list[float] = field(default_factory=list)
    """Gradient norms of the latest updates that were made."""
    skipped: list[int] = field(default_factory=list)
    """The steps whose update was skipped."""
    mismatched: int = 0
    """Steps in a row in which sampler and learner disagreed too much."""
    rates: dict[str, list[float]] = field(default_factory=dict)
    """Of each kind of task, the successes and tries of late."""

    def to_notes(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any]) -> "Progress":
        """What `to_notes` gave; nothing for a checkpoint of a version that kept none."""
        return cls(**notes)
