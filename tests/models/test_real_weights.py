"""On request: a real checkpoint gives the same logits and greedy continuations as transformers.

    JAXRLVR_REAL_CHECKPOINT=DIRECTORY pytest -m slow tests/models/test_real_weights.py -s

DIRECTORY is any supported model with its tokenizer, such as Qwen2.5-0.5B-Instruct; float32 copies of it, one in torch
and one here, must fit into memory.
"""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import models

pytestmark = pytest.mark.slow
VARIABLE = "JAXRLVR_REAL_CHECKPOINT"
NEW = 24
TEXTS = (
    "def fibonacci(n):",
    "The capital of France is",
    "import numpy as np\n\ndef softmax(x):",
    "SELECT name, COUNT(*) FROM issues WHERE",
    '{"fields": {"project": {"key": "OPS"}, "summary":',
    "Once upon a time there was a",
    "class Stack:\n    def __init__(self):",
    "Die Hauptstadt von Italien ist",
    "1, 1, 2, 3, 5, 8,",
    "# Write a function that reverses a linked list\n",
)


@pytest.fixture(scope="module")
def directory():
    if not os.environ.get(VARIABLE):
        pytest.skip(f"no real checkpoint: name its directory in the environment variable {VARIABLE}")
    return Path(os.environ[VARIABLE])


@pytest.fixture(scope="module")
def theirs(directory):
    """The tokenizer, and for each text its tokens, transformers' logits, and its greedy continuation."""
    torch = pytest.importorskip("torch", reason="needs torch: install the test extra")
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    references = []
    with torch.no_grad():
        for text in TEXTS:
            tokens = tokenizer(text, return_tensors="pt").input_ids
            logits = model(tokens).logits[0].numpy()
            # Plain greedy decoding: the most probable token, NEW times, without a stop token.
            written = tokens
            for _ in range(NEW):
                written = torch.cat([written, model(written).logits[:, -1:].argmax(-1)], dim=1)
            references.append((tokens[0].numpy(), logits, written[0, tokens.shape[1] :].numpy()))
    return tokenizer, references


@pytest.fixture(scope="module")
def decoder(directory, theirs):
    return models.load(directory, dtype=jnp.float32)


def padded(theirs):
    _, references = theirs
    length_B = np.array([len(tokens) for tokens, _, _ in references], np.int32)
    tokens_BP = np.zeros((len(references), length_B.max()), np.int32)
    for row, (tokens, _, _) in zip(tokens_BP, references, strict=True):
        row[: len(tokens)] = tokens
    return tokens_BP, length_B


def test_real_weights__give_the_logits_of_transformers(decoder, theirs):
    tokens_BP, length_B = padded(theirs)
    hidden_BPD, _ = jax.jit(decoder.prefill)(tokens_BP, length_B)
    gaps, largest = [], []
    for hidden_PD, (tokens, expected, _) in zip(hidden_BPD, theirs[1], strict=True):
        ours = np.asarray(decoder.logits(hidden_PD[: len(tokens)]))
        gaps.append(np.abs(ours - expected).max())
        largest.append(np.abs(expected).max())
    print(f"\nlogits: largest difference {max(gaps):.2e}, of logits up to {max(largest):.1f}")
    assert max(gaps) < 2e-4 * max(largest)


def test_real_weights__continue_as_transformers_does(decoder, theirs):
    tokenizer, references = theirs
    tokens_BP, length_B = padded(theirs)
    hidden_BPD, prefix = jax.jit(decoder.prefill)(tokens_BP, length_B)
    hidden_BD = np.asarray(hidden_BPD)[np.arange(len(references)), length_B - 1]
    suffix = models.empty_suffix_cache(decoder.config, len(references), 1, NEW, unrolled=False)
    extend, written = jax.jit(decoder.extend), []
    for step in range(NEW):
        written.append(np.asarray(decoder.logits(hidden_BD).argmax(-1)))
        at = np.full((len(references), 1), step)
        hidden_B11D, suffix = extend(
            written[-1][:, None, None].astype(np.int32), models.Prefix(prefix, length_B), suffix, at
        )
        hidden_BD = hidden_B11D[:, 0, 0]
    ours = np.stack(written, axis=1)
    print(f"\n{tokenizer.decode(ours[1])!r}")
    np.testing.assert_array_equal(ours, np.stack([continuation for _, _, continuation in references]))


def test_real_weights__go_back_byte_for_byte(directory, tmp_path):
    models.save(models.load(directory, dtype=None), tmp_path, source_dir=directory)
    from safetensors import safe_open

    with (
        safe_open(directory / "model.safetensors", "np") as original,
        safe_open(tmp_path / "model.safetensors", "np") as out,
    ):
        assert set(original.keys()) == set(out.keys())
        for name in original.keys():  # noqa: SIM118 - safe_open is not a mapping
            assert original.get_tensor(name).tobytes() == out.get_tensor(name).tobytes(), name
