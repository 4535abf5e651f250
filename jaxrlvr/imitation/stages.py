"""Supervised fine-tuning: its settings, its objective, and demonstrations or recorded chats -> micro-batches.

In: a base model (or a shape to start from nothing), scenarios, and how sloppy the demonstrations are. The update is the
learner's own; only the objective differs. `sft` makes them.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from safetensors.numpy import save_file

import envs
import models
from envs.api.tools import DETAILS, Detail
from envs.words import SPLITS
from jaxrlvr.imitation import demonstrations, recorded_chats
from jaxrlvr.imitation.induction_init import induction_tensors
from jaxrlvr.imitation.seed_tokenizer import train_tokenizer
from jaxrlvr.learning import optimizer
from jaxrlvr.learning.batch import Batch, Shape, TrainingGroup, pack
from jaxrlvr.learning.objective import LossStats, Objective
from jaxrlvr.learning.optimizer import OptimizerConfig
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.sampling.buckets import bucket

START = "start"
"""What the directory of the initial weights is called, beside those of the stages."""


@dataclass(frozen=True)
class Stage:
    """A stretch of training with one mixture of demonstrations."""

    name: str
    """Names the directory of the stage's result: OUT/stages/NAME."""
    steps: int
    """Updates."""
    optimizer: OptimizerConfig
    """Fresh for each stage."""
    scenarios: tuple[str, ...] = ()
    """Scenario names; each update demonstrates them in turn, so that micro-batches hold like lengths."""
    splits: tuple[tuple[str, int], ...] = (("synthetic", 4), ("train", 1))
    """Splits with their share; never the held-out one."""
    mistakes: tuple[tuple[str, float], ...] = ()
    """Faults of the demonstrations and their probabilities."""
    episodes: int = 48
    """Demonstrations per update."""
    detail: Detail = "compact"
    """How much of tools and answers the demonstrations show."""
    chats: str = ""
    """A JSONL file of recorded chats to imitate instead of scenarios."""
    members: int = 1
    """Chats that may share a prompt in one forward pass; of scenarios with mistakes, attempts shown at each task."""

    def __post_init__(self) -> None:
        if bool(self.chats) == bool(self.scenarios):
            raise UserError(f"stage {self.name!r} needs either scenarios or a file of chats, and not both")
        if self.members < 1 or (self.members > 1 and not self.chats and not self.mistakes):
            raise UserError(
                f"stage {self.name!r} has members {self.members}: 1, or more with a file of chats or with mistakes "
                "(without them a task's demonstrations are all alike)"
            )
        if min(self.steps, self.episodes) < 1:
            raise UserError(f"stage {self.name!r} has steps {self.steps} and episodes {self.episodes}: 1 or more")
        if "heldout" in dict(self.splits):
            raise UserError(
                f"stage {self.name!r} would train on the heldout split, which judges: use train or synthetic"
            )
        if problem := self._problem():
            raise UserError(f"stage {self.name!r}: {problem}")

    def _problem(self) -> str:
        """What of a value is wrong; what must go together is looked at before."""
        if not re.fullmatch(r"\w[\w.-]*", self.name) or self.name == START:
            return f"its name is a directory's: use letters, digits and dashes, and not {START!r}"
        if unknown := [name for name in self.scenarios if name not in envs.SCENARIOS]:
            return f"unknown scenario {unknown[0]!r}; there are {', '.join(envs.SCENARIOS)}"
        mistakes = dict.fromkeys(mistake for name in self.scenarios for mistake in envs.SCENARIOS[name].mistakes)
        for name, chance in self.mistakes:
            if name not in mistakes:
                return f"none of its scenarios has a mistake {name!r}; there are {', '.join(mistakes)}"
            if not 0 <= chance <= 1:
                return f"mistake {name!r} has {chance}, and a probability is 0 to 1"
        if unknown := [name for name in dict(self.splits) if name not in SPLITS]:
            return f"unknown split {unknown[0]!r}; there are train, synthetic"
        if self.scenarios and (any(share < 0 for _, share in self.splits) or not sum(s for _, s in self.splits)):
            return f"splits {self.splits} must have shares of 0 or more, and one above 0"
        if self.detail not in DETAILS:
            return f"detail {self.detail!r} is unknown; there are {', '.join(DETAILS)}"
        try:
            optimizer.check(self.optimizer)
        except UserError as error:
            return str(error)
        return ""


