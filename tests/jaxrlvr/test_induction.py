"""Laws of the constructed start: it copies before it has learned anything."""

import json
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

import models
from jaxrlvr.config import load_config
from jaxrlvr.imitation import SFTConfig
from jaxrlvr.induction import induction_tensors

SEED_CONFIG = Path(__file__).parents[2] / "configs" / "seed.py"
SHAPE = models.ModelConfig(
    vocab_size=1024, hidden_size=224, num_layers=4, num_heads=6, num_kv_heads=2, head_dim=32, mlp_size=384
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("induction")
    save_file(induction_tensors(SHAPE, seed=0), directory / "model.safetensors")
    (directory / "config.json").write_text(json.dumps(SHAPE.to_hf()))
    return models.load(directory)


def predicted(model, tokens_P):
    """The likeliest next token after each token."""
    length = np.array([len(tokens_P)])
    hidden_1PD, _ = jax.jit(lambda tokens_1P: model.prefill(tokens_1P, length))(np.asarray(tokens_P, np.int32)[None])
    return np.asarray(jnp.argmax(model.logits(hidden_1PD[0]), axis=-1))


def test_start__repeats_a_random_sequence_that_it_has_seen_once(model):
    hits = []
    for seed in range(4):
        once = np.random.default_rng(seed).choice(1024, 60, replace=False)
        twice = np.concatenate([once, once])
        # After the first token of the second round, what follows is known.
        hits.append((predicted(model, twice)[60:-1] == twice[61:]).mean())
    # Chance is 1 in 1024.
    assert np.mean(hits) > 0.9, hits


def test_start__knows_nothing_of_what_it_has_not_seen(model):
    once = np.random.default_rng(9).choice(1024, 120, replace=False)
    assert (predicted(model, once)[:-1] == once[1:]).mean() < 0.05


def test_start__is_fixed_by_its_seed():
    one, same, other = (induction_tensors(SHAPE, seed) for seed in (3, 3, 4))
    assert all((one[name] == same[name]).all() for name in one)
    assert any((one[name] != other[name]).any() for name in one)


def test_start__is_what_the_seeds_recipe_begins_with():
    assert replace(load_config(str(SEED_CONFIG), SFTConfig).shape, max_positions=SHAPE.max_positions) == SHAPE


@pytest.mark.parametrize(
    "changes",
    [
        {"num_layers": 2},
        {"tie_embeddings": False},
        {"num_heads": 8},
        {"num_heads": 3, "num_kv_heads": 1},
        {"hidden_size": 223},
    ],
    ids=str,
)
def test_start__refuses_a_shape_without_room(changes):
    with pytest.raises(ValueError, match="3 layers or more, tied embeddings, 6 query and 2 kv heads.* hidden_size of"):
        induction_tensors(replace(SHAPE, **changes), 0)
