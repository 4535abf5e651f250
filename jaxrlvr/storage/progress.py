"""Host-side training state saved in each checkpoint, so that a resumed run makes the same decisions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Progress:
    """Updated by `guards` and `curriculum` after each step."""

    norms: list[float] = field(default_factory=list)
    """Gradient norms of the latest updates that were applied."""
    skipped: list[int] = field(default_factory=list)
    """Steps whose update was skipped."""
    mismatched: int = 0
    """Consecutive steps in which the log-probabilities of sampler and learner differed too much."""
    rates: dict[str, list[float]] = field(default_factory=dict)
    """Recent successes and attempts of each kind of task."""

    def to_notes(self) -> dict[str, Any]:
        """Return plain data for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any]) -> "Progress":
        """Read what `to_notes` returned; checkpoints of early versions have none of it and give the defaults."""
        return cls(**notes)
