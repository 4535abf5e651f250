"""What a run would do: the text of `--dry-run`."""

import dataclasses
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
from jaxrlvr.rollout.policy import PolicyConfig, weight_bytes
from jaxrlvr.runtime.devices import sampling_mesh
from models.adapters import adapter_count
from models.decoder import check_offload
from models.fast_attention import choose
from models.sharding import padded


def describe(config: RunConfig, source: str, model: models.ModelConfig, chat: Chat | None) -> str:
    """The run in a few lines: model, devices, memory, shapes, and the first prompt (its parts, without a tokenizer)."""
    policy, acting = config.policy, config.rollout
    mesh, model = policy.mesh, padded(dataclasses.replace(model, lora=policy.lora), memory_estimate.grid(policy.mesh))
    sampling = sampling_mesh(policy.sampling_mesh, mesh, weight_bytes(model, policy.compute_dtype))
    parameters = f"{models.parameter_count(model) / 1e6:,.2f}M parameters"
    if model.lora.rank:
        parameters += f" and {adapter_count(model) / 1e6:,.2f}M of adapters, which alone are trained"
    taken = memory_estimate.estimate(config, model)
    task = first_tasks(config)[0]
    if chat is None:
        first = f"{json.dumps(envs.tool_schemas(task, detail=acting.detail))}\n{task.request}"
    else:
        first = chat.tokenizer.decode(prompt(config, chat, task))
    return "\n".join(
        [
            f"model      {source}: {parameters}, {model.num_layers} layers",
            f"devices    {jax.device_count()} x {jax.devices()[0].device_kind}, {os.cpu_count()} host cores; "
            f"mesh data={mesh.data} fsdp={mesh.fsdp} tensor={mesh.tensor}"
            + (f", sampling data={sampling.data} fsdp={sampling.fsdp} tensor={sampling.tensor}" * (sampling != mesh)),
            f"per device {size(taken.state)} of weights, gradients and optimizer, "
            f"at most {size(taken.caches)} of caches, about {size(taken.activations)} of activations",
            *([f"impossible here: {full}"] if (full := memory_estimate.why_too_large(config, model)) else []),
            *_about_devices(config.policy, model, taken.offloaded),
            f"scenarios  {', '.join(config.tasks.scenarios)}",
            f"a step     {config.tasks.per_step} tasks x {acting.group_size} members, "
            f"at most {acting.max_turns} turns of {acting.turn_tokens} tokens",
            f"the run    {config.steps} steps, evaluated on {config.evaluation.tasks} held-out tasks per scenario"
            + (f"; {config.about}" if config.about else ""),
            "the first prompt:",
            *(f"    {line}" for line in first.splitlines()),
        ]
    )


def _about_devices(policy: PolicyConfig, model: models.ModelConfig, offloaded: int) -> list[str]:
    """What of the policy's settings these devices cannot do, or do otherwise than one would think."""
    said, device = [], jax.devices()[0]
    try:
        choose(policy.attention, model.head_dim, policy.compute_dtype, None, device)
        if policy.remat == "offload":
            check_offload([device])
    except models.ModelError as error:
        said.append(f"impossible here: {error}")
    if policy.remat == "offload" and device.platform == "cpu":
        said.append(f"remat      offload saves nothing on a CPU, whose memory is the host's: {size(offloaded)} more")
    elif policy.remat == "offload":
        said.append(f"remat      offload: {size(offloaded)} of layers' inputs wait in the host's memory")
    return said
