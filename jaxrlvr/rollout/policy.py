"""Load a model to act with: weights on the mesh, chat template, compiled sampler.

In: a model directory or a hub id. Out: a `Policy`, whose parameters all other code takes as an argument.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import nnx
from transformers import AutoTokenizer

import models
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.rollout import RolloutConfig
from jaxrlvr.runtime.devices import MeshConfig, SamplingMesh, abstract_mesh, make_mesh, own_mesh, sampling_mesh
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import setting
from jaxrlvr.sampling.sampler import Sampler
from models.sharding import padded

SEED_MODEL = Path(models.__file__).parent / "seed"
ADAPTER = "adapter"
"""Directory of the adapters, inside of the directory of a model that they are merged into (supervised training)."""


@dataclass(frozen=True)
class PolicyConfig:
    """The model that learns."""

    model: str = ""
    """Model directory or hub id; empty for the embedded seed."""
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    """Data type of the forward pass; trained parameters and optimizer state stay float32."""
    remat: str = setting("none", on_resume="rounding")
    """Values recomputed in the backward pass, not stored: none; dots, all but matrix products; full, each layer from
    its input; offload, as full, with the inputs in host memory.
    """
    attention: Literal["auto", "reference", "fast"] = setting("auto", on_resume="rounding")
    """Einsum attention (reference), the platform's kernel (fast), or the kernel where there is one (auto)."""
    mesh: MeshConfig = field(default_factory=MeshConfig)
    sampling_mesh: SamplingMesh = field(default_factory=SamplingMesh)
    lora: models.Lora = field(default_factory=models.Lora)
    """Train adapters instead of all parameters; the frozen weights are stored in compute_dtype."""


@dataclass(frozen=True)
class Placement:
    """A model on the devices of a run."""

    model: models.ModelConfig
    """With the run's adapters, and the vocabulary padded to divide over the training mesh."""
    training_mesh: MeshConfig
    sampling_mesh: MeshConfig
    """Mesh of the same devices while sampling."""
    weight_bytes: int
    """A whole copy of the weights in the compute dtype."""


def make_placement(config: PolicyConfig, model: models.ModelConfig) -> Placement:
    """Return how a model is spread over the devices that the settings name."""
    model = padded(replace(model, lora=config.lora), abstract_mesh(config.mesh))
    weight_bytes = jnp.dtype(config.compute_dtype).itemsize * models.parameter_count(model)
    sampling = sampling_mesh(config.sampling_mesh, config.mesh, weight_bytes)
    return Placement(model, config.mesh, sampling, weight_bytes)


@dataclass(frozen=True)
class Policy:
    """A loaded model."""

    graphdef: Any
    params: Any
    """The weights as loaded; training passes updated ones instead."""
    chat: Chat
    mesh: Any
    """The training mesh (`jax.sharding.Mesh`), or None for a single device."""
    placement: Placement
    source: Path
    """Directory of tokenizer and template, which an export copies."""

    @property
    def config(self) -> models.ModelConfig:
        """The model's architecture."""
        return self.placement.model

    def sampler(self, rollout: RolloutConfig) -> Sampler:
        """Return the compiled sampler for this model, on the sampling mesh; with several processes, on this one's part.

        Raises UserError or ModelError for a mesh that the devices cannot form.
        """
        mesh = make_mesh(self.placement.sampling_mesh)
        if mesh is not None and jax.process_count() > 1:
            mesh = own_mesh(mesh, jax.local_devices())
        model = nnx.merge(self.graphdef, self.params)
        model.move(mesh)
        return Sampler(
            graphdef=nnx.split(model)[0],
            prefix_buckets=rollout.prefix_buckets,
            suffix_buckets=rollout.suffix_buckets,
            answer_chunk=rollout.answer_chunk,
            stop_token=self.chat.stop_token,
            pad_token=self.chat.pad_token,
            mesh=mesh,
            share_prefixes=rollout.share_prefixes,
        )


def load_policy(config: PolicyConfig) -> Policy:
    """Load model, tokenizer and template. Raises models.ModelError or UserError, in one line."""
    source = models.resolve(config.model or str(SEED_MODEL))
    mesh = make_mesh(config.mesh)
    computed = jnp.dtype(config.compute_dtype)
    # Weights that are not updated lose nothing in the type that they are computed in.
    stored = computed if config.lora.rank else jnp.dtype("float32")
    decoder = models.load(
        source,
        mesh,
        dtype=stored,
        lora=config.lora,
        compute=models.Compute(computed, config.remat, config.attention),
    )
    graphdef, params = nnx.split(decoder)
    return Policy(graphdef, params, load_chat(source), mesh, make_placement(config, decoder.config), source)


def inspect_model(config: PolicyConfig) -> tuple[str, models.ModelConfig, Chat | None]:
    """Return name, architecture and, if it has a tokenizer, chat of a model without loading its weights.

    A hub id with published shapes is not downloaded: its architecture comes from `models.PRESETS`. In a directory with
    weights, their headers are checked.
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
    """Load the chat of a model directory. Raises UserError if its tokenizer does not load."""
    try:
        return Chat.of(AutoTokenizer.from_pretrained(source))
    except Exception as error:  # the library raises many kinds, some of long texts
        raise UserError(f"{source} has no usable tokenizer: {str(error).strip().splitlines()[0]}") from error
