"""Demonstrations and recorded chats to supervised batches; the seed's tokenizer and first weights."""

from jaxrlvr.imitation.stages import SFTConfig, Stage

__all__ = ["SFTConfig", "Stage"]
