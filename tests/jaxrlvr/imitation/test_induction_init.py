"""Laws of the constructed start: it copies before it has learned anything."""

import json
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

import models
from jaxrlvr.imitation.induction_init import induction_tensors
from jaxrlvr.imitation.stages import SFTConfig
from jaxrlvr.preflight.config_file import load_config

SEED_CONFIG = Path(__file__).parents[3] / "configs" / "seed.py"
SHAPE = models.ModelConfig(
    vocab_size=1024, hidden_size=224, num_layers=4, num_heads=6, num_kv_heads=2, head_dim=32, mlp_size=384
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("induction")
    save_file(induction_tensors(SHAPE, seed=0), directory / "model.safetensors")
    (directory / "config.json").write_text(json.dumps(SHAPE.to_hf()))
    return models.load(directory)


def ranks(model, tokens_P):
    """Return the rank of each next token among the model's predictions; 0 is the likeliest."""
    length = np.array([len(tokens_P)])
    hidden_1PD, _ = jax.jit(lambda tokens_1P: model.prefill(tokens_1P, length))(np.asarray(tokens_P, np.int32)[None])
    logits_PV = np.asarray(model.logits(hidden_1PD[0]))[:-1]
    return (logits_PV > np.take_along_axis(logits_PV, np.asarray(tokens_P)[1:, None], -1)).sum(-1)


def test_start__repeats_a_random_sequence_that_it_has_seen_once(model):
    positions = []
    for seed in range(4):
        once = np.random.default_rng(seed).choice(SHAPE.vocab_size, 60, replace=False)
        # After the first token of the second round, what follows is known.
        positions.append(ranks(model, np.concatenate([once, once]))[60:])
    # By chance 1 in 1024 would be first, and 1 in 205 among the first five.
    assert np.mean(np.array(positions) == 0) > 0.1
    assert np.mean(np.array(positions) < 5) > 0.6


def test_start__knows_nothing_of_what_it_has_not_seen(model):
    once = np.random.default_rng(9).choice(SHAPE.vocab_size, 120, replace=False)
    assert np.mean(ranks(model, once) < 5) < 0.05


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
