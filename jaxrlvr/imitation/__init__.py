"""Supervised batches from demonstrations and recorded chats, and the tokenizer and initial weights of the seed."""

from jaxrlvr.imitation.stages import SFTConfig, Stage

__all__ = ["SFTConfig", "Stage"]
