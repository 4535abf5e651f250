"""Describe a run before it starts: the text of `--dry-run`."""

import json
import os

import jax

import envs
import models
from jaxrlvr.config import RunConfig
from jaxrlvr.preflight import memory_estimate
from jaxrlvr.preflight.memory_estimate import size
from jaxrlvr.preflight.validation import first_tasks, prompt
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.policy import Placement, PolicyConfig
from models.adapters import adapter_count
from models.decoder import check_offload
from models.fast_attention import choose


def describe(config: RunConfig, source: str, placement: Placement, chat: Chat | None) -> str:
    """Return a few lines about the run: model, devices, memory, shapes, and the first prompt (without a chat, the tools
    and the request that it is made of).
    """
    rollout, model = config.rollout, placement.model
    mesh, sampling = placement.training_mesh, placement.sampling_mesh
    parameters = f"{models.parameter_count(model) / 1e6:,.2f}M parameters"
    if model.lora.rank:
        parameters += f" and {adapter_count(model) / 1e6:,.2f}M in adapters, the only ones trained"
    memory = memory_estimate.estimate(config, placement)
    too_large = memory_estimate.why_too_large(config, placement)
    task = first_tasks(config)[0]
    if chat is None:
        first = f"{json.dumps(envs.tool_schemas(task, detail=rollout.detail))}\n{task.request}"
    else:
        first = chat.tokenizer.decode(prompt(config, chat, task))
    return "\n".join(
        [
            f"model      {source}: {parameters}, {model.num_layers} layers",
            f"devices    {jax.device_count()} x {jax.devices()[0].device_kind}, {os.cpu_count()} host cores; "
            f"mesh data={mesh.data} fsdp={mesh.fsdp} tensor={mesh.tensor}"
            + (f", sampling data={sampling.data} fsdp={sampling.fsdp} tensor={sampling.tensor}" * (sampling != mesh)),
            f"per device {size(memory.state)} for weights, gradients and optimizer, "
            f"at most {size(memory.caches)} for caches, about {size(memory.activations)} for activations",
            *([f"impossible here: {too_large}"] if too_large else []),
            *_about_devices(config.policy, model, memory.offloaded),
            f"scenarios  {', '.join(config.tasks.scenarios)}",
            f"a step     {config.tasks.per_step} tasks x {rollout.group_size} members, "
            f"at most {rollout.max_turns} turns of {rollout.turn_tokens} tokens",
            f"the run    {config.steps} steps, evaluated on {config.evaluation.tasks} held-out tasks per scenario"
            + (f"; {config.about}" if config.about else ""),
            "the first prompt:",
            *(f"    {line}" for line in first.splitlines()),
        ]
    )


def _about_devices(policy: PolicyConfig, model: models.ModelConfig, offloaded: int) -> list[str]:
    """Return lines about settings of the policy that these devices lack, or that have an unexpected effect on them."""
    lines, device = [], jax.devices()[0]
    try:
        choose(policy.attention, model.head_dim, policy.compute_dtype, None, device)
        if policy.remat == "offload":
            check_offload([device])
    except models.ModelError as error:
        lines.append(f"impossible here: {error}")
    if policy.remat == "offload" and device.platform == "cpu":
        lines.append(f"remat      offload saves nothing on a CPU, whose memory is the host's: {size(offloaded)} more")
    elif policy.remat == "offload":
        lines.append(f"remat      offload: {size(offloaded)} of layers' inputs offloaded to host memory")
    return lines
