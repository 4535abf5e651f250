"""The cost estimate of a step agrees with the compiler's figures for the compiled step."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax.sharding import AbstractMesh

import models
from models import Compute, Decoder, Prefix
from models.describe import main, parse_mesh
from models.memory_and_flops import Batch, forward_flops, step_cost
from models.sharding import MESH_AXES

ONE = AbstractMesh((1, 1, 1), MESH_AXES)
BATCH = Batch(groups=2, members=4, prefix=192, suffix=64)
# Prompts so long that stored scores would exceed everything else.
LONG = Batch(groups=2, members=4, prefix=768, suffix=64)
SHAPE = {"hidden_size": 128, "num_layers": 4, "num_heads": 4, "num_kv_heads": 2, "head_dim": 32, "mlp_size": 384}


EXPERTS = {"num_experts": 4, "experts_per_token": 2, "expert_size": 24}
LINEAR = {"linear_key_heads": 4, "linear_value_heads": 8, "linear_key_dim": 32, "linear_value_dim": 32}
LINEAR = {**LINEAR, "conv_width": 4, "full_attention_every": 2}


def abstract(config, remat):
    return nnx.split(nnx.eval_shape(lambda: Decoder(config, rngs=nnx.Rngs(0), compute=Compute(remat=remat))))


def tokens(batch):
    prefix, suffix = (batch.groups, batch.prefix), (batch.groups, batch.members, batch.suffix)
    return [jax.ShapeDtypeStruct(shape, jnp.int32) for shape in (prefix, prefix[:1], suffix)]


def hidden(model, prefix_BP, length_B, suffix_BGT):
    _, prefix = model.prefill(prefix_BP, length_B)
    return model.extend(suffix_BGT, Prefix(prefix, length_B), None, jnp.zeros(suffix_BGT.shape[:2], jnp.int32))[0]


def update_memory(config, remat, sizes=BATCH):
    """Return the compiler's memory analysis of one update by Adam."""
    graphdef, params = abstract(config, remat)
    optimizer = optax.adam(1e-3)

    def update(params, moments, *batch):
        def loss(params):
            model = nnx.merge(graphdef, params)
            hidden_ND = hidden(model, *batch).reshape(-1, config.hidden_size)
            return models.token_logprobs(hidden_ND, model.unembed_VD, batch[2].reshape(-1))[0].sum()

        updates, moments = optimizer.update(jax.grad(loss)(params), moments)
        return optax.apply_updates(params, updates), moments

    moments = jax.eval_shape(optimizer.init, params)
    step = jax.jit(update, donate_argnums=(0, 1)).lower(params, moments, *tokens(sizes))
    return step.compile().memory_analysis()


@pytest.mark.parametrize(
    ("remat", "more", "sizes"),
    [
        ("full", {}, BATCH),
        ("none", {}, BATCH),
        ("none", {}, LONG),
        pytest.param("dots", {}, BATCH, marks=pytest.mark.slow),
        pytest.param("full", LINEAR, BATCH, marks=pytest.mark.slow),
    ],
)
def test_step_cost__agrees_with_the_compiler_on_an_update(make_config, remat, more, sizes):
    config = make_config(vocab_size=512, **SHAPE, **more)
    cost, compiled = step_cost(config, ONE, sizes, jnp.float32, remat), update_memory(config, remat, sizes)
    whole = cost.weights + cost.optimizer
    # In addition: Adam's count and the tokens.
    assert compiled.argument_size_in_bytes == whole + 4 * (1 + sizes.groups * (sizes.prefix + 1 + 4 * sizes.suffix))
    # The compiler counts the gradients among its temporaries.
    assert 0.75 < (cost.activations + cost.gradients) / compiled.temp_size_in_bytes < 1.33


@pytest.mark.parametrize("more", [{}, LINEAR])
def test_forward_flops__are_what_the_compiler_counts(make_config, more):
    config = make_config(vocab_size=512, **SHAPE, **more)
    graphdef, params = abstract(config, "none")

    def forward(params, *batch):
        # Unrolled: of a scan the compiler counts the body once.
        model = nnx.merge(graphdef, params).unrolled()
        return model.logits(hidden(model, *batch))

    counted = jax.jit(forward).lower(params, *tokens(BATCH)).compile().cost_analysis()["flops"]
    # What the last layer would make of prefixes is not needed, and left out by the compiler.
    assert 1 < forward_flops(config, BATCH) / counted < 1.15


