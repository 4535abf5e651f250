"""Trajectory and group: one member's tokens and episode, and all members that attempt one task."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from envs.task import Task

STOPS = ("done", "turn_limit", "length", "max_turns", "fault")
"""Reasons to stop: the member called no tool; its turn reached `turn_tokens`; its suffix was full; it used all its
turns; its simulator raised an exception (no reward, no gradient)."""


@dataclass
class Trajectory:
    """A member's suffix: its tokens, which of them were sampled, and the episode that they led to."""

    episode: Any
    """`envs.Episode`, or the record of one that another process ran."""
    tokens: list[int] = field(default_factory=list)
    sampled: list[bool] = field(default_factory=list)
    """Per token: True if the model sampled it, False if it is part of a tool's answer."""
    logprobs: list[float] = field(default_factory=list)
    """Per token: log-prob under the distribution it was drawn from; 0 where nothing was sampled."""
    turns: int = 0
    """Turns that have ended."""
    stop: str = ""
    """One of STOPS, or empty while the member is active."""
    fault: str = ""
    """Traceback of the simulator's exception, if it raised one."""
    verdict: Any = None
    """`envs.Verdict`; None before scoring and after a fault."""
    turn_begin: int = 0
    """Index of the first token of the current turn."""
    version: int | None = None
    """Number of updates behind the policy that sampled all of its tokens; None if every update so far had been made."""

    def append(self, tokens: Sequence[int], logprobs: Sequence[float] | None = None) -> None:
        """Append sampled tokens with their log-probs, or a tool answer's tokens without."""
        self.tokens.extend(tokens)
        self.sampled.extend([logprobs is not None] * len(tokens))
        self.logprobs.extend([0.0] * len(tokens) if logprobs is None else logprobs)

    @property
    def valid(self) -> bool:
        """True unless the member's simulator failed; invalid members count in no mean and no gradient."""
        return self.stop != "fault"


@dataclass
class Group:
    """One task, its prompt (`prefix`, token ids), and the members that attempt it."""

    task: Task
    prefix: list[int]
    members: list[Trajectory]

    @property
    def active(self) -> bool:
        """True while a member has not stopped."""
        return any(not member.stop for member in self.members)
