"""What a run will do, before anything is compiled: checks with one clear line, and the text of `--dry-run`."""

import json
import math
import os
from typing import get_args

import jax

import envs
import models
from envs.tools import DETAILS
from jaxrlvr import tasks
from jaxrlvr.chat import Chat
from jaxrlvr.config import RunConfig
from jaxrlvr.errors import UserError
from jaxrlvr.grpo import Gate
from jaxrlvr.tasks import training_tasks


def check(config: RunConfig, chat: Chat | None) -> None:
    """Raise UserError for settings that cannot work together or, given the chat, do not hold the first prompts."""
    tasks.check(config.tasks)
    if config.steps < 1:
        raise UserError(f"--steps {config.steps} trains nothing: use 1 or more")
    rollout, learner = config.rollout, config.learner
    if rollout.group_size < 2:
        raise UserError("--rollout.group-size 1 gives no advantage: a member is compared with its group; use 2 or more")
    if rollout.detail not in DETAILS:
        raise UserError(f"--rollout.detail {rollout.detail!r} is unknown; there are {', '.join(DETAILS)}")
    if config.grpo.outcome_gate not in get_args(Gate):
        raise UserError(f"--grpo.outcome-gate {config.grpo.outcome_gate!r} is unknown; there are off, always, auto")
    if rollout.temperature <= 0:
        raise UserError("--rollout.temperature must be above 0: greedy members of a group would all be the same")
    for name, ladder in (
        ("rollout.prefix-buckets", rollout.prefix_buckets),
        ("rollout.suffix-buckets", rollout.suffix_buckets),
        ("learner.suffix-buckets", learner.suffix_buckets),
    ):
        if not ladder or list(ladder) != sorted(set(ladder)) or ladder[0] < 1:
            raise UserError(f"--{name} {ladder} must be ascending sizes, at least one")
    if learner.suffix_buckets[-1] < rollout.suffix_buckets[-1]:
        raise UserError(
            f"--learner.suffix-buckets end at {learner.suffix_buckets[-1]}, "
            f"but members may have {rollout.suffix_buckets[-1]} tokens: add that size"
        )
    spread = config.policy.mesh.data * config.policy.mesh.fsdp
    for name, count in (
        ("tasks.per-step", config.tasks.per_step),
        ("learner.micro-groups", learner.micro_groups),
        ("evaluation.batch", config.evaluation.batch),
    ):
        if count < 1 or count % spread:
            raise UserError(f"--{name} {count} must be a multiple of {spread}, the mesh's data x fsdp")
    if chat is not None:
        _check_prompts(config, chat)


def _check_prompts(config: RunConfig, chat: Chat) -> None:
    ladder = config.rollout.prefix_buckets
    for task in training_tasks(config.tasks, config.seed, 1):
        length = len(prompt(config, chat, task))
        if length > ladder[-1]:
            raise UserError(
                f"a prompt of {task.scenario} has {length} tokens, the largest of --rollout.prefix-buckets is "
                f"{ladder[-1]}: add one of {64 * math.ceil(length / 64)}"
            )


def prompt(config: RunConfig, chat: Chat, task: envs.Task) -> list[int]:
    """The prefix of a task."""
    return chat.prompt(task.request, envs.tool_schemas(task, detail=config.rollout.detail))


def describe(config: RunConfig, source: str, model: models.ModelConfig, chat: Chat | None) -> str:
    """The run in a few lines: model, devices, memory, shapes, and the first prompt (its parts, without a tokenizer)."""
    mesh, acting = config.policy.mesh, config.rollout
    parameters = models.parameter_count(model)
    # Weights, gradients and Adam's two moments, all float32.
    state_bytes = 16 * parameters / (mesh.fsdp * mesh.tensor)
    slots = acting.prefix_buckets[-1] + acting.group_size * acting.suffix_buckets[-1]
    groups = config.tasks.per_step / (mesh.data * mesh.fsdp)
    number_bytes = 2 if config.policy.compute_dtype == "bfloat16" else 4
    per_slot = 2 * number_bytes * model.num_layers * model.num_kv_heads * model.head_dim / mesh.tensor
    task = training_tasks(config.tasks, config.seed, 1)[0]
    if chat is None:
        first = f"{json.dumps(envs.tool_schemas(task, detail=acting.detail))}\n{task.request}"
    else:
        first = chat.tokenizer.decode(prompt(config, chat, task))
    return "\n".join(
        [
            f"model      {source}: {parameters / 1e6:,.2f}M parameters, {model.num_layers} layers",
            f"devices    {jax.device_count()} x {jax.devices()[0].device_kind}, {os.cpu_count()} host cores; "
            f"mesh data={mesh.data} fsdp={mesh.fsdp} tensor={mesh.tensor}",
            f"per device {_size(state_bytes)} of weights, gradients and optimizer, "
            f"at most {_size(slots * groups * per_slot)} of caches, and activations",
            f"scenarios  {', '.join(config.tasks.scenarios)}",
            f"a step     {config.tasks.per_step} tasks x {acting.group_size} members, "
            f"at most {acting.max_turns} turns of {acting.turn_tokens} tokens",
            f"the run    {config.steps} steps, evaluated on {config.evaluation.tasks} held-out tasks per scenario"
            + (f"; {config.about}" if config.about else ""),
            "the first prompt:",
            *(f"    {line}" for line in first.splitlines()),
        ]
    )


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"