@dataclass(frozen=True)
class SFTConfig:
    """A supervised run."""

    stages: tuple[Stage, ...]
    """Run one after the other."""
    out: str = "runs/sft"
    """Where the result is written."""
    model: str = ""
    """Directory or hub id to start from; empty to make a tokenizer and start from `shape`."""
    shape: models.ModelConfig | None = None
    """The shape of a model made from nothing."""
    first_stage: int = 0
    """Skip the stages before this one (with `model` set to their result)."""
    lora: models.Lora = field(default_factory=models.Lora)
    """Adapters to train instead of all parameters; a result is the merged model, with the adapters alone beside it."""
    seed: int = 0
    """Fixes initial weights, tokenizer texts and the order of demonstrations."""
    tokenizer_texts: int = 6000
    """Demonstrations that a new tokenizer is trained on."""
    micro_batch: int = 16
    """Demonstrations per forward pass."""
    prefix_buckets: tuple[int, ...] = (96, 120)
    """Prompt lengths that are compiled for."""
    suffix_buckets: tuple[int, ...] = (96, 176, 240)
    """Suffix lengths that are compiled for."""
    checkpoint_every: int = 200
    """Updates between checkpoints; the end of a stage always makes one."""
    keep_checkpoints: int = 2
    """Older checkpoints are deleted."""
    stall_seconds: int = 1800
    """Seconds in which nothing moves until the run says what; after as many again it ends. 0 waits for ever."""

    def __post_init__(self) -> None:
        for name in ("micro_batch", "checkpoint_every", "keep_checkpoints"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} {getattr(self, name)} cannot be: use 1 or more")
        if self.stall_seconds < 0:
            raise UserError(f"stall_seconds {self.stall_seconds} cannot be: use 0 or more")
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) < len(names):
            raise UserError(f"stages {', '.join(names) or '()'} must be one or more, of unlike names")
        for what, ladder in (("prefix_buckets", self.prefix_buckets), ("suffix_buckets", self.suffix_buckets)):
            if not ladder or list(ladder) != sorted(set(ladder)) or ladder[0] < 1:
                raise UserError(f"{what} {ladder} must be ascending sizes, at least one")
        if not 0 <= self.first_stage < len(self.stages):
            raise UserError(f"first_stage {self.first_stage} is none of the stages 0 to {len(self.stages) - 1}")


def negative_log_likelihood(
    logprob_BGT: jax.Array, entropy_BGT: jax.Array, batch: Batch, reference_BGT: jax.Array | None
) -> LossStats:
    """Negative log-likelihood of the demonstrated tokens, summed; the fields that only RL has are zero."""
    del reference_BGT
    zero = jnp.float32(0)
    sampled = batch.sampled_BGT
    loss = -jnp.sum(jnp.where(sampled, logprob_BGT, 0.0))
    return LossStats(loss, jnp.sum(jnp.where(sampled, entropy_BGT, 0.0)), zero, zero, zero, zero, zero)


IMITATION = Objective(negative_log_likelihood)
"""The objective of every supervised stage."""


def check_start(config: SFTConfig) -> models.ModelConfig:
    """The shape of the model that a run makes from nothing. Raises UserError if it cannot."""
    if config.shape is None:
        raise UserError(
            "neither `model` nor `shape` is set: name a checkpoint to start from, or the shape of a new one"
        )
    if config.lora.rank:
        raise UserError("adapters (--lora.rank) stand beside weights that stay as they are: set `model`")
    if not config.stages[0].scenarios:
        raise UserError("a tokenizer is made of scenarios: set `model`, or begin with a stage that has some")
    return config.shape


