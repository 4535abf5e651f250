"""The decoder computes what transformers computes: against a golden file, and live where torch is installed."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file

import models
from models.tensors import tensors

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
FAMILIES = {"Qwen3": {"head_dim": 16}, "Qwen2": {}, "Llama": {}}


def logits_and_gradients(directory, tokens_BP, length_B):
    """Ours: logits, the mean loss of real next tokens, and its gradients under the checkpoint's names."""
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
        layers = whole if tensor.is_stacked else whole[None]
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


def random_model(torch, family, tie):
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**SHAPE, **FAMILIES[family], tie_word_embeddings=tie)
    model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("tie", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_family__equals_transformers_in_logits_and_gradients_and_goes_back(family, tie, tmp_path):
    torch = pytest.importorskip("torch", reason="live parity needs torch: install the test extra")
    reference = random_model(torch, family, tie)
    reference.save_pretrained(tmp_path / "in")
    length_B = np.array([20, 13])
    tokens_BP = np.random.default_rng(0).integers(0, 64, (2, 20), dtype=np.int32)
    real_BP = np.arange(20) < length_B[:, None]

    mask = torch.tensor(real_BP.astype(int))
    out = reference(torch.tensor(tokens_BP.astype(np.int64)), attention_mask=mask).logits
    targets = torch.tensor(np.where(real_BP, tokens_BP, -100).astype(np.int64))
    loss = torch.nn.functional.cross_entropy(out[:, :-1].reshape(-1, 64), targets[:, 1:].reshape(-1))
    loss.backward()

    logits, value, gradients = logits_and_gradients(tmp_path / "in", tokens_BP, length_B)
    np.testing.assert_allclose(logits[real_BP], out.detach().numpy()[real_BP], rtol=0, atol=1e-4)
    np.testing.assert_allclose(value, float(loss.detach()), rtol=1e-5)
    assert_gradients_equal(gradients, {name: p.grad.numpy() for name, p in reference.named_parameters()})

    models.save(models.load(tmp_path / "in"), tmp_path / "out")
    again = type(reference).from_pretrained(tmp_path / "out", attn_implementation="eager").eval()
    with torch.no_grad():
        back = again(torch.tensor(tokens_BP.astype(np.int64)), attention_mask=mask).logits
    np.testing.assert_array_equal(back.numpy(), out.detach().numpy())


@pytest.mark.parametrize("flags", [{"qk_norm": True}, {"qk_norm": False, "qkv_bias": True}, {"qk_norm": False}])
def test_config__one_made_here_loads_in_transformers_with_equal_logits(flags, make_config, make_decoder, tmp_path):
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
