"""Tasks -> groups: the host part of sampling.

Members write turns on the device; the host reads the calls out of each turn that has ended, steps that member's
simulator, and hands the answers back as tokens, while others are in the middle of theirs. A group whose members have
all stopped leaves its place to the next task. Tokens are the truth: what was sampled is never decoded and encoded again
to build the next input.
"""

import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

import envs
from envs.api.tools import Detail
from envs.task import Task
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.runtime.settings import setting
from jaxrlvr.runtime.timing import timed
from jaxrlvr.sampling.sampler import Sampler, Turn, keys
from jaxrlvr.sampling.slots import Prefix, SamplerState
from models.forward import Forward

STOPS = ("done", "turn_limit", "length", "max_turns", "fault")
"""Why a member stopped: it called no tool; its turn had no room left to end; its suffix was full; it used every turn;
its simulator failed (no reward, no gradient)."""


@dataclass(frozen=True)
class RolloutConfig:
    """How members act."""

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
    """How much of tools and API responses the model sees: compact or full."""
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


@dataclass
class Trajectory:
    """One member: its tokens, who wrote them, and what they did."""

    episode: Any
    tokens: list[int] = field(default_factory=list)
    sampled: list[bool] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    turns: int = 0
    stop: str = ""
    fault: str = ""
    verdict: Any = None
    turn_begin: int = 0
    """Where the turn begins that it is writing."""
    version: int | None = None
    """The updates behind the policy that sampled it, all its tokens alike; None: all that were made before its step."""

    def append(self, tokens: Sequence[int], logprobs: Sequence[float] | None = None) -> None:
        """Add sampled tokens with their log-probs, or an answer's tokens without."""
        self.tokens.extend(tokens)
        self.sampled.extend([logprobs is not None] * len(tokens))
        self.logprobs.extend([0.0] * len(tokens) if logprobs is None else logprobs)

    @property
    def valid(self) -> bool:
        """Whether the member may teach: its simulator did not fail."""
        return self.stop != "fault"


@dataclass
class Group:
    """One task, its prefix, and its members."""

    task: Task
    prefix: list[int]
    members: list[Trajectory]

    @property
    def goes_on(self) -> bool:
        """Whether a member has not stopped yet."""
        return any(not member.stop for member in self.members)


def rollout(
    sampler: Sampler,
    params: Any,
    chat: Chat,
    tasks: Sequence[Task],
    config: RolloutConfig,
    *,
    seed: int,
    step: int,
    numbers: Sequence[int] | None = None,
    figures: dict[str, float] | None = None,
) -> list[Group]:
    """Let `group_size` members attempt each task; every trajectory comes back scored.

    `numbers` identify the tasks within the step (default: their places); with `seed` and `step` they fix every random
    draw, whatever else is in the batch. The seconds that the device waited for the host are added to `figures` under
    seconds/host. Raises UserError if a prompt fits no bucket.
    """
    figures = {} if figures is None else figures
    with timed(figures, "seconds/host"):
        groups = [_open_group(chat, task, config) for task in tasks]
    numbers = list(range(len(tasks)) if numbers is None else numbers)
    count = min(config.slots or len(tasks), len(tasks))
    placed, waiting = numbers[:count], deque(range(count, len(tasks)))
    longest = max(len(group.prefix) for group in groups)
    model = sampler.prepare_weights(params)
    del params  # of several processes, a copy that nobody else has
    prefix, state = sampler.prefill(model, [group.prefix for group in groups[:count]], config.group_size, longest)
    key_BG = keys(seed, step, placed, config.group_size)
    playing = groups[:count]
    while any(group.goes_on for group in playing):
        limit_BG = _limits(playing, config)
        writing = int((limit_BG > 0).sum())
        until = min(writing - 1, int(writing * (1 - config.return_fraction)))
        state = sampler.reserve(state, int(limit_BG.max()))
        state, turn = sampler.decode(model, prefix, state, limit_BG, key_BG, config.temperature, until)
        length_BG, turn = jax.device_get((state.length_BG, turn))
        with timed(figures, "seconds/host"):
            answers = _play_turns(playing, turn, length_BG, limit_BG, chat, config)
        state = _append_answers(sampler, model, prefix, state, playing, answers)
        free = [place for place, group in enumerate(playing) if not group.goes_on]
        taken = {place: waiting.popleft() for place in free[: len(waiting)]}
        if taken:
            standing = [group.prefix for group in playing]
            for place, task in taken.items():
                playing[place], placed[place] = groups[task], numbers[task]
            prompts = {place: playing[place].prefix for place in taken}
            prefix, state = sampler.assign_slots(model, prefix, state, prompts, standing)
            key_BG = keys(seed, step, placed, config.group_size)
    with timed(figures, "seconds/host"):
        for group in groups:
            for member in group.members:
                _score(member)
    return groups


def _open_group(chat: Chat, task: Task, config: RolloutConfig) -> Group:
    prefix = chat.prompt(task.request, envs.tool_schemas(task, detail=config.detail))
    how: dict[str, Any] = {"detail": config.detail, "lenient": config.untagged_calls}
    how["trace_only"] = task.scenario in config.trace_reward_scenarios
    episodes = [envs.Episode(task, **how) for _ in range(config.group_size)]
    return Group(task, prefix, [Trajectory(episode) for episode in episodes])


def _limits(groups: Sequence[Group], config: RolloutConfig) -> np.ndarray:
    """Suffix length [B, G] at which each member's next turn is cut; 0 for members that have stopped."""
    longest = config.suffix_buckets[-1]
    lengths = [[0 if m.stop else min(m.turn_begin + config.turn_tokens, longest) for m in g.members] for g in groups]
    return np.array(lengths, np.int32)


def _play_turns(
    groups: Sequence[Group],
    written: Turn,
    length_BG: np.ndarray,
    limit_BG: np.ndarray,
    chat: Chat,
    config: RolloutConfig,
) -> list[list[list[int]]]:
    """Take up what each member wrote and step the simulators of those whose turns have ended; the answers' tokens."""
    token_BGS, logprob_BGS = written
    answers: list[list[list[int]]] = [[[] for _ in group.members] for group in groups]
    for b, group in enumerate(groups):
        for g, member in enumerate(group.members):
            if member.stop:
                continue
            new = slice(len(member.tokens), int(length_BG[b, g]))
            member.append(token_BGS[b, g, new].tolist(), logprob_BGS[b, g, new].tolist())
            if member.tokens[-1] == chat.stop_token or len(member.tokens) >= limit_BG[b, g]:
                answers[b][g] = _answer(member, chat, config)
    return answers


def _answer(member: Trajectory, chat: Chat, config: RolloutConfig) -> list[int]:
    """Step the member's simulator with its turn; the answer's tokens, or none with the reason in `member.stop`."""
    member.turns += 1
    written = member.tokens[member.turn_begin :]
    if written[-1] != chat.stop_token:
        member.stop = "length" if len(member.tokens) >= config.suffix_buckets[-1] else "turn_limit"
        return []
    try:
        reply = member.episode.step(chat.text(written))
    except Exception:  # our simulator's fault, not the model's: such a trajectory teaches nothing, and is counted
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
    """Put the answers into the caches of the members that go on; check that cache and host agree on every length."""
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
