"""Qwen-family decoders in Flax NNX: shared-prefix attention, one weight table for checkpoints, memory and FLOPs."""

from models.adapters import join, load_adapter, merge, read_lora, save_adapter, split
from models.cache import KVCache, Prefix, empty_suffix_cache, grow_cache, stack_cache, unroll_cache
from models.checkpoint_files import resolve
from models.config import ModelConfig
from models.decoder import Compute, Decoder
from models.errors import CheckpointError, ModelError
from models.experts import balance_loss
from models.load import check_files, load, read_config
from models.logprobs import token_logprobs
from models.lora import Lora
from models.presets import PRESETS, parameter_count
from models.save import save
from models.sharding import batch_parts, batch_sharding, check_divides, make_mesh, param_shardings

__all__ = ["PRESETS", "CheckpointError", "Compute", "Decoder", "KVCache", "Lora", "ModelConfig", "ModelError", "Prefix"]
__all__ += ["balance_loss", "batch_parts", "batch_sharding", "check_divides", "check_files", "empty_suffix_cache"]
__all__ += ["grow_cache", "join", "load", "load_adapter", "make_mesh", "merge", "param_shardings", "parameter_count"]
__all__ += ["read_config", "read_lora", "resolve", "save", "save_adapter", "split", "stack_cache", "token_logprobs"]
__all__ += ["unroll_cache"]
