"""The decoder computes what transformers computes: against a golden file, and live where torch is installed.

With -s the live comparison prints a row of docs/models.md's table for each family:
pytest -q -s -m "slow or not slow" -k goes_back tests/models/test_parity.py
"""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file

import models
import models.rope
from models import Prefix
from models.weight_table import tensors

GOLDEN = Path(__file__).parent / "golden"
SHAPE = {
    "vocab_size": 64,
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "intermediate_size": 80,
    "max_position_embeddings": 128,
    "rope_parameters": {"rope_type": "default", "rope_theta": 300.0},
    "attn_implementation": "eager",
}
EXPERTS = {"num_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 24, "head_dim": 16}
LINEAR = {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 12}
PARTIAL = SHAPE["rope_parameters"] | {"partial_rotary_factor": 0.25, "mrope_section": [1, 1, 0]}
FAMILIES = {
    "Qwen3": ("Qwen3", {"head_dim": 16}),
    "Qwen2": ("Qwen2", {}),
    "Llama": ("Llama", {}),
    "Qwen3Moe": ("Qwen3Moe", EXPERTS | {"norm_topk_prob": True}),
    "Qwen3Moe, weights not normalised": ("Qwen3Moe", EXPERTS | {"norm_topk_prob": False}),
    "Qwen3_5": (
        "Qwen3_5",
        LINEAR | {"head_dim": 16, "num_hidden_layers": 6, "full_attention_interval": 3, "rope_parameters": PARTIAL},
    ),
}
SCALINGS = {
    "linear": {"factor": 4.0},
    "yarn": {"factor": 4.0, "original_max_position_embeddings": 32},
    "yarn, with its own settings": {
        "factor": 8.0,
        "original_max_position_embeddings": 16,
        "beta_fast": 4.0,
        "beta_slow": 0.5,
        "truncate": False,
        "mscale": 1.0,
        "mscale_all_dim": 0.5,
    },
    "llama3": {
        "factor": 8.0,
        "original_max_position_embeddings": 64,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
    },
}
LENGTH_B = np.array([20, 13])
TOKENS_BP = np.random.default_rng(0).integers(0, 64, (2, 20), dtype=np.int32)
REAL_BP = np.arange(20) < LENGTH_B[:, None]


def logits_and_gradients(directory, tokens_BP, length_B):
    """Return our logits, the mean loss of real next tokens, and its gradients by their names in the checkpoint."""
    decoder = models.load(directory)
    graphdef, params = nnx.split(decoder)

    def loss(params):
        model = nnx.merge(graphdef, params)
        hidden_BPD, _ = model.prefill(jnp.asarray(tokens_BP), jnp.asarray(length_B))
        width = hidden_BPD.shape[-1]
        logprob_N, _ = models.token_logprobs(
            hidden_BPD[:, :-1].reshape(-1, width), model.unembed_VD, tokens_BP[:, 1:].reshape(-1)
        )
        real_BP = np.arange(1, tokens_BP.shape[1]) < length_B[:, None]
        return -jnp.sum(logprob_N * real_BP.reshape(-1)) / real_BP.sum(), model.logits(hidden_BPD)

    (value, logits), grads = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    by_name, gradients = nnx.merge(graphdef, grads), {}
    for tensor in tensors(decoder.config):
        whole = np.asarray(by_name.param(tensor.path)[...])
        layers = whole.reshape(-1, *whole.shape[len(tensor.stacked) :])
        for name, layer in zip(tensor.hf_names(decoder.config), layers, strict=True):
            gradients[name] = tensor.to_hf(decoder.config, layer)
    return np.asarray(logits), float(value), gradients


def assert_gradients_equal(ours, reference):
    assert ours.keys() == reference.keys()
    for name, expected in reference.items():
        np.testing.assert_allclose(
            ours[name], expected, rtol=0, atol=1e-4 * np.abs(expected).max() + 1e-8, err_msg=name
        )


def test_qwen3__equals_the_golden_logits_loss_and_gradients():
    expected = load_file(GOLDEN / "expected.safetensors")
    tokens_BP = expected["tokens"]
    logits, loss, gradients = logits_and_gradients(
        GOLDEN / "qwen3", tokens_BP, np.full(len(tokens_BP), tokens_BP.shape[1])
    )
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=2e-5)
    np.testing.assert_allclose(loss, expected["loss"][0], rtol=1e-6)
    prefix = "gradient."
    assert_gradients_equal(gradients, {k.removeprefix(prefix): v for k, v in expected.items() if k.startswith(prefix)})


