"""A model that acts: weights on the mesh, its chat template, and the compiled sampler.

In: a model directory, a hub id, or a run directory. Out: a `Policy`, whose parameters everything else takes as an
argument.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import nnx
from transformers import AutoTokenizer

import models
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.rollout import RolloutConfig
from jaxrlvr.runtime.devices import MeshConfig, SamplingMesh, make_mesh, own_mesh, sampling_mesh
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.sampling.sampler import Sampler

SEED_MODEL = Path(models.__file__).parent / "seed"
ADAPTER = "adapter"
"""The directory, in that of a model made by supervised training, of the adapters that were added to its weights."""


@dataclass(frozen=True)
class PolicyConfig:
    """The model that learns."""

    model: str = ""
    """Directory or hub id; empty for the embedded seed."""
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    """What the forward pass computes in; trained parameters and optimizer stay float32."""
    remat: str = "none"
    """What the backward pass recomputes: none, dots, full."""
    attention: Literal["auto", "reference", "fast"] = "auto"
    """The einsum form (reference), the platform's kernel (fast), or the kernel where there is one."""
    mesh: MeshConfig = field(default_factory=MeshConfig)
    sampling_mesh: SamplingMesh = field(default_factory=SamplingMesh)
    lora: models.Lora = field(default_factory=models.Lora)
    """Adapters to train instead of all parameters; the frozen weights are then kept in compute_dtype."""


@dataclass(frozen=True)
class Policy:
    """A loaded model."""

    graphdef: Any
    params: Any
    """The weights as loaded; training replaces them and passes its own."""
    chat: Chat
    mesh: Any
    config: models.ModelConfig
    sampling: MeshConfig
    """The grid in which the same devices sample."""
    source: Path
    """Where tokenizer and template came from; an export carries them along."""

    def sampler(self, rollout: RolloutConfig) -> Sampler:
        """The compiled sampler for this model, on the mesh that it samples on; of several processes, on its own part.

        Raises UserError or ModelError for a mesh that cannot be.
        """
        mesh = make_mesh(self.sampling)
        if mesh is not None and jax.process_count() > 1:
            mesh = own_mesh(mesh, jax.local_devices())
        model = nnx.merge(self.graphdef, self.params)
        model.move(mesh)
        return Sampler(
            nnx.split(model)[0],
            rollout.prefix_buckets,
            rollout.suffix_buckets,
            rollout.answer_chunk,
            self.chat.stop_token,
            self.chat.pad_token,
            mesh,
            rollout.share_prefixes,
        )


def load_policy(config: PolicyConfig) -> Policy:
    """Load model, tokenizer and template. Raises models.ModelError or UserError with one clear line."""
    source = models.resolve(config.model or str(SEED_MODEL))
    mesh = make_mesh(config.mesh)
    computed = jnp.dtype(config.compute_dtype)
    # Weights that are not updated lose nothing by being kept as they are read.
    kept = computed if config.lora.rank else jnp.dtype("float32")
    decoder = models.load(
        source,
        mesh,
        dtype=kept,
        lora=config.lora,
        compute=models.Compute(computed, config.remat, config.attention),
    )
    graphdef, params = nnx.split(decoder)
    sampling = sampling_mesh(config.sampling_mesh, config.mesh, weight_bytes(decoder.config, config.compute_dtype))
    return Policy(graphdef, params, load_chat(source), mesh, decoder.config, sampling, source)


def weight_bytes(model: models.ModelConfig, compute_dtype: str) -> int:
    """What a whole copy of the weights takes, as they are computed with."""
    return jnp.dtype(compute_dtype).itemsize * models.parameter_count(model)


def inspect_model(config: PolicyConfig) -> tuple[str, models.ModelConfig, Chat | None]:
    """What can be told of a model without its weights: its name, architecture, and chat if a tokenizer is there.

    A hub id is not fetched: its architecture comes from the published shapes. Of a directory that holds weights, their
    headers are checked.
    """
    name = config.model or str(SEED_MODEL)
    if Path(name).is_dir() or name not in models.PRESETS:
        directory = Path(name) if Path(name).is_dir() else models.resolve(name)
        has_tokenizer = (directory / "tokenizer.json").is_file()
        if list(directory.glob("*.safetensors")):
            models.check_files(directory)
        return name, models.read_config(directory), load_chat(directory) if has_tokenizer else None
    return name, models.PRESETS[name], None


def load_chat(source: Path) -> Chat:
    """The chat of a model directory."""
    try:
        return Chat.of(AutoTokenizer.from_pretrained(source))
    except Exception as error:  # the library raises many kinds, some of long texts
        raise UserError(f"{source} has no usable tokenizer: {str(error).strip().splitlines()[0]}") from error
