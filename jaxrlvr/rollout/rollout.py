"""Tasks to scored groups: the host side of sampling.

Members write turns on the device. The host parses the calls of each turn that has ended, steps that member's simulator
and appends the answers' tokens while other members are still writing. When all members of a group have stopped, its
slot goes to the next task. Tokens are the truth: sampled tokens are never decoded and encoded again to build an input.
"""

import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

import envs
from envs.api.tools import Detail
from envs.task import Task
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.trajectory import Group, Trajectory
from jaxrlvr.runtime.settings import setting
from jaxrlvr.runtime.timing import Figures, timed
from jaxrlvr.sampling.sampler import DecodeLimits, Sampler, Turn, keys
from jaxrlvr.sampling.slots import SamplerState
from models import Prefix
from models.forward import Forward


@dataclass(frozen=True)
class RolloutConfig:
    """Settings of the members' interaction with their simulators."""

    group_size: int = setting(8, at_least=2)
    """Members per group: attempts at the same task, at least two, since advantages compare them."""
    temperature: float = setting(1.0, above=0)
    """Divides the logits when sampling; the learner scores with the same temperature. Above 0: greedy members of a
    group would be identical.
    """
    max_turns: int = setting(6, at_least=1)
    """Most turns of a member."""
    turn_tokens: int = setting(96, at_least=1)
    """Most tokens that a member writes in one turn."""
    detail: Detail = "compact"
    """Amount of tools and API responses that the model sees: compact or full."""
    untagged_calls: bool = setting(False, formerly=("lenient",))
    """Accept tool calls without <tool_call> tags, bare or in a code fence, for checkpoints that never write the tag."""
    trace_reward_scenarios: tuple[str, ...] = setting((), formerly=("trace_only",))
    """Scenarios whose reward depends on the calls alone and not on the site's final state, which still decides success
    (arXiv 2607.01465).
    """
    prefix_buckets: tuple[int, ...] = setting((128,), on_resume="rounding")
    """Prompt lengths to compile for, ascending."""
    suffix_buckets: tuple[int, ...] = (96, 192, 384)
    """Suffix lengths to compile for, ascending; the last one limits a member's tokens."""
    answer_chunk: int = setting(64, at_least=1, on_resume="rounding")
    """API responses are appended in chunks of this many tokens."""
    return_fraction: float = setting(0.5, above=0, at_most=1, on_resume="rounding", formerly=("answer_share",))
    """Return to the host once this fraction of active members has ended its turn; 1 waits for all. Does not change
    sampled tokens.
    """
    slots: int = setting(0, at_least=0, on_resume="rounding", formerly=("places",))
    """Groups sampled at a time; the next task takes the slot of a finished group. 0: all of a step at once."""
    share_prefixes: bool = setting(False, on_resume="rounding")
    """Encode the common beginning of a step's prompts once, such as long tool schemas; single device only."""
    asynchronous: bool = False
    """Sample each step while the previous update is running, with the policy from before that update. Needs
    grpo.correction.
    """


@dataclass(frozen=True)
class Actor:
    """A policy that acts: a compiled sampler, the parameters it samples with, and its chat template."""

    sampler: Sampler
    params: Any
    chat: Chat


@dataclass(frozen=True)
class RolloutKey:
    """Fixes every random draw of a rollout, whatever else is in the batch."""

    seed: int
    """The run's seed."""
    step: int
    numbers: Sequence[int]
    """The number of each task within the step."""


class Rollout(NamedTuple):
    """Scored groups, one per task and in the tasks' order, and the seconds spent in the host (seconds/host)."""

    groups: list[Group]
    figures: Figures


class RolloutStopped(Exception):
    """A rollout ended between two turns because `should_stop` returned True."""


def rollout(
    actor: Actor,
    tasks: Sequence[Task],
    config: RolloutConfig,
    key: RolloutKey,
    should_stop: Callable[[], bool] = lambda: False,
) -> Rollout:
    """Let `group_size` members attempt each task, and score every trajectory.

    `should_stop` is asked before each call of the sampler. Raises UserError if a prompt exceeds the largest bucket, and
    RolloutStopped.
    """
    figures: Figures = {}
    sampler, chat, numbers = actor.sampler, actor.chat, list(key.numbers)
    with timed(figures, "seconds/host"):
        groups = [_open_group(chat, task, config) for task in tasks]
    count = min(config.slots or len(tasks), len(tasks))
    waiting = deque(range(count, len(tasks)))
    # Per slot: its group and that group's number within the step.
    in_slot, number_in_slot = groups[:count], numbers[:count]
    longest = max(len(group.prefix) for group in groups)
    model = sampler.prepare_weights(actor.params)
    prefix, state = sampler.prefill(model, [group.prefix for group in in_slot], config.group_size, longest)
    key_BG = keys(key.seed, key.step, number_in_slot, config.group_size)
    while any(group.active for group in in_slot):
        if should_stop():
            raise RolloutStopped
        limits = _limits(in_slot, config)
        state = sampler.reserve(state, int(limits.length_BG.max()))
        state, turn = sampler.decode(model, prefix, state, limits, key_BG, config.temperature)
        length_BG, turn = jax.device_get((state.length_BG, turn))
        with timed(figures, "seconds/host"):
            answers = _play_turns(in_slot, turn, length_BG, limits.length_BG, chat, config)
        state = _append_answers(sampler, model, prefix, state, in_slot, answers)
        free = [slot for slot, group in enumerate(in_slot) if not group.active]
        assigned = {slot: waiting.popleft() for slot in free[: len(waiting)]}
        if assigned:
            encoded = [group.prefix for group in in_slot]
            for slot, index in assigned.items():
                in_slot[slot], number_in_slot[slot] = groups[index], numbers[index]
            prompts = {slot: in_slot[slot].prefix for slot in assigned}
            prefix, state = sampler.assign_slots(model, prefix, state, prompts, encoded)
            key_BG = keys(key.seed, key.step, number_in_slot, config.group_size)
    with timed(figures, "seconds/host"):
        for group in groups:
            for member in group.members:
                _score(member)
    return Rollout(groups, figures)


