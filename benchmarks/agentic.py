"""Sampling episodes of several turns, ours against Tunix's: `python benchmarks/agentic.py [--repeats 5]`.

The toy task: the prompt is 256 random tokens, a turn ends with probability 1/32 at each token, the environment answers
with 24 random tokens, and the third turn is the last. 2 groups of 4 members on the random model of `decode.py`,
temperature 1, log-probs on, at most 384 tokens after the prompt. A figure is sampled tokens per second over a whole
step of sampling with its host work, warm: ours is `rollout`, with new prompts and lengths in every step; Tunix's is its
agentic learner with the vanilla sampler, which compiles for each new length, on a step it has already run once.
"""

import argparse
import json
from dataclasses import dataclass, replace
from statistics import median
from types import SimpleNamespace
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from decode import CONFIG
from flax import nnx
from peer import TUNIX, ask
from stopwatch import Seconds, middle, once

import envs
import models
from envs.episode import Reply
from jaxrlvr.rollout.rollout import Actor, RolloutConfig, RolloutKey, rollout
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.sampling.sampler import Sampler
from models.forward import Forward

STOP = 1
ANSWER = 24
TURN = 32
"""Mean tokens per turn."""


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    sizes = {"groups": 2, "members": 4, "turns": 3, "prompt": 256, "budget": 384, "repeats": 5, "peer_steps": 3}
    for name, value in sizes.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    parser.add_argument("--no-peers", action="store_true", help="measure only ours; installs nothing")
    options = parser.parse_args()
    ours = Ours(options)
    ours.run()
    figures: dict[str, Any] = {"options": vars(options), "jax": jax.__version__}
    if not options.no_peers:
        figures["tunix"] = peer = ask("tunix", TUNIX, "tunix_agentic.py", peer_options(options))
        # Again, so that a machine that became faster or slower meanwhile affects both.
        ours.run()
    figures["ours"] = speeds = ours.figures()
    print(f"ours: {as_text(speeds)}, {speeds['compiles']} compilations")
    if not options.no_peers:
        names = {"wall_ratio": "per_wall_second", "cpu_ratio": "per_cpu_second"}
        figures |= {ratio: speeds[name] / peer[name] for ratio, name in names.items()}
        first = peer["steps"][0]
        figures |= {f"{ratio}_while_compiling": speeds[name] / first[name] for ratio, name in names.items()}
        print(
            f"Tunix: {as_text(peer)}; while it compiles for new lengths {as_text(first)}\n"
            f"ours is {figures['wall_ratio']:.1f} times as fast, {figures['cpu_ratio']:.1f} in CPU seconds; "
            f"{figures['wall_ratio_while_compiling']:.1f} and {figures['cpu_ratio_while_compiling']:.1f} "
            "where Tunix compiles"
        )
    print(json.dumps(figures))


def as_text(row: dict[str, Any]) -> str:
    """Format a row as text."""
    return (
        f"{row['tokens']:.0f} tokens a step, {row['per_wall_second']:.0f} a second, "
        f"{row['per_cpu_second']:.0f} a CPU second"
    )