@pytest.mark.parametrize("more", [{}, EXPERTS, LINEAR])
def test_step_cost__of_a_mesh_equals_its_devices_shards(make_config, more):
    config = make_config(num_heads=4, vocab_size=64, **more)
    mesh = models.make_mesh(2, 2, 2)
    graphdef, params = abstract(config, "none")
    cost = step_cost(config, mesh, Batch(4, 3, 10, 6), jnp.bfloat16, "none")
    shardings = zip(jax.tree.leaves(params), jax.tree.leaves(models.param_shardings(config, params, mesh)), strict=True)
    held = sum(4 * math.prod(sharding.shard_shape(param.shape)) for param, sharding in shardings)
    assert (cost.weights, cost.gradients, cost.optimizer) == (held, held, 2 * held)
    assert cost == step_cost(config, parse_mesh("data=2,fsdp=2,tensor=2"), Batch(4, 3, 10, 6), jnp.bfloat16, "none")


@pytest.mark.parametrize("more", [{}, LINEAR])
def test_step_cost__of_caches_is_their_size(make_config, more):
    config = make_config(**more)
    cost = step_cost(config, ONE, Batch(2, 3, 10, 6), jnp.bfloat16, "none")
    graphdef, params = nnx.split(
        nnx.eval_shape(lambda: Decoder(config, rngs=nnx.Rngs(0), compute=Compute(jnp.bfloat16)))
    )
    prefill = lambda p: nnx.merge(graphdef, p).prefill(np.zeros((2, 10), np.int32), np.full(2, 10))[1]  # noqa: E731
    suffix = models.empty_suffix_cache(config, 2, 3, 6, jnp.bfloat16, unrolled=True)
    for size, cache in ((cost.prefix_cache, jax.eval_shape(prefill, params)), (cost.suffix_cache, suffix)):
        assert size == sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(cache))


def test_describe__prints_the_cost_and_allocates_nothing(capsys):
    before = len(jax.live_arrays())
    command = "Qwen3-235B-A22B --mesh fsdp=32,tensor=4 --groups 32 --members 8 --prefix 1536 --suffix 512"
    assert main(command.split()) == 0
    out = capsys.readouterr().out
    assert len(jax.live_arrays()) == before
    assert "235,093,634,560, of which a token uses 22,190,763,520" in out
    cost = step_cost(
        models.PRESETS["Qwen/Qwen3-235B-A22B"],
        parse_mesh("fsdp=32,tensor=4"),
        Batch(32, 8, 1536, 512),
        jnp.bfloat16,
        "full",
    )
    assert f"{cost.weights / 1e9:.2f} GB (float32)" in out and f"{cost.update_flops:.3g} to update" in out


def test_describe__of_offload_prints_host_memory_and_a_note_on_cpus(capsys):
    command = "Qwen3-0.6B --groups 4 --members 2 --prefix 100 --suffix 50 --remat"
    out = {}
    for remat in ("full", "offload"):
        assert main([*command.split(), remat]) == 0
        out[remat] = capsys.readouterr().out
    inputs = 28 * 4 * (100 + 2 * 50) * 1024 * 2
    assert f"on its host  {inputs / 1e6:.2f} MB of layers' inputs" in out["offload"]
    assert (
        "on a CPU device memory is host memory, so offload saves nothing there" in out["offload"]
        and "on its host" not in out["full"]
    )


def test_describe__reads_a_directory_and_reports_mistakes(capsys):
    assert main([str(Path(models.__file__).parent / "seed")]) == 0
    assert "qwen3, dense" in capsys.readouterr().out
    for arguments, message in (
        (["Qwen9-1B"], "no preset 'Qwen9-1B': expected a model directory or one of Qwen/Qwen3-0.6B"),
        (["Qwen3-4B", "--mesh", "fsdp=8,fsdp=4"], "--mesh 'fsdp=8,fsdp=4': expected sizes of data, fsdp, tensor, each"),
        (["Qwen3-4B", "--mesh", "pipe=2"], "--mesh 'pipe=2': expected sizes of data, fsdp, tensor"),
        (["Qwen3-30B-A3B", "--mesh", "expert=2"], "Experts have no axis of their own: tensor spreads them"),
        (["Qwen3-30B-A3B", "--mesh", "tensor=256"], "num_experts 128 is not a multiple of tensor=256"),
        (["Qwen3-4B", "--mesh", "tensor=3"], "the model does not divide over the mesh: num_heads 32"),
        (["Qwen3-4B", "--mesh", "fsdp=8", "--groups", "9"], "--groups 9 must be a multiple of 8"),
        (["Qwen3-4B", "--suffix", "0"], "--suffix is 0: expected 1 or more"),
    ):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert message in error and len(error.splitlines()) == 1
