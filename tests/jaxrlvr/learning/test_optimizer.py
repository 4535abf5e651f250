"""Laws of the optimizer: frozen weights do not move, small updates add up, factored moments take next to no memory."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import models
from jaxrlvr.config import RunConfig
from jaxrlvr.learning import grpo
from jaxrlvr.learning.batch import Shape, TrainingGroup, TrainingSuffix, pack
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.learner import Learner
from jaxrlvr.learning.optimizer import OptimizerConfig, check, frozen_labels, make_optimizer
from jaxrlvr.rollout.policy import PolicyConfig, load_policy
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import from_json, to_json


@pytest.fixture
def batches():
    rng = np.random.default_rng(0)
    suffixes = [
        TrainingSuffix(
            rng.integers(0, 512, 6).astype(np.int32), np.ones(6, bool), np.full(6, -6, np.float32), advantage
        )
        for advantage in (1.0, -0.5)
    ]
    return pack([TrainingGroup([1, 2, 3], suffixes)] * 8, Shape(8, (4,), (8,)), 0).batches


def stepped(policy, config, batches, steps=2, mesh=None):
    """Parameters before and after some updates, and the size of the optimizer state."""
    learner = Learner(policy.graphdef, make_optimizer(config), grpo.objective(GRPOConfig()), mesh=mesh)
    before = jax.tree.map(lambda leaf: np.array(leaf), policy.params)
    state = learner.init(policy.params)
    for _ in range(steps):
        state, stats = learner.update(state, batches)
        assert not stats.skipped
    return before, jax.device_get(state.params), sum(leaf.size for leaf in jax.tree.leaves(state.opt_state))


def moved(before, after):
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in jax.tree.leaves_with_path(before)]
    pairs = zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
    return {name: bool((a != b).any()) for name, (a, b) in zip(names, pairs, strict=True)}


def test_frozen__parameters_stay_to_the_bit_and_have_no_moments(policy, batches):
    config = OptimizerConfig(learning_rate=1e-2, frozen=("embedding", "norm"))
    before, after, size = stepped(policy, config, batches)
    moves_by_name = moved(before, after)
    still = {name for name, moves in moves_by_name.items() if not moves}
    assert still == {name for name in moves_by_name if "embedding" in name or "norm" in name} != set(moves_by_name)
    learning = sum(
        leaf.size for name, leaf in zip(moves_by_name, jax.tree.leaves(before), strict=True) if moves_by_name[name]
    )
    assert 2 * learning <= size < 2 * learning + 10


def test_frozen__name_of_nothing_is_refused_with_the_names_there_are(policy):
    with pytest.raises(UserError, match="--optimizer.frozen 'head' is in no parameter's name; there are .*embedding"):
        frozen_labels(policy.params, ("norm", "head"))


def test_frozen__sees_no_part_of_a_path_that_is_no_name(policy):
    """NNX ends every array's path in `value`; one projection has that name."""
    labelled = jax.tree_util.tree_flatten_with_path(frozen_labels(policy.params, ("value",)))[0]
    frozen = {jax.tree_util.keystr(path, simple=True, separator=".") for path, label in labelled if label == "frozen"}
    assert frozen == {"layers.value.value"}


def test_frozen__that_leaves_nothing_to_train_is_refused(policy):
    with pytest.raises(UserError, match="--optimizer.frozen layers embedding norm leaves nothing to train"):
        frozen_labels(policy.params, ("layers", "embedding", "norm"))


def test_adafactor__descends_and_keeps_next_to_nothing():
    params = {"w": jnp.ones((256, 512)), "b": jnp.ones(512)}
    optimizer = make_optimizer(OptimizerConfig(learning_rate=0.1, kind="adafactor"))
    state = optimizer.init(params)
    assert sum(leaf.size for leaf in jax.tree.leaves(state)) < 0.02 * 256 * 512 + 2 * 512
    for _ in range(5):
        change, state = optimizer.update(jax.tree.map(lambda leaf: 2 * leaf, params), state, params)
        params = jax.tree.map(jnp.add, params, change)
    assert all(float(jnp.abs(leaf).max()) < 0.7 for leaf in jax.tree.leaves(params))


def test_adafactor__first_step_is_the_papers():
    """Algorithm 4 at its first step: the squares' row and column means, and an update of root mean square 1."""
    grad = np.random.default_rng(0).standard_normal((128, 128)).astype(np.float32)
    optimizer = make_optimizer(OptimizerConfig(learning_rate=0.5, kind="adafactor", max_grad_norm=math.inf))
    change, _ = optimizer.update(
        {"w": grad}, optimizer.init({"w": jnp.zeros((128, 128))}), {"w": jnp.zeros((128, 128))}
    )
    square = grad.astype(np.float64) ** 2 + 1e-30
    estimate = square.mean(1, keepdims=True) * square.mean(0, keepdims=True) / square.mean()
    update = grad / np.sqrt(estimate)
    expected = -0.5 * update / max(1.0, np.sqrt((update**2).mean()))
    np.testing.assert_allclose(change["w"], expected, rtol=1e-4)


@pytest.mark.parametrize("config", [OptimizerConfig(kind="adafactor"), OptimizerConfig(frozen=("embedding",))])
def test_update__on_a_mesh_equals_the_update_on_one_device(model_directory, policy, batches, config):
    _, expected, _ = stepped(policy, config, batches)
    mesh = models.make_mesh(2, 2, 2)
    graphdef, params = nnx.split(models.load(model_directory, mesh=mesh))
    from dataclasses import replace

    _, sharded, _ = stepped(replace(policy, graphdef=graphdef, params=params), config, batches, mesh=mesh)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), sharded, expected)


def test_bfloat16__compute_has_float32_weights_in_which_small_updates_add_up(model_directory, batches):
    policy = load_policy(PolicyConfig(model=str(model_directory), compute_dtype="bfloat16"))
    before, after, _ = stepped(policy, OptimizerConfig(learning_rate=1e-5), batches)
    assert {leaf.dtype for leaf in jax.tree.leaves(after)} == {np.dtype(np.float32)}
    old, new = jax.tree.leaves(before)[0], jax.tree.leaves(after)[0]
    changed = old != new
    assert changed.mean() > 0.01
    assert (old.astype(jnp.bfloat16) == new.astype(jnp.bfloat16))[changed].mean() > 0.5, "bfloat16 would lose them"


def test_check__refuses_an_unknown_kind():
    with pytest.raises(UserError, match="--optimizer.kind 'sgd' is unknown; there are adamw, adafactor"):
        check(OptimizerConfig(kind="sgd"))  # type: ignore[arg-type]


def test_config__with_frozen_names_comes_back_from_json():
    config = RunConfig(optimizer=OptimizerConfig(frozen=("embedding", "norm")))
    assert from_json(to_json(config), RunConfig) == config
    with pytest.raises(UserError, match="optimizer.frozen"):
        from_json(to_json(RunConfig(optimizer=OptimizerConfig(frozen=(3,)))), RunConfig)  # type: ignore[arg-type]