@pytest.mark.parametrize("family", ["qwen3_moe", "qwen3_5_text"])
def test_family__equals_its_golden_logits_loss_and_gradient(family):
    expected = load_file(GOLDEN / f"{family}.safetensors")
    tokens_BP = expected["tokens"]
    logits, loss, gradients = logits_and_gradients(GOLDEN / family, tokens_BP, np.full(len(tokens_BP), 24))
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(loss, expected["loss"][0], rtol=1e-5)
    name = "model.embed_tokens.weight"
    assert_gradients_equal({name: gradients[name]}, {name: expected[f"gradient.{name}"]})


def random_model(family, **changes):
    """Make a small model of transformers whose every parameter differs from its initial value."""
    torch = pytest.importorskip("torch", reason="live parity needs torch: install the test extra")
    import transformers

    torch.manual_seed(0)
    name, shape = FAMILIES[family]
    text = "Text" if name == "Qwen3_5" else ""
    config = getattr(transformers, f"{name}{text}Config")(**(SHAPE | shape | changes))
    model = getattr(transformers, f"{name}ForCausalLM")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def their_logits_and_gradients(reference):
    """Compute the same as `logits_and_gradients` in torch, with joined experts split as in checkpoints."""
    import torch

    out = reference(torch.tensor(TOKENS_BP.astype(np.int64)), attention_mask=torch.tensor(REAL_BP.astype(int))).logits
    targets = torch.tensor(np.where(REAL_BP, TOKENS_BP, -100).astype(np.int64))
    loss = torch.nn.functional.cross_entropy(out[:, :-1].reshape(-1, 64), targets[:, 1:].reshape(-1))
    reference.zero_grad()
    loss.backward()
    gradients = {}
    for name, parameter in reference.named_parameters():
        value = parameter.grad.numpy()
        stem, _, kind = name.rpartition(".")
        if kind in ("gate_up_proj", "down_proj"):
            parts = {"down_proj": value}
            if kind == "gate_up_proj":
                parts = dict(zip(("gate_proj", "up_proj"), np.split(value, 2, axis=1), strict=True))
            for part, whole in parts.items():
                gradients |= {f"{stem}.{expert}.{part}.weight": each for expert, each in enumerate(whole)}
        else:
            gradients[name] = value
    return out.detach().numpy(), float(loss.detach()), gradients


# All families share the code of tied embeddings: for the costlier ones only the slow tests cover them.
CASES = [(family, tie) for tie in (True, False) for family in FAMILIES]
COSTLY = {("Qwen3Moe", True), ("Qwen3Moe, weights not normalised", True), ("Qwen3_5", True)}


@pytest.mark.parametrize(
    ("family", "tie"), [pytest.param(*case, marks=[pytest.mark.slow] if case in COSTLY else []) for case in CASES]
)
def test_family__equals_transformers_in_logits_and_gradients_and_goes_back(family, tie, tmp_path):
    reference = random_model(family, tie_word_embeddings=tie)
    import torch

    reference.save_pretrained(tmp_path / "in")
    theirs, loss, their_gradients = their_logits_and_gradients(reference)
    ours, value, gradients = logits_and_gradients(tmp_path / "in", TOKENS_BP, LENGTH_B)
    worst = max(np.abs(gradients[name] - each).max() / np.abs(each).max() for name, each in their_gradients.items())
    print(
        f"\n| {family} | {'tied' if tie else 'untied'} | {np.abs(ours - theirs)[REAL_BP].max():.1e} "
        f"| {np.abs(theirs[REAL_BP]).max():.1f} | {worst:.1e} | {abs(value - loss):.1e} |"
    )
    np.testing.assert_allclose(ours[REAL_BP], theirs[REAL_BP], rtol=0, atol=1e-4)
    np.testing.assert_allclose(value, loss, rtol=1e-5)
    assert_gradients_equal(gradients, their_gradients)

    models.save(models.load(tmp_path / "in"), tmp_path / "out")
    again = type(reference).from_pretrained(tmp_path / "out", attn_implementation="eager").eval()
    with torch.no_grad():
        mask = torch.tensor(REAL_BP.astype(int))
        back = again(torch.tensor(TOKENS_BP.astype(np.int64)), attention_mask=mask).logits
    np.testing.assert_array_equal(back.numpy(), theirs)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_rope_scaling__equals_transformers(scaling, tmp_path):
    rope = {"rope_type": scaling.split(",")[0], "rope_theta": 300.0, **SCALINGS[scaling]}
    reference = random_model("Qwen3", rope_parameters=rope)
    reference.save_pretrained(tmp_path)
    decoder = models.load(tmp_path)
    plain = replace(decoder.config, rope_scaling=None)
    plain_E, scaled_E = (models.rope.frequencies(c.rope_theta, 16, c.rope_scaling) for c in (plain, decoder.config))
    assert float(jnp.abs(plain_E - scaled_E).max()) > 0.1, "the scaling has an effect at the test's lengths"
    expected, _, _ = their_logits_and_gradients(reference)
    hidden_BPD, _ = jax.jit(decoder.prefill)(TOKENS_BP, LENGTH_B)
    np.testing.assert_allclose(decoder.logits(hidden_BPD)[REAL_BP], expected[REAL_BP], rtol=0, atol=1e-4)


