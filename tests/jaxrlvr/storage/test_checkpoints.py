"""Laws of checkpoints: what is restored goes on as if it had never stopped."""

import gc
import resource
import shutil

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr.learning import grpo
from jaxrlvr.learning.batch import Shape, TrainingGroup, TrainingSuffix, pack
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.learner import Learner, TrainState
from jaxrlvr.learning.optimizer import OptimizerConfig, make_optimizer
from jaxrlvr.rollout.policy import PolicyConfig, load_policy
from jaxrlvr.runtime.devices import MeshConfig
from jaxrlvr.runtime.errors import RunStopped, UserError
from jaxrlvr.storage.checkpoint import Checkpoints, _checksums


@pytest.fixture
def batches():
    rng = np.random.default_rng(0)
    row = TrainingGroup(
        [1, 2, 3],
        [
            TrainingSuffix(
                rng.integers(0, 512, 6).astype(np.int32), np.ones(6, bool), np.full(6, -6, np.float32), advantage
            )
            for advantage in (1.0, -0.5)
        ],
    )
    return pack([row] * 4, Shape(4, (4,), (8,)), 0).batches


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
    checkpoints.finish()
    expected = jax.device_get(learner.update(state, batches)[0])
    # Another process would begin with the weights of the model, and other objects.
    fresh = learner_of(loaded)
    again = Checkpoints(tmp_path / "checkpoints", keep=2)
    step, restored, _ = again.restore(fresh.init(jax.tree.map(jnp.copy, loaded.params)))
    again.close()
    assert step == 1
    chex.assert_trees_all_equal(jax.device_get(fresh.update(restored, batches)[0]), expected)


def test_restore__onto_a_mesh_gives_every_device_its_part(model_directory, loaded, batches, checkpoints):
    learner = learner_of(loaded)
    checkpoints.save(3, learner.init(jax.tree.map(jnp.copy, loaded.params)))
    checkpoints.finish()
    mesh = MeshConfig(data=2, fsdp=2, tensor=2)
    sharded = load_policy(PolicyConfig(model=str(model_directory), mesh=mesh))
    like = learner_of(sharded).init(sharded.params)
    step, state, _ = checkpoints.restore(like)
    assert step == 3
    for ours, theirs in zip(jax.tree.leaves(state.params), jax.tree.leaves(sharded.params), strict=True):
        assert ours.sharding.is_equivalent_to(theirs.sharding, ours.ndim)
    chex.assert_trees_all_equal(jax.device_get(state.params), jax.device_get(loaded.params))


def small(value, size=3):
    return TrainState({"w": jnp.full(size, value)}, {"count": jnp.int32(value), "m": jnp.full(size, -value)})


def test_save__keeps_the_newest_and_restores_the_last(checkpoints, tmp_path):
    for step in (2, 4, 6):
        checkpoints.save(step, small(float(step)))
        checkpoints.finish()
    assert checkpoints.latest() == 6
    step, state, _ = checkpoints.restore(small(0.0))
    assert step == 6
    chex.assert_trees_all_equal(state, small(6.0))
    steps = {path.name for path in (tmp_path / "checkpoints").iterdir() if path.name.isdigit()}
    assert steps == {"4", "6"}


def test_save__leaves_a_step_that_is_there_alone(checkpoints):
    checkpoints.save(1, small(1.0))
    checkpoints.finish()
    checkpoints.save(1, small(2.0))
    checkpoints.finish()
    chex.assert_trees_all_equal(checkpoints.restore(small(0.0))[1], small(1.0))


def test_latest__of_an_empty_directory_is_none(checkpoints):
    assert checkpoints.latest() is None


def refused(checkpoints, like):
    with pytest.raises(UserError) as raised:
        checkpoints.restore(like)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_restore__without_a_checkpoint_is_the_users_error(checkpoints):
    assert "no checkpoint to continue from" in refused(checkpoints, small(0.0))


@pytest.mark.parametrize("like", [small(0.0, size=4), small(0.0, size=2), {"w": jnp.zeros(3)}], ids=["4", "2", "fewer"])
def test_restore__of_another_shape_is_the_users_error(checkpoints, like):
    checkpoints.save(1, small(1.0))
    checkpoints.finish()
    assert "checkpoint 1 does not fit the model of the config" in refused(checkpoints, like)


def test_restore__of_more_parts_than_were_saved_is_the_users_error(checkpoints):
    checkpoints.save(1, small(1.0))
    checkpoints.finish()
    state = small(0.0)
    more = state._replace(params={**state.params, "x": jnp.zeros(3)})
    assert "checkpoint 1 does not fit" in refused(checkpoints, more)


def saved(checkpoints, *steps):
    for step in steps:
        checkpoints.save(step, small(float(step)), {"step": step})
    checkpoints.finish()


def test_restore__gives_back_the_notes(checkpoints):
    saved(checkpoints, 1, 2)
    assert checkpoints.restore(small(0.0)).notes == {"step": 2}