def _open_group(chat: Chat, task: Task, config: RolloutConfig) -> Group:
    prefix = chat.prompt(task.request, envs.tool_schemas(task, detail=config.detail))
    trace_only = task.scenario in config.trace_reward_scenarios
    episodes = [
        envs.Episode(task, detail=config.detail, untagged_calls=config.untagged_calls, trace_only=trace_only)
        for _ in range(config.group_size)
    ]
    return Group(task, prefix, [Trajectory(episode) for episode in episodes])


def _limits(groups: Sequence[Group], config: RolloutConfig) -> DecodeLimits:
    """Cut each active member's turn at `turn_tokens`, and return once `return_fraction` of them have ended theirs."""
    longest = config.suffix_buckets[-1]
    lengths = [[0 if m.stop else min(m.turn_begin + config.turn_tokens, longest) for m in g.members] for g in groups]
    length_BG = np.array(lengths, np.int32)
    active = int((length_BG > 0).sum())
    return DecodeLimits(length_BG, min(active - 1, int(active * (1 - config.return_fraction))))


def _play_turns(
    groups: Sequence[Group],
    turn: Turn,
    length_BG: np.ndarray,
    limit_BG: np.ndarray,
    chat: Chat,
    config: RolloutConfig,
) -> list[list[list[int]]]:
    """Append to each member the tokens it sampled, and step the simulators of members whose turn has ended.

    Returns the answers' tokens per group and member, empty for members without an answer.
    """
    answers: list[list[list[int]]] = [[[] for _ in group.members] for group in groups]
    for b, group in enumerate(groups):
        for g, member in enumerate(group.members):
            if member.stop:
                continue
            new = slice(len(member.tokens), int(length_BG[b, g]))
            member.append(turn.token_BGS[b, g, new].tolist(), turn.logprob_BGS[b, g, new].tolist())
            if member.tokens[-1] == chat.stop_token or len(member.tokens) >= limit_BG[b, g]:
                answers[b][g] = _answer(member, chat, config)
    return answers


def _answer(member: Trajectory, chat: Chat, config: RolloutConfig) -> list[int]:
    """Step the member's simulator with its turn. Returns the answer's tokens, or none and sets `member.stop`."""
    member.turns += 1
    turn = member.tokens[member.turn_begin :]
    if turn[-1] != chat.stop_token:
        member.stop = "length" if len(member.tokens) >= config.suffix_buckets[-1] else "turn_limit"
        return []
    try:
        reply = member.episode.step(chat.text(turn))
    # A bug of the simulator, not the model's mistake: such a trajectory is counted and not learnt from.
    except Exception:
        member.stop, member.fault = "fault", traceback.format_exc()
        return []
    if reply.done:
        member.stop = "done"
        return []
    tokens = chat.answer(reply.answers)
    if len(member.tokens) + len(tokens) >= config.suffix_buckets[-1]:
        member.stop = "length"
        return []
    if member.turns >= config.max_turns:
        member.stop = "max_turns"
        return []
    member.append(tokens)
    member.turn_begin = len(member.tokens)
    return tokens


def _append_answers(
    sampler: Sampler,
    model: Forward,
    prefix: Prefix,
    state: SamplerState,
    groups: Sequence[Group],
    answers: list[list[list[int]]],
) -> SamplerState:
    """Append the answers to the caches of active members; check that cache and host agree on every length."""
    if not any(tokens for group in answers for tokens in group):
        return state
    state = sampler.reserve(state, max(len(member.tokens) for group in groups for member in group.members))
    state = sampler.append(model, prefix, state, answers)
    length_BG = np.asarray(state.length_BG)
    for b, group in enumerate(groups):
        for g, member in enumerate(group.members):
            if not member.stop and len(member.tokens) != length_BG[b, g]:
                raise AssertionError(
                    f"group {b} member {g}: {len(member.tokens)} tokens on the host, {length_BG[b, g]} in the cache"
                )
    return state


def _score(member: Trajectory) -> None:
    if member.stop == "fault":
        return
    try:
        member.verdict = member.episode.verdict()
    except Exception:
        member.stop, member.fault = "fault", traceback.format_exc()
