"""What is wrong with a run, before anything is compiled: one clear line."""

import dataclasses
import math
from typing import Any, get_args, get_type_hints

import jax

import envs
import models
from envs.api.tools import DETAILS
from jaxrlvr.config import RunConfig
from jaxrlvr.learning import optimizer
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.rollout import tasks
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.policy import weight_bytes
from jaxrlvr.rollout.tasks import training_tasks
from jaxrlvr.runtime.devices import make_mesh, sampling_mesh
from jaxrlvr.runtime.errors import UserError
from models.adapters import adapters
from models.decoder import Remat
from models.sharding import padded
from models.weight_table import tensors


def check(config: RunConfig, chat: Chat | None, model: models.ModelConfig | None = None) -> None:
    """Raise UserError or ModelError for settings that cannot work: together; given the chat, with the first prompts;
    given the model, with its parameters on the devices there are.
    """
    tasks.check(config.tasks)
    _check_numbers(config, "")
    if config.seed > _LAST_SEED:
        raise UserError(f"--seed {config.seed} is too large to be told apart from others: use 0 to {_LAST_SEED}")
    rollout = config.rollout
    if rollout.detail not in DETAILS:
        raise UserError(f"--rollout.detail {rollout.detail!r} is unknown; there are {', '.join(DETAILS)}")
    if unknown := [name for name in rollout.trace_reward_scenarios if name not in envs.SCENARIOS]:
        raise UserError(
            f"--rollout.trace-reward-scenarios {unknown[0]!r} is no scenario; there are {', '.join(envs.SCENARIOS)}"
        )
    if rollout.return_fraction > 1:
        raise UserError(
            f"--rollout.return-fraction {rollout.return_fraction} is a share: use a number above 0, at most 1"
        )
    for name, share in (("grpo.gate-above", config.grpo.gate_above), ("guards.max-faults", config.guards.max_faults)):
        if share > 1:
            raise UserError(f"--{name} {share:g} is a share: use a number from 0 to 1")
    if 0 < config.guards.explode < 1:
        raise UserError(
            f"--guards.explode {config.guards.explode:g} would skip usual updates: use more than 1, or 0 to skip none"
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
    if model is not None:
        _check_model(config, model)
    if chat is not None:
        _check_prompts(config, chat)


_LAST_SEED = 2**32 - 1
"""JAX drops the bits above."""

# The least value of each setting that is a number; "above" for those that must be more than 0.
_LEAST: dict[str, float | str] = {
    "steps": 1,
    "seed": 0,
    "checkpoint_every": 1,
    "keep_checkpoints": 1,
    "policy.mesh.data": 1,
    "policy.mesh.fsdp": 1,
    "policy.mesh.tensor": 1,
    "policy.sampling_mesh.data": 0,
    "policy.sampling_mesh.fsdp": 0,
    "policy.sampling_mesh.tensor": 0,
    "policy.lora.rank": 0,
    "policy.lora.alpha": "above",
    "tasks.per_step": 1,
    "tasks.difficulty": 1,
    "tasks.tools": 0,
    # Alone in its group a member has nothing to be compared with.
    "rollout.group_size": 2,
    # Greedy members of a group would all be the same.
    "rollout.temperature": "above",
    "rollout.max_turns": 1,
    "rollout.turn_tokens": 1,
    "rollout.answer_chunk": 1,
    "rollout.return_fraction": "above",
    "rollout.slots": 0,
    "grpo.clip_low": 0,
    "grpo.clip_high": 0,
    "grpo.kl_beta": 0,
    "grpo.balance_loss": 0,
    "grpo.gate_above": 0,
    "grpo.constant_length": 1,
    "grpo.entropy_bonus": 0,
    "grpo.correction_cap": 1,
    "grpo.overlong_soft": 0,
    "grpo.overlong_hard": 0,
    "grpo.refills": 0,
    "learner.micro_groups": 1,
    "optimizer.learning_rate": "above",
    "optimizer.warmup_steps": 0,
    "optimizer.decay_steps": 0,
    "optimizer.weight_decay": 0,
    "optimizer.beta2": 0,
    "optimizer.max_grad_norm": "above",
    "evaluation.tasks": 1,
    "evaluation.every": 0,
    "evaluation.batch": 1,
    "guards.mismatch_kl": 0,
    "guards.mismatch_gap": 0,
    "guards.explode": 0,
    "guards.max_skipped": 1,
    "guards.max_faults": 0,
    "guards.stall_seconds": 0,
}


def _check_sizes(config: RunConfig) -> None:
    """Raise UserError for buckets that are none or too short, and for counts that do not divide over the mesh."""
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
            f"--grpo.overlong-soft {config.grpo.overlong_soft} takes nothing from members, which have at most "
            f"{rollout.suffix_buckets[-1]} tokens (--rollout.suffix-buckets): use less, or 0"
        )
    if learner.suffix_buckets[-1] < rollout.suffix_buckets[-1]:
        raise UserError(
            f"--learner.suffix-buckets end at {learner.suffix_buckets[-1]}, "
            f"but members may have {rollout.suffix_buckets[-1]} tokens: add that size"
        )
    training, asked = config.policy.mesh, config.policy.sampling_mesh
    sampling = sampling_mesh(asked, training, 0)  # any weights: both grids spread groups alike
    own = "sampling-mesh" if any(dataclasses.astuple(asked)) else "mesh"
    for name, count, flag, axes in (
        ("tasks.per-step", config.tasks.per_step, "mesh", training),
        ("tasks.per-step", config.tasks.per_step, own, sampling),
        ("learner.micro-groups", learner.micro_groups, "mesh", training),
        ("rollout.slots", rollout.slots, own, sampling),
        ("evaluation.batch", config.evaluation.batch, own, sampling),
    ):
        spread = axes.data * axes.fsdp
        if count % spread:
            raise UserError(f"--{name} {count} must be a multiple of {spread}, data x fsdp of --policy.{flag}")
    devices = math.prod(dataclasses.astuple(training))
    if math.prod(dataclasses.astuple(sampling)) != devices:
        raise UserError(
            f"--policy.sampling-mesh is data={sampling.data} x fsdp={sampling.fsdp} x tensor={sampling.tensor}, but "
            f"--policy.mesh has {devices} devices: the same devices sample, so the products must be equal"
        )


