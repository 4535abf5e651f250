"""Laws of meshes: which grid samples, a process's part of it, and counts that do not divide over either."""

from dataclasses import replace

import jax
import pytest

import models
from jaxrlvr.preflight.validation import check
from jaxrlvr.rollout.policy import PolicyConfig
from jaxrlvr.runtime import devices
from jaxrlvr.runtime.devices import MeshConfig, SamplingMesh, memory_limit, sampling_mesh
from jaxrlvr.runtime.errors import UserError

TRAINING = MeshConfig(data=2, fsdp=4, tensor=2)


def test_sampling_mesh__copies_what_fsdp_cuts_while_that_is_small():
    quarter = int(TRAINING.tensor * memory_limit(TRAINING) / 4)
    assert sampling_mesh(SamplingMesh(), TRAINING, quarter - 8) == MeshConfig(data=8, fsdp=1, tensor=2)
    assert sampling_mesh(SamplingMesh(), TRAINING, quarter + 8) == TRAINING


def test_sampling_mesh__is_what_is_asked_for():
    assert sampling_mesh(SamplingMesh(tensor=16), TRAINING, 10**18) == MeshConfig(1, 1, 16)


@pytest.mark.parametrize(
    "sampling_mesh, per_step, message",
    [
        (SamplingMesh(data=4), 16, "data=4 x fsdp=1 x tensor=1, but --policy.mesh has 8 devices"),
        (SamplingMesh(data=8), 12, "per-step 12 must be a multiple of 8, data x fsdp of --policy.sampling-mesh"),
        (SamplingMesh(), 6, "--tasks.per-step 6 must be a multiple of 4, data x fsdp of --policy.mesh"),
    ],
    ids=str,
)
def test_check__refuses_grids_that_do_not_go_together(tiny_run, sampling_mesh, per_step, message):
    policy = PolicyConfig(mesh=MeshConfig(data=2, fsdp=2, tensor=2), sampling_mesh=sampling_mesh)
    counts = {"evaluation": replace(tiny_run.evaluation, batch=8), "learner": replace(tiny_run.learner, micro_groups=4)}
    config = replace(tiny_run, policy=policy, tasks=replace(tiny_run.tasks, per_step=per_step), **counts)
    with pytest.raises(UserError) as raised:
        check(config, None)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "sizes, count, own", [((1, 8, 1), 4, (1, 4, 1)), ((2, 2, 2), 4, (1, 2, 2)), ((8, 1, 1), 4, (4, 1, 1))]
)
def test_own_mesh__keeps_tensor_then_fsdp(sizes: tuple[int, ...], count: int, own: tuple[int, ...]) -> None:
    mesh = devices.own_mesh(models.make_mesh(*sizes), jax.devices()[:count])
    assert tuple(mesh.shape.values()) == own


def test_own_mesh__refuses_heads_that_span_hosts() -> None:
    with pytest.raises(UserError, match=r"tensor 8 \(.*\) does not divide the 4 devices"):
        devices.own_mesh(models.make_mesh(1, 1, 8), jax.devices()[:4])