def peer_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the peer's options: the same model and episode, with prompts large enough for the whole conversation."""
    shape = {"vocab": CONFIG.vocab_size, "width": CONFIG.hidden_size, "layers": CONFIG.num_layers}
    shape |= {"heads": CONFIG.num_heads, "kv_heads": CONFIG.num_kv_heads, "head": CONFIG.head_dim}
    shape |= {"mlp": CONFIG.mlp_size, "steps": options.peer_steps, "turn": TURN, "answer": ANSWER}
    room = 256 * -(-(options.prompt + options.budget + options.turns * (ANSWER + 1)) // 256)
    return (
        shape
        | {name: getattr(options, name) for name in ("groups", "members", "turns", "prompt", "budget")}
        | {"room": room}
    )


class Ours:
    """Our rollout, warm; every step has new prompts and random numbers."""

    def __init__(self, options: argparse.Namespace) -> None:
        graphdef, self._params = nnx.split(Stopping(CONFIG, rngs=nnx.Rngs(0)))
        self._options, self._config = (
            options,
            RolloutConfig(
                group_size=options.members,
                max_turns=options.turns,
                turn_tokens=options.budget,
                prefix_buckets=(options.prompt,),
                suffix_buckets=(96, 192, options.budget),
                answer_chunk=ANSWER + 1,
            ),
        )
        sizes = self._config.prefix_buckets, self._config.suffix_buckets, self._config.answer_chunk
        self._sampler = Sampler(graphdef, *sizes, stop_token=STOP, pad_token=0)
        self._chat: Any = Words(options.prompt)
        self._task = envs.sample(next(iter(envs.SCENARIOS)), 0, "train")
        self._taken: list[tuple[int, Seconds]] = []
        for _ in range(2):
            self._step(0)
        self._compiles = Compiles()

    def run(self) -> None:
        """Measure further steps."""
        for _ in range(self._options.repeats):
            groups: list[Group] = []
            seconds = once(lambda groups=groups: groups.extend(self._step(1 + len(self._taken))))
            self._taken.append((sum(sum(member.sampled) for group in groups for member in group.members), seconds))

    def figures(self) -> dict[str, float]:
        """Return medians over all measured steps."""
        rates = [(tokens, tokens / seconds.wall, tokens / seconds.cpu) for tokens, seconds in self._taken]
        tokens, per_wall, per_cpu = (median(column) for column in zip(*rates, strict=True))
        row = {"tokens": tokens, "per_wall_second": per_wall, "per_cpu_second": per_cpu}
        return row | middle([seconds for _, seconds in self._taken])._asdict() | {"compiles": self._compiles.count}

    def _step(self, number: int) -> list[Group]:
        count = self._options.groups
        tasks = [replace(self._task, request=str(number * count + b)) for b in range(count)]
        with mock.patch.multiple("jaxrlvr.rollout.rollout.envs", Episode=Toy, tool_schemas=lambda *_, **__: []):
            actor = Actor(self._sampler, self._params, self._chat)
            return rollout(actor, tasks, self._config, RolloutKey(0, number, range(count))).groups


class Compiles:
    """Counts compiled programs."""

    def __init__(self) -> None:
        self.count = 0
        jax.monitoring.register_event_duration_secs_listener(self._listen)

    def _listen(self, name: str, duration: float, **_: Any) -> None:
        self.count += name.endswith("backend_compile_duration")


class Stopping(models.Decoder):
    """A random model that ends turns as often as the toy task specifies."""

    def forward(self) -> Forward:
        """Return a forward pass with modified logits."""
        plain = super().forward()
        return _StoppingForward(**{name: getattr(plain, name) for name in plain.__dataclass_fields__})


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _StoppingForward(Forward):
    def logits(self, hidden_D: jax.Array) -> jax.Array:
        """Raise the stop token's logit: a random model spreads its choice evenly over the vocabulary."""
        logits_V = super().logits(hidden_D)
        return logits_V.at[..., STOP].add(jnp.log(CONFIG.vocab_size / TURN))


class Words:
    """The chat template of the toy task: its texts are tokens."""

    stop_token, pad_token = STOP, 0

    def __init__(self, prompt: int) -> None:
        self._prompt = prompt

    def prompt(self, request: str, tools: Any) -> list[int]:
        """Return random tokens seeded by the task's number."""
        return np.random.default_rng(int(request)).integers(2, CONFIG.vocab_size, self._prompt).tolist()

    def text(self, tokens: list[int]) -> str:
        """Return the text that the simulator reads."""
        return " ".join(map(str, tokens))

    def answer(self, answers: tuple[str, ...]) -> list[int]:
        """Return the answer's tokens and the one that opens a turn."""
        return [*map(int, answers[0].split()), 7]


class Toy:
    """Answers every turn with random words; the rollout ends the last turn. The reward is random."""

    def __init__(self, task: Any, **_: Any) -> None:
        self._turns = 0

    def step(self, text: str) -> Reply:
        """Return the same answers in every episode."""
        self._turns += 1
        words = np.random.default_rng(self._turns).integers(10, CONFIG.vocab_size, ANSWER)
        return Reply(False, (" ".join(map(str, words.tolist())),))

    def verdict(self) -> Any:
        """Return a random reward."""
        return SimpleNamespace(reward=float(np.random.rand()), success=False)


if __name__ == "__main__":
    main()
