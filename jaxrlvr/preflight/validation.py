"""Check a run before anything is compiled; the first problem is raised in one line."""

import dataclasses
import math
from typing import get_args, get_type_hints

import jax

import envs
import models
from envs.api.tools import DETAILS
from jaxrlvr.config import RunConfig
from jaxrlvr.learning import optimizer
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.rollout import tasks
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.policy import Placement
from jaxrlvr.rollout.tasks import training_tasks
from jaxrlvr.runtime.devices import explicit_mesh, make_mesh
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import check_limits, flag, sections
from models.adapters import adapters
from models.decoder import Remat
from models.weight_table import tensors


def check(config: RunConfig, chat: Chat | None, placement: Placement | None = None) -> None:
    """Raise UserError or ModelError for settings that cannot work, each for itself or together.

    With a chat, the first prompts are checked against the prompt buckets. With a placement, the model is checked
    against the devices, and settings that name parameters against the model; make it of settings that passed without.
    """
    tasks.check(config.tasks)
    for prefix, section in sections(config):
        check_limits(section, prefix)
    rollout = config.rollout
    if rollout.detail not in DETAILS:
        raise UserError(f"--rollout.detail {rollout.detail!r} is unknown; there are {', '.join(DETAILS)}")
    if unknown := [name for name in rollout.trace_reward_scenarios if name not in envs.SCENARIOS]:
        raise UserError(
            f"--rollout.trace-reward-scenarios {unknown[0]!r} is not a scenario; there are {', '.join(envs.SCENARIOS)}"
        )
    if 0 < config.guards.explode < 1:
        raise UserError(
            f"--guards.explode {config.guards.explode:g} would skip ordinary updates: use more than 1, or 0 for none"
        )
    if config.policy.remat not in get_args(Remat):
        known = ", ".join(get_args(Remat))
        raise UserError(f"--policy.remat {config.policy.remat!r} is unknown; there are {known}")
    _check_objective(config.grpo)
    devices = math.prod(dataclasses.astuple(config.policy.mesh))
    if rollout.share_prefixes and devices > 1:
        raise UserError(f"--rollout.share-prefixes works on one device, and --policy.mesh has {devices}: leave it off")
    if rollout.asynchronous:
        _check_asynchronous(config)
    optimizer.check(config.optimizer)
    _check_sizes(config)
    if placement is not None:
        _check_model(config, placement)
    if chat is not None:
        _check_prompts(config, chat)


def _check_sizes(config: RunConfig) -> None:
    """Raise UserError for empty, unsorted or too short buckets, and for counts that do not divide over the meshes."""
    rollout, learner = config.rollout, config.learner
    for name, ladder in (
        ("rollout.prefix-buckets", rollout.prefix_buckets),
        ("rollout.suffix-buckets", rollout.suffix_buckets),
        ("learner.suffix-buckets", learner.suffix_buckets),
    ):
        if not ladder or list(ladder) != sorted(set(ladder)) or ladder[0] < 1:
            raise UserError(f"--{name} {ladder} must be ascending sizes, at least one")
    rows = learner.row_buckets
    if list(rows) != sorted(set(rows)) or not all(0 < count < rollout.group_size for count in rows):
        raise UserError(
            f"--learner.row-buckets {rows} must be ascending, each from 1 to {rollout.group_size - 1}, "
            "fewer than --rollout.group-size"
        )
    if config.grpo.overlong_soft >= rollout.suffix_buckets[-1]:
        raise UserError(
            f"--grpo.overlong-soft {config.grpo.overlong_soft} has no effect on members, which have at most "
            f"{rollout.suffix_buckets[-1]} tokens (--rollout.suffix-buckets): use less, or 0"
        )
    if learner.suffix_buckets[-1] < rollout.suffix_buckets[-1]:
        raise UserError(
            f"--learner.suffix-buckets end at {learner.suffix_buckets[-1]}, "
            f"but members may have {rollout.suffix_buckets[-1]} tokens: add that size"
        )
    training, explicit = config.policy.mesh, explicit_mesh(config.policy.sampling_mesh)
    # Both automatic sampling meshes split groups as the training mesh does.
    sampling, setting = (explicit, "sampling-mesh") if explicit else (training, "mesh")
    for name, count, mesh_setting, axes in (
        ("tasks.per-step", config.tasks.per_step, "mesh", training),
        ("tasks.per-step", config.tasks.per_step, setting, sampling),
        ("learner.micro-groups", learner.micro_groups, "mesh", training),
        ("rollout.slots", rollout.slots, setting, sampling),
        ("evaluation.batch", config.evaluation.batch, setting, sampling),
    ):
        spread = axes.data * axes.fsdp
        if count % spread:
            raise UserError(f"--{name} {count} must be a multiple of {spread}, data x fsdp of --policy.{mesh_setting}")
    devices = math.prod(dataclasses.astuple(training))
    if math.prod(dataclasses.astuple(sampling)) != devices:
        raise UserError(
            f"--policy.sampling-mesh is data={sampling.data} x fsdp={sampling.fsdp} x tensor={sampling.tensor}, but "
            f"--policy.mesh has {devices} devices: the same devices sample, so the products must be equal"
        )