def start_from_nothing(config: SFTConfig, directory: Path) -> None:
    """Write a tokenizer trained on demonstrations and the constructed initial weights as a Hugging Face directory."""
    shape, rng, first = check_start(config), random.Random(config.seed), config.stages[0]
    chosen = [
        (first.scenarios[number % len(first.scenarios)], _draw(rng, first.splits), rng.randrange(2**31))
        for number in range(config.tokenizer_texts)
    ]
    directory.mkdir(parents=True, exist_ok=True)
    train_tokenizer(demonstrations.texts(chosen), shape.vocab_size).save_pretrained(directory)
    save_file(induction_tensors(shape, config.seed), directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(shape.to_hf(), indent=2) + "\n")


def batches(chat: Chat, stage: Stage, config: SFTConfig, done: int = 0) -> Iterator[list[Batch]]:
    """The stage's micro-batches, one list per update after the first `done`; fixed by the seed and the stage's name."""
    shape = Shape(max(1, config.micro_batch // stage.members), config.prefix_buckets, config.suffix_buckets)
    shown = recorded(chat, stage, config.seed, done) if stage.chats else demonstrated(chat, stage, config.seed, done)
    for rows in shown:
        yield pack(rows, shape, chat.pad_token).batches


def demonstrated(chat: Chat, stage: Stage, seed: int, done: int = 0) -> Iterator[list[TrainingGroup]]:
    """The demonstrations of each update after `done`, the scenarios in turn; a task has `members` of them."""
    more: dict[str, Any] = {} if stage.detail == "compact" else {"detail": stage.detail}
    if stage.members > 1:
        more["members"] = stage.members
    for step in range(done, stage.steps):
        rng = random.Random(f"{seed}/{stage.name}/{step}")
        yield [
            demonstrations.row(
                chat,
                stage.scenarios[number % len(stage.scenarios)],
                _draw(rng, stage.splits),
                rng.randrange(2**31),
                dict(stage.mistakes),
                **more,
            )
            for number in range(max(1, stage.episodes // stage.members))
        ]


def recorded(chat: Chat, stage: Stage, seed: int, done: int = 0) -> Iterator[list[TrainingGroup]]:
    """The recorded chats of each update after `done`: all of them in one random order after the other."""
    groups = recorded_chats.grouped(
        [recorded_chats.row(chat, one) for one in recorded_chats.read_chats(stage.chats)], stage.members
    )
    wanted, order = max(1, stage.episodes // stage.members), list[int]()
    for step in range(stage.steps):
        while len(order) < wanted:
            order += random.Random(f"{seed}/{stage.name}/{step}/{len(order)}").sample(range(len(groups)), len(groups))
        if step >= done:
            yield [groups[place] for place in order[:wanted]]
        del order[:wanted]


def check_data(config: SFTConfig, chat: Chat) -> None:
    """Raise UserError for a file of chats that cannot be read, or a chat that is longer than the largest bucket.

    So a run does not end when a stage begins, or when a long chat is drawn.
    """
    for file in dict.fromkeys(stage.chats for stage in config.stages[config.first_stage :] if stage.chats):
        for number, one in enumerate(recorded_chats.read_chats(file), start=1):
            row = recorded_chats.row(chat, one)
            try:
                bucket(len(row.prefix), config.prefix_buckets, "what stands before its first answer")
                bucket(len(row.suffixes[0].tokens), config.suffix_buckets, "what comes from its first answer on")
            except UserError as error:
                raise UserError(f"{file}, chat {number}: {error}, or leave the chat out") from error


def _draw(rng: random.Random, shares: tuple[tuple[str, int], ...]) -> str:
    return rng.choices([name for name, _ in shares], [share for _, share in shares])[0]
