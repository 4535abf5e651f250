"""Adapters: new ones change nothing, merging changes no logits, only they have gradients, PEFT reads them."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.extend.core import jaxprs_in_params

import models
from models import CheckpointError, Compute, Lora, ModelError, Prefix
from models.adapters import Adapter, adapters, target_of
from models.weight_table import tensors

LINEAR = {"linear_key_heads": 2, "linear_value_heads": 4, "linear_key_dim": 8, "linear_value_dim": 12, "conv_width": 4}
FAMILIES = {
    "dense": {"tie_embeddings": False},
    "biased": {"qk_norm": False, "qkv_bias": True},
    "experts": {"num_experts": 4, "experts_per_token": 2, "expert_size": 24},
    "hybrid": {**LINEAR, "full_attention_every": 2},
}
LORA = Lora(rank=3, alpha=6.0)
LENGTH_B = np.array([9, 6])


@pytest.fixture
def checkpoint(make_config, make_decoder, tmp_path):
    return models.save(make_decoder(make_config(**FAMILIES["dense"])), tmp_path / "base")


def with_adapters(checkpoint, lora=LORA, seed=0, **settings):
    """Load the model with adapters whose two factors are both nonzero."""
    decoder = models.load(checkpoint, lora=lora, **settings)
    rng = np.random.default_rng(seed)
    for _, *pair in adapters(decoder.config):
        for tensor in pair:
            old = decoder.param(tensor.path)[...]
            value = jnp.asarray(0.2 * rng.standard_normal(old.shape), old.dtype)
            decoder.param(tensor.path).set_value(jax.device_put(value, old.sharding))
    return decoder


def logits(decoder, tokens_BP, length_B=LENGTH_B):
    graphdef, params = nnx.split(decoder)

    @jax.jit
    def run(params):
        model = nnx.merge(graphdef, params)
        return model.logits(model.prefill(tokens_BP, length_B)[0])

    return np.asarray(run(params))


@pytest.mark.parametrize("family", FAMILIES)
def test_adapters__new_ones_change_nothing_and_merging_changes_no_logits(
    make_config, make_decoder, make_tokens, tmp_path, family
):
    base = make_decoder(make_config(**FAMILIES[family]))
    checkpoint, tokens_BP = models.save(base, tmp_path / "base"), make_tokens(2, 9)
    plain = logits(base, tokens_BP)
    np.testing.assert_array_equal(logits(models.load(checkpoint, lora=LORA), tokens_BP), plain)
    decoder = with_adapters(checkpoint)
    adapted = logits(decoder, tokens_BP)
    assert np.abs(adapted - plain).max() > 0.05
    np.testing.assert_allclose(logits(models.merge(decoder), tokens_BP), adapted, rtol=0, atol=5e-5)
    exported = models.load(models.save(decoder, tmp_path / "merged"))
    assert exported.config == models.read_config(checkpoint)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-6),
        nnx.split(exported)[1],
        nnx.split(models.merge(decoder))[1],
    )


@pytest.mark.parametrize("targets", [("q_proj",), ("o_proj", "down_proj"), ("all",)])
def test_adapters__change_only_their_targets(checkpoint, make_tokens, targets):
    decoder = with_adapters(checkpoint, replace(LORA, targets=targets))
    merged, base = models.merge(decoder), models.load(checkpoint)
    for tensor in tensors(base.config):
        changed = np.abs(merged.param(tensor.path)[...] - base.param(tensor.path)[...]).max() > 0
        assert changed == (target_of(tensor) is not None and ("all" in targets or target_of(tensor) in targets))


def test_adapters__tokens_one_by_one_equal_the_whole(checkpoint, make_tokens):
    decoder, tokens_BP = with_adapters(checkpoint), make_tokens(2, 9)
    expected = logits(decoder, tokens_BP, np.full(2, 9))
    model = decoder.unrolled()
    _, prefix = model.prefill(tokens_BP[:, :4], np.full(2, 4))
    suffix = models.empty_suffix_cache(decoder.config, 2, 1, 5, unrolled=True)
    extend = jax.jit(model.extend)
    for step in range(5):
        token_B11 = tokens_BP[:, None, 4 + step : 5 + step]
        hidden, suffix = extend(token_B11, Prefix(prefix, np.full(2, 4)), suffix, np.full((2, 1), step))
        np.testing.assert_allclose(model.logits(hidden)[:, 0, 0], expected[:, 4 + step], rtol=0, atol=2e-5)


def test_split__trains_only_adapters_and_join_undoes_it(checkpoint):
    params = nnx.split(with_adapters(checkpoint))[1]
    trained, frozen = models.split(params)
    assert all(issubclass(leaf.type, Adapter) for _, leaf in nnx.to_flat_state(trained))
    assert len(jax.tree.leaves(trained)) == 2 * 7
    again = models.join(trained, frozen)
    assert jax.tree.structure(again) == jax.tree.structure(params)
    jax.tree.map(np.testing.assert_array_equal, again, params)
    plain = nnx.split(models.load(checkpoint))[1]
    assert models.split(plain) == (plain, None)


def test_gradient__of_adapters_has_no_array_of_a_weight_s_size(checkpoint, make_tokens):
    graphdef, params = nnx.split(with_adapters(checkpoint))
    trained, frozen = models.split(params)
    tokens_BP = make_tokens(2, 5)

    def loss(trained, frozen):
        model = nnx.merge(graphdef, models.join(trained, frozen))
        return jnp.square(model.prefill(tokens_BP, np.full(2, 5))[0]).sum()

    grads = jax.grad(loss)(trained, frozen)
    assert all(float(jnp.abs(grad).max()) > 0 for grad in jax.tree.leaves(grads))
    # A weight's gradient is a product of activations [tokens, inputs] and [tokens, outputs]: no equation has its shape.
    forward, backward = (jax.make_jaxpr(f)(trained, frozen) for f in (loss, jax.grad(loss)))
    weights = {(32, 48), (48, 32), (2, 32, 48), (2, 48, 32), (64, 32)}
    shapes = [{tuple(v.aval.shape) for v in outputs(jaxpr.jaxpr)} & weights for jaxpr in (forward, backward)]
    everything = jax.make_jaxpr(jax.grad(loss, argnums=1))(trained, frozen)
    assert shapes[1] <= shapes[0] and {(32, 48), (48, 32)} <= {tuple(v.aval.shape) for v in outputs(everything.jaxpr)}


def outputs(jaxpr):
    """Yield the results of every product in a program, including those inside its loops."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            yield from equation.outvars
        for inner in jaxprs_in_params(equation.params):
            yield from outputs(inner)