def _check_numbers(section: Any, where: str) -> None:
    """Raise UserError for a number that is not finite or too small."""
    for part in dataclasses.fields(section):
        name, value = where + part.name, getattr(section, part.name)
        if dataclasses.is_dataclass(value):
            _check_numbers(value, f"{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            least = _LEAST[name]
            fits = value > 0 if least == "above" else value >= float(least)
            if not (math.isfinite(value) and fits):
                wanted = "a number above 0" if least == "above" else f"{least} or more"
                raise UserError(f"--{name.replace('_', '-')} {value} cannot be: use {wanted}")


def _check_objective(grpo: GRPOConfig) -> None:
    """Raise UserError for an unknown kind, and for parts that do nothing or cannot be without another."""
    for name, hint in get_type_hints(GRPOConfig).items():
        value, kinds = getattr(grpo, name), get_args(hint)
        if kinds and value not in kinds:
            raise UserError(f"--grpo.{name.replace('_', '-')} {value!r} is unknown; there are {', '.join(kinds)}")
    if grpo.kl_in_reward and not grpo.kl_beta:
        raise UserError("--grpo.kl-in-reward does nothing while --grpo.kl-beta is 0: set a beta such as 0.001")
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


def _check_model(config: RunConfig, model: models.ModelConfig) -> None:
    """Raise for a mesh that these devices do not make or the model does not divide over, and for names of parameters
    that it does not have.
    """
    model, mesh = dataclasses.replace(model, lora=config.policy.lora), make_mesh(config.policy.mesh)
    if mesh is not None:
        model = padded(model, mesh)
        models.check_divides(model, mesh)
        weights = weight_bytes(model, config.policy.compute_dtype)
        sampling = make_mesh(sampling_mesh(config.policy.sampling_mesh, config.policy.mesh, weights))
        assert sampling is not None, "it has as many devices"
        models.check_divides(model, sampling)
    optimizer.check_frozen(config.optimizer.frozen, trained_names(model))
    if config.learner.row_buckets and model.is_hybrid:
        raise UserError(
            f"--learner.row-buckets {config.learner.row_buckets}: members share no rows where linear attention runs "
            "a state through them, as in this model; leave it out"
        )
    if config.grpo.balance_loss and not model.num_experts:
        raise UserError("--grpo.balance-loss needs a mixture of experts, and this model has none: leave it at 0")


def trained_names(model: models.ModelConfig) -> list[str]:
    """The names of the parameters that are trained: of a model with adapters these alone."""
    beside = [part for _, *pair in adapters(model) for part in pair]
    return [".".join(map(str, tensor.path)) for tensor in beside or tensors(model)]


def _check_asynchronous(config: RunConfig) -> None:
    """Raise UserError for what sampling one step ahead cannot go with."""
    if config.grpo.correction == "off":
        raise UserError(
            "--rollout.asynchronous samples with the policy before the last update, and --grpo.correction is off: add "
            "--grpo.correction token, truncated importance weights (or sequence, token_mask, sequence_mask)"
        )
    devices = math.prod(dataclasses.astuple(config.policy.mesh))
    if devices > 1 or jax.process_count() > 1:
        raise UserError(
            f"--rollout.asynchronous needs a single device, and --policy.mesh has {devices} in {jax.process_count()} "
            "processes: programs of two threads would wait for each other there; leave it off"
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
    """Tasks of the first step, all unless there are very many."""
    few = dataclasses.replace(config.tasks, per_step=min(config.tasks.per_step, 1000))
    return training_tasks(few, config.seed, 1)


def prompt(config: RunConfig, chat: Chat, task: envs.Task) -> list[int]:
    """The prefix of a task."""
    return chat.prompt(task.request, envs.tool_schemas(task, detail=config.rollout.detail))
