"""Laws of checkpoints: what is restored goes on as if it had never stopped."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr import grpo
from jaxrlvr.batch import Row, Shape, Suffix, pack
from jaxrlvr.checkpoint import Checkpoints
from jaxrlvr.errors import UserError
from jaxrlvr.grpo import GRPOConfig
from jaxrlvr.learner import Learner, OptimizerConfig, TrainState, make_optimizer
from jaxrlvr.policy import MeshConfig, PolicyConfig, load_policy


@pytest.fixture
def batches():
    rng = np.random.default_rng(0)
    row = Row(
        [1, 2, 3],
        [
            Suffix(rng.integers(0, 512, 6).astype(np.int32), np.ones(6, bool), np.full(6, -6, np.float32), advantage)
            for advantage in (1.0, -0.5)
        ],
    )
    return pack([row] * 4, Shape(4, (4,), (8,)), 0)


def learner_of(policy):
    config = OptimizerConfig(learning_rate=1e-2, warmup_steps=3)
    return Learner(policy.graphdef, make_optimizer(config), grpo.objective(GRPOConfig()), mesh=policy.mesh)


@pytest.fixture
def checkpoints(tmp_path):
    opened = Checkpoints(tmp_path / "checkpoints", keep=2)
    yield opened
    opened.close()


def test_restore__then_a_step_equals_the_step_bit_for_bit(policy, loaded, batches, checkpoints, tmp_path):
    learner = learner_of(policy)
    state, _ = learner.update(learner.init(policy.params), batches)
    checkpoints.save(1, state)
    expected = jax.device_get(learner.update(state, batches)[0])
    # Another process would begin with the weights of the model, and other objects.
    fresh = learner_of(loaded)
    again = Checkpoints(tmp_path / "checkpoints", keep=2)
    step, restored = again.restore(fresh.init(jax.tree.map(jnp.copy, loaded.params)))
    again.close()
    assert step == 1
    chex.assert_trees_all_equal(jax.device_get(fresh.update(restored, batches)[0]), expected)


def test_restore__onto_a_mesh_gives_every_device_its_part(model_directory, loaded, batches, checkpoints):
    learner = learner_of(loaded)
    checkpoints.save(3, learner.init(jax.tree.map(jnp.copy, loaded.params)))
    mesh = MeshConfig(data=2, fsdp=2, tensor=2)
    sharded = load_policy(PolicyConfig(model=str(model_directory), mesh=mesh))
    like = learner_of(sharded).init(sharded.params)
    step, state = checkpoints.restore(like)
    assert step == 3
    for ours, theirs in zip(jax.tree.leaves(state.params), jax.tree.leaves(sharded.params), strict=True):
        assert ours.sharding.is_equivalent_to(theirs.sharding, ours.ndim)
    chex.assert_trees_all_equal(jax.device_get(state.params), jax.device_get(loaded.params))


def small(value, size=3):
    return TrainState({"w": jnp.full(size, value)}, {"count": jnp.int32(value), "m": jnp.full(size, -value)})


def test_save__keeps_the_newest_and_restores_the_last(checkpoints, tmp_path):
    for step in (2, 4, 6):
        checkpoints.save(step, small(float(step)))
    assert checkpoints.latest() == 6
    step, state = checkpoints.restore(small(0.0))
    assert step == 6
    chex.assert_trees_all_equal(state, small(6.0))
    kept = {path.name for path in (tmp_path / "checkpoints").iterdir() if path.name.isdigit()}
    assert kept == {"4", "6"}


def test_save__leaves_a_step_that_is_there_alone(checkpoints):
    checkpoints.save(1, small(1.0))
    checkpoints.save(1, small(2.0))
    chex.assert_trees_all_equal(checkpoints.restore(small(0.0))[1], small(1.0))


def test_latest__of_an_empty_directory_is_none(checkpoints):
    assert checkpoints.latest() is None


def refused(checkpoints, like):
    with pytest.raises(UserError) as raised:
        checkpoints.restore(like)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_restore__without_a_checkpoint_is_the_users_error(checkpoints):
    assert "no checkpoint to go on from" in refused(checkpoints, small(0.0))


@pytest.mark.parametrize("like", [small(0.0, size=4), small(0.0, size=2), {"w": jnp.zeros(3)}], ids=["4", "2", "fewer"])
def test_restore__of_another_shape_is_the_users_error(checkpoints, like):
    checkpoints.save(1, small(1.0))
    assert "checkpoint 1 does not fit the model of the config" in refused(checkpoints, like)


def test_restore__of_more_parts_than_were_saved_is_the_users_error(checkpoints):
    checkpoints.save(1, small(1.0))
    state = small(0.0)
    more = state._replace(params={**state.params, "x": jnp.zeros(3)})
    assert "checkpoint 1 does not fit" in refused(checkpoints, more)