def test_save__returns_before_later_updates_change_what_it_was_given(policy, loaded, batches, checkpoints):
    """The update after `save` writes over the old state's memory."""
    learner = learner_of(policy)
    state, _ = learner.update(learner.init(policy.params), batches)
    expected = jax.tree.map(lambda leaf: np.array(leaf), state)
    checkpoints.save(1, state)
    for _ in range(3):
        state, _ = learner.update(state, batches)
    checkpoints.finish()
    restored = checkpoints.restore(learner_of(loaded).init(jax.tree.map(jnp.copy, loaded.params)))
    chex.assert_trees_all_equal(jax.device_get(restored.state), expected)


def files(directory):
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.stat().st_size)


# What Orbax was still reading when the first part failed complains once its event loop is gone.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("how", ["half", "empty", "gone", "noise"])
def test_restore__of_any_damaged_file_falls_back_to_the_one_before_and_says_so(how, tmp_path, capsys):
    checkpoints = Checkpoints(tmp_path / "whole", keep=3)
    saved(checkpoints, 1, 2)
    checkpoints.close()
    names = [path.relative_to(tmp_path / "whole") for path in files(tmp_path / "whole" / "2")]
    assert len(names) > 5
    fell_back = 0
    for number, name in enumerate(names):
        directory = tmp_path / f"{number}"
        shutil.copytree(tmp_path / "whole", directory)
        damage(directory / name, how)
        opened = Checkpoints(directory, keep=3)
        step, state, notes = opened.restore(small(0.0))
        opened.close()
        assert notes == {"step": step}
        chex.assert_trees_all_equal(state, small(float(step)))  # never anything but what was written
        fell_back += step == 1
        printed = capsys.readouterr().out
        assert (step == 1) == (f"{directory / '2'} is damaged (" in printed) == ("using the one before it" in printed)
    assert fell_back >= 3, "the arrays, their index and their description matter"
    gc.collect()


def damage(file, how):
    content = file.read_bytes()
    if how == "gone":
        file.unlink()
    else:
        noise = bytes(byte ^ 0x55 for byte in content)
        file.write_bytes({"half": content[: len(content) // 2], "empty": b"", "noise": noise}[how])


def test_restore__sees_a_single_changed_number(checkpoints, monkeypatch):
    saved(checkpoints, 1)
    restore = checkpoints._manager.restore

    def changed(step, args):
        tree = restore(step, args=args)
        return tree | {"00000": tree["00000"].at[1].add(1e-7)}

    monkeypatch.setattr(checkpoints._manager, "restore", changed)
    assert "no checkpoint in" in refused(checkpoints, small(0.0))


def test_checksums__are_those_of_the_values_and_not_of_where_they_lie():
    rng = np.random.default_rng(0)
    for dtype in (np.float32, jnp.bfloat16, np.int32, np.uint8, bool):
        plain = jnp.asarray(rng.integers(0, 2 if dtype is bool else 100, (8, 6)), dtype)
        mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(jax.sharding.AxisType.Auto,) * 2)
        spread = jax.device_put(plain, jax.NamedSharding(mesh, jax.P("a", "b")))
        (expected,), (checksum,) = _checksums([plain]), _checksums([spread])
        assert expected == checksum
        swapped = plain[jnp.array([1, 0, *range(2, 8)])]
        assert _checksums([swapped])[0] != expected


def test_forget_after__sets_later_ones_aside_and_they_can_be_made_again(checkpoints, tmp_path):
    saved(checkpoints, 1, 2)
    checkpoints.forget_after(1)
    assert checkpoints.latest() == 1 and (tmp_path / "checkpoints" / "damaged-2").is_dir()
    checkpoints.save(2, small(7.0))
    checkpoints.finish()
    assert checkpoints.restore(small(0.0))[:1] == (2,)
    chex.assert_trees_all_equal(checkpoints.restore(small(0.0)).state, small(7.0))


def test_owner__clears_away_what_a_kill_left_half_written(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    saved(checkpoints, 1)
    checkpoints.close()
    half = tmp_path / "2.orbax-checkpoint-tmp"
    shutil.copytree(tmp_path / "1", half)
    reader = Checkpoints(tmp_path, keep=2)
    assert reader.restore(small(0.0)).step == 1 and half.exists()
    reader.close()
    owner = Checkpoints(tmp_path, keep=2, owner=True)
    assert owner.restore(small(0.0)).step == 1 and not half.exists()
    owner.close()


# The other writes of a save that failed report to an event loop that Orbax has closed by then.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_save__to_a_full_disk_stops_the_run_and_the_one_before_is_whole(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=2)
    saved(checkpoints, 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    big = TrainState({"w": jnp.asarray(np.random.default_rng(0).random(500_000))}, {})
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(RunStopped, match="could not be written .*the last whole one is that of step 1: make room"):
            checkpoints.save(2, big)
            checkpoints.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert checkpoints.restore(small(0.0)).step == 1
    checkpoints.save(3, small(3.0))
    checkpoints.finish()
    assert checkpoints.restore(small(0.0)).step == 3
    checkpoints.close()