@pytest.mark.parametrize("first", [1, 7])
@pytest.mark.parametrize("family", ["Qwen3Moe", "Qwen3_5"])
def test_prefill__in_chunks_or_token_by_token_equals_transformers(family, first, tmp_path):
    reference = random_model(family)
    reference.save_pretrained(tmp_path)
    expected, _, _ = their_logits_and_gradients(reference)
    decoder = models.load(tmp_path)
    length_B = np.full(2, first)
    hidden_BPD, prefix = jax.jit(decoder.prefill)(TOKENS_BP[:, :first], length_B)
    parts = [hidden_BPD[:, None]]
    suffix = models.empty_suffix_cache(decoder.config, 2, 1, 20, unrolled=False)
    extend = jax.jit(decoder.extend)
    # From one token on: one by one. From seven on: chunks of five, of which the last has padding.
    width = 1 if first == 1 else 5
    for begin in range(first, 20, width):
        chunk = TOKENS_BP[:, begin : begin + width][:, None]
        count = np.full((2, 1), chunk.shape[-1])
        chunk = np.pad(chunk, ((0, 0), (0, 0), (0, width - chunk.shape[-1])))
        at = np.full((2, 1), begin - first)
        part, suffix = extend(chunk, Prefix(prefix, length_B), suffix, at, count)
        parts.append(part)
    hidden_BXD = jnp.concatenate(parts, axis=2)[:, 0, :20]
    np.testing.assert_allclose(decoder.logits(hidden_BXD)[REAL_BP], expected[REAL_BP], rtol=0, atol=1e-4)


def test_balance_loss__equals_transformers(tmp_path):
    reference = random_model("Qwen3Moe")
    import torch

    reference.save_pretrained(tmp_path)
    with torch.no_grad():
        tokens, mask = torch.tensor(TOKENS_BP.astype(np.int64)), torch.tensor(REAL_BP.astype(int))
        expected = reference(tokens, attention_mask=mask, output_router_logits=True).aux_loss
    decoder = models.load(tmp_path)
    # A prefix of length 0: every token is counted, as in transformers.
    length_B = np.zeros(2, np.int32)
    _, prefix = decoder.prefill(TOKENS_BP[:, :1], length_B)
    _, routing = jax.jit(decoder.routed)(TOKENS_BP[:, None], Prefix(prefix, length_B), REAL_BP[:, None])
    np.testing.assert_allclose(models.balance_loss(routing), float(expected), rtol=1e-5)


@pytest.mark.parametrize("flags", [{"qk_norm": True}, {"qk_norm": False, "qkv_bias": True}, {"qk_norm": False}])
def test_config__of_our_own_model_loads_in_transformers_with_equal_logits(flags, make_config, make_decoder, tmp_path):
    torch = pytest.importorskip("torch", reason="live parity needs torch: install the test extra")
    import transformers

    heads = {"hidden_size": 48, "num_heads": 6, "head_dim": 8}
    decoder = make_decoder(make_config(**heads, **flags, tie_embeddings=False))
    models.save(decoder, tmp_path)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    tokens_BP = np.random.default_rng(0).integers(0, 64, (2, 15), dtype=np.int32)
    hidden_BPD, _ = jax.jit(decoder.prefill)(tokens_BP, np.full(2, 15))
    with torch.no_grad():
        reference = theirs(torch.tensor(tokens_BP.astype(np.int64))).logits.numpy()
    np.testing.assert_allclose(decoder.logits(hidden_BPD), reference, rtol=0, atol=1e-4)