def test_adapters__on_a_mesh_equal_one_device(checkpoint, make_tokens):
    tokens_BP, length_B = make_tokens(4, 9), np.array([9, 6, 4, 8])
    mesh = models.make_mesh(2, 2, 2)
    spread = with_adapters(checkpoint, mesh=mesh, compute=Compute(remat="full"))
    wanted = models.param_shardings(spread.config, nnx.split(spread)[1], mesh)
    for param, sharding in zip(jax.tree.leaves(nnx.split(spread)[1]), jax.tree.leaves(wanted), strict=True):
        assert param.sharding.is_equivalent_to(sharding, param.ndim)
    ours = logits(spread, tokens_BP, length_B)
    np.testing.assert_allclose(ours, logits(with_adapters(checkpoint), tokens_BP, length_B), rtol=0, atol=1e-5)


def test_adapter__saved_and_loaded_is_the_same(checkpoint, tmp_path):
    decoder = with_adapters(checkpoint, replace(LORA, targets=("q_proj", "o_proj", "up_proj")))
    models.save_adapter(decoder, tmp_path / "adapter", base=str(checkpoint))
    again = models.load(checkpoint, lora=models.read_lora(tmp_path / "adapter"))
    models.load_adapter(again, tmp_path / "adapter")
    jax.tree.map(np.testing.assert_array_equal, nnx.split(again)[1], nnx.split(decoder)[1])


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # peft calls it
@pytest.mark.parametrize("family", FAMILIES)
def test_adapter__in_peft_gives_equal_logits(make_config, make_decoder, make_tokens, tmp_path, family):
    torch = pytest.importorskip("torch", reason="needs torch: install the test extra")
    peft = pytest.importorskip("peft", reason="needs peft: install the test extra")
    import transformers

    wanted = make_config(**{"hidden_size": 48, **FAMILIES[family]})
    models.save(make_decoder(wanted), tmp_path / "base")
    decoder, tokens_BP = with_adapters(tmp_path / "base"), make_tokens(2, 9)
    models.save_adapter(decoder, tmp_path / "adapter", base=str(tmp_path / "base"))
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", attn_implementation="eager")
    theirs = peft.PeftModel.from_pretrained(theirs, tmp_path / "adapter").eval()
    with torch.no_grad():
        reference = theirs(torch.tensor(tokens_BP.astype(np.int64))).logits.numpy()
    np.testing.assert_allclose(logits(decoder, tokens_BP, np.full(2, 9)), reference, rtol=0, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # peft calls it
def test_adapter__written_by_peft_gives_equal_logits(checkpoint, make_tokens, tmp_path):
    torch = pytest.importorskip("torch", reason="needs torch: install the test extra")
    peft = pytest.importorskip("peft", reason="needs peft: install the test extra")
    import transformers

    theirs = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, attn_implementation="eager")
    wanted = peft.LoraConfig(r=2, lora_alpha=5, target_modules=["v_proj", "gate_proj"], init_lora_weights=False)
    theirs = peft.get_peft_model(theirs, wanted).eval()
    theirs.save_pretrained(tmp_path / "adapter")
    decoder = models.load(checkpoint, lora=models.read_lora(tmp_path / "adapter"))
    models.load_adapter(decoder, tmp_path / "adapter")
    tokens_BP = make_tokens(2, 9)
    with torch.no_grad():
        reference = theirs(torch.tensor(tokens_BP.astype(np.int64))).logits.numpy()
    np.testing.assert_allclose(logits(decoder, tokens_BP, np.full(2, 9)), reference, rtol=0, atol=1e-4)


