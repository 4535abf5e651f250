"""Laws of the memory estimate, and of the messages for a run that does not fit."""

from dataclasses import replace

import jax.numpy as jnp
import pytest

import models
from jaxrlvr.preflight import memory_estimate, warmup
from jaxrlvr.preflight.memory_estimate import check, estimate, explain_full_device, half, shrink_to_fit, why_too_large
from jaxrlvr.rollout.policy import make_placement
from jaxrlvr.runtime.devices import memory_limit
from jaxrlvr.runtime.errors import UserError

MODEL = models.PRESETS["Qwen/Qwen3-0.6B"]


@pytest.fixture
def config(tiny_run):
    """Many groups and members of a model of some size."""
    tasks = replace(tiny_run.tasks, per_step=16)
    rollout = replace(tiny_run.rollout, group_size=32, prefix_buckets=(1024,), suffix_buckets=(512,))
    learner = replace(tiny_run.learner, micro_groups=8, suffix_buckets=(512,))
    return replace(tiny_run, tasks=tasks, rollout=rollout, learner=learner)


def need(config):
    return estimate(config, make_placement(config.policy, MODEL))


def changed(config, **sections):
    return replace(config, **{name: replace(getattr(config, name), **fields) for name, fields in sections.items()})


def test_estimate__falls_with_every_setting_that_is_advised(config):
    whole = need(config)
    assert need(changed(config, learner={"micro_groups": 4})).updating < whole.updating
    assert need(changed(config, policy={"remat": "full"})).updating < whole.updating
    assert need(changed(config, rollout={"slots": 8})).sampling < whole.sampling
    assert need(changed(config, rollout={"group_size": 16})).peak < whole.peak
    ahead = need(changed(config, rollout={"asynchronous": True}))
    # The policy of before the update, the copy of it that samples, and the caches stay while the update is made.
    assert ahead.updating == whole.updating + 2 * 4 * models.parameter_count(MODEL) + whole.caches


@pytest.mark.parametrize("available", [12e9, 14e9, 20e9, 60e9])
def test_shrink_to_fit__fits_and_the_last_setting_could_not_be_larger(config, available):
    fitting = shrink_to_fit(config, make_placement(config.policy, MODEL), available)
    assert need(fitting).peak <= available < need(config).peak
    lowered = [
        flag for flag in ("learner.micro_groups", "rollout.slots", "rollout.group_size")
        if memory_estimate._get(fitting, flag) != memory_estimate._get(config, flag)
    ]  # fmt: skip
    section, name = lowered[-1].split(".")
    larger = changed(fitting, **{section: {name: memory_estimate._get(fitting, lowered[-1]) + 1}})
    assert need(larger).peak > available


def test_check__names_what_there_is_what_is_needed_and_settings_that_fit(config):
    placement = make_placement(config.policy, MODEL)
    with pytest.raises(UserError, match=r"a device has 20.0 GB .* needs about \d+.\d GB: 9.5 GB for weights") as raised:
        check(config, placement, 20 * 10**9)
    text = str(raised.value)
    assert "\n" not in text
    assert "These settings fit: --learner.micro-groups 1 --policy.remat full --rollout.slots " in text
    advice = "No smaller batch fits: spread it over more devices (--policy.mesh.fsdp)"
    assert advice in why_too_large(config, placement, 9 * 10**9)
    assert why_too_large(config, placement, 10**15) == ""


def test_limit__is_this_machine_s(config):
    mesh = config.policy.mesh
    assert 10**9 < memory_limit(mesh) < 10**14
    assert memory_limit(replace(mesh, fsdp=4)) == memory_limit(mesh) // 4


def test_explain_full_device__names_settings_and_lets_other_errors_through():
    with pytest.raises(UserError, match=r"filled by sampling \(.*[Oo]ut of memory.*\): use --rollout.slots 2 instead"):
        with explain_full_device("by sampling", half("--rollout.slots", 4), half("--a.b", 1)):
            jnp.zeros((1 << 46,)).block_until_ready()
    with pytest.raises(ValueError, match="other"), explain_full_device("by sampling"):
        raise ValueError("other")


def test_warm_up__that_fills_a_device_says_what_to_lower(config):
    class Learner:
        def warm_up(self, state, batches):
            return jnp.zeros((1 << 46,))

    class Sampler:
        pad_token = 0

    shape = config.learner.shape(config.rollout.prefix_buckets)
    message = (
        "filled by an update .*use --learner.micro-groups 4 instead of 8, or --policy.remat full, or --rollout.group"
    )
    with pytest.raises(UserError, match=message):
        warmup.warm_up(config, Sampler(), Learner(), None, shape)