def _check_objective(grpo: GRPOConfig) -> None:
    """Raise UserError for an unknown kind, and for settings without effect or in contradiction with each other."""
    for name, hint in get_type_hints(GRPOConfig).items():
        value, kinds = getattr(grpo, name), get_args(hint)
        if kinds and value not in kinds:
            raise UserError(f"{flag('grpo.' + name)} {value!r} is unknown; there are {', '.join(kinds)}")
    if grpo.kl_in_reward and not grpo.kl_beta:
        raise UserError("--grpo.kl-in-reward has no effect while --grpo.kl-beta is 0: set a beta such as 0.001")
    if grpo.kl_beta and grpo.kl_estimate == "k1" and not grpo.kl_in_reward:
        raise UserError(
            "--grpo.kl-estimate k1 in the loss has no useful gradient (its mean is zero): add --grpo.kl-in-reward "
            "or use k2 or k3"
        )
    if (grpo.overlong_soft or grpo.overlong_hard) and grpo.overlong_soft >= grpo.overlong_hard:
        raise UserError(
            f"--grpo.overlong-soft {grpo.overlong_soft} must be less than --grpo.overlong-hard {grpo.overlong_hard}"
        )
    if grpo.correction.endswith("_mask") and grpo.correction_cap <= 1:
        raise UserError(
            f"--grpo.correction {grpo.correction} with --grpo.correction-cap {grpo.correction_cap:g} would leave out "
            "every token whose ratio is not 1: use a cap above 1, such as 2"
        )


def _check_model(config: RunConfig, placement: Placement) -> None:
    """Raise UserError or ModelError for a mesh that these devices cannot form or the model does not divide over, and
    for settings that this model lacks the parameters for.
    """
    model = placement.model
    for axes in (placement.training_mesh, placement.sampling_mesh):
        if (mesh := make_mesh(axes)) is not None:
            models.check_divides(model, mesh)
    optimizer.check_frozen(config.optimizer.frozen, trained_names(model))
    if config.learner.row_buckets and model.is_hybrid:
        raise UserError(
            f"--learner.row-buckets {config.learner.row_buckets}: members cannot share rows in a model with linear "
            "attention, whose state would run from one member into the next; leave it out"
        )
    if config.grpo.balance_loss and not model.num_experts:
        raise UserError("--grpo.balance-loss needs a mixture of experts, and this model has none: leave it at 0")


def trained_names(model: models.ModelConfig) -> list[str]:
    """Return the names of the trained parameters: of a model with adapters, only theirs."""
    beside = [part for _, *pair in adapters(model) for part in pair]
    return [".".join(map(str, tensor.path)) for tensor in beside or tensors(model)]


def _check_asynchronous(config: RunConfig) -> None:
    """Raise UserError for settings that exclude sampling one step ahead."""
    if config.grpo.correction == "off":
        raise UserError(
            "--rollout.asynchronous samples with the policy before the last update, and --grpo.correction is off: add "
            "--grpo.correction token, truncated importance weights (or sequence, token_mask, sequence_mask)"
        )
    devices = math.prod(dataclasses.astuple(config.policy.mesh))
    if devices > 1 or jax.process_count() > 1:
        raise UserError(
            f"--rollout.asynchronous needs a single device, and --policy.mesh has {devices} in {jax.process_count()} "
            "processes, where programs of two threads would block each other: leave it off"
        )


def _check_prompts(config: RunConfig, chat: Chat) -> None:
    ladder = config.rollout.prefix_buckets
    for task in first_tasks(config):
        length = len(prompt(config, chat, task))
        if length > ladder[-1]:
            raise UserError(
                f"a prompt of {task.scenario} has {length} tokens, the largest of --rollout.prefix-buckets is "
                f"{ladder[-1]}: add one of {64 * math.ceil(length / 64)}"
            )


def first_tasks(config: RunConfig) -> list[envs.Task]:
    """Return the tasks of the first step, at most 1000 of them."""
    at_most = dataclasses.replace(config.tasks, per_step=min(config.tasks.per_step, 1000))
    return training_tasks(at_most, config.seed, 1)


def prompt(config: RunConfig, chat: Chat, task: envs.Task) -> list[int]:
    """Return the tokens of a task's prompt."""
    return chat.prompt(task.request, envs.tool_schemas(task, detail=config.rollout.detail))