def test_lora__rejects_wrong_settings(checkpoint, make_config, tmp_path):
    with pytest.raises(ModelError, match=r"lora targets qproj: .* there are q_proj, k_proj, v_proj, o_proj, gate_proj"):
        models.load(checkpoint, lora=Lora(rank=2, targets=("qproj", "k_proj")))
    experts = make_config(**FAMILIES["experts"], lora=Lora(rank=2))
    assert {target_of(weight) for weight, _, _ in adapters(experts)} == {"q_proj", "k_proj", "v_proj", "o_proj"}
    wrongs = {"rank is -1": {"rank": -1}, "alpha is 0.0": {"alpha": 0.0}, "no targets": {"targets": ()}}
    for message, wrong in wrongs.items():
        with pytest.raises(ModelError, match=message):
            Lora(**{"rank": 2, **wrong})
    with pytest.raises(ModelError, match="has no adapters"):
        models.save_adapter(models.load(checkpoint), tmp_path / "adapter")


def test_load_adapter__lists_all_problems(checkpoint, tmp_path):
    directory = models.save_adapter(with_adapters(checkpoint, replace(LORA, targets=("q_proj",))), tmp_path / "adapter")
    other = models.load(checkpoint, lora=replace(LORA, rank=2, targets=("q_proj", "k_proj")))
    with pytest.raises(CheckpointError) as caught:
        models.load_adapter(other, directory)
    name = "base_model.model.model.layers.0.self_attn."
    assert f"missing: {name}k_proj.lora_A.weight [2, 32]" in caught.value.problems
    assert f"misshapen: {name}q_proj.lora_B.weight is [48, 3], expected [48, 2]" in caught.value.problems
    settings = json.loads((directory / "adapter_config.json").read_text())
    (directory / "adapter_config.json").write_text(json.dumps(settings | {"use_dora": True, "bias": "all"}))
    with pytest.raises(CheckpointError, match=r"bias is 'all', expected 'none'(?s:.*)use_dora is True, expected False"):
        models.read_lora(directory)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lora_alpha": None}, "lora_alpha is None, expected a number above 0"),
        ({"r": "x"}, "r is 'x', expected a positive integer"),
        ({"r": 0}, "r is 0, expected a positive integer"),
        ({"exclude_modules": ["v_proj"]}, r"exclude_modules is \['v_proj'\], which is not supported"),
        ({"layers_to_transform": [0]}, r"layers_to_transform is \[0\], which is not supported"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights is 'pissa', which changes the base weights"),
        ({"target_modules": [1]}, r"target_modules is \[1\], expected a list of projections"),
    ],
)
def test_read_lora__names_unsupported_settings(tmp_path, change, message):
    settings = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "exclude_modules": None}
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    assert models.read_lora(tmp_path) == Lora(rank=2, alpha=4.0, targets=("q_proj",))
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings | change))
    with pytest.raises(CheckpointError, match=message):
        models.read_lora(tmp_path)
