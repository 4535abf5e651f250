"""Settings, objective and micro-batches of supervised fine-tuning.

A run has stages: each imitates a mixture of scenarios, with the mistakes that it names, or a file of recorded chats.
The command is `sft`; it updates with the same `Learner` as `train`, with another objective.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import jax
import jax.numpy as jnp
from safetensors.numpy import save_file

import envs
import models
from envs.api.tools import DETAILS, Detail
from envs.words import SPLITS
from jaxrlvr.imitation import demonstrations, recorded_chats
from jaxrlvr.imitation.demonstrations import TaskSeed
from jaxrlvr.imitation.induction_init import induction_tensors
from jaxrlvr.imitation.seed_tokenizer import train_tokenizer
from jaxrlvr.learning import optimizer
from jaxrlvr.learning.batch import Batch, Shape, TrainingGroup, pack
from jaxrlvr.learning.objective import LossStats, Objective
from jaxrlvr.learning.optimizer import OptimizerConfig
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import check_limits, declare, out_of_range, sections, setting
from jaxrlvr.sampling.buckets import bucket

START = "start"
"""Name of the directory of the initial weights, beside those of the stages."""


@dataclass(frozen=True)
class Stage:
    """A stretch of training with one mixture of demonstrations."""

    name: str
    """Name of the directory of the stage's result: OUT/stages/NAME."""
    steps: int = field(metadata=declare(at_least=1, on_resume="harmless_in_last"))
    """Number of updates."""
    optimizer: OptimizerConfig
    """Starts anew in each stage."""
    scenarios: tuple[str, ...] = ()
    """Names from `envs.SCENARIOS`; updates demonstrate them in turn, so that micro-batches have demonstrations of
    similar lengths.
    """
    splits: tuple[tuple[str, int], ...] = (("synthetic", 4), ("train", 1))
    """Splits with their shares; never the held-out split."""
    mistakes: tuple[tuple[str, float], ...] = setting((), formerly=("habits",))
    """Mistakes in the demonstrations, with their probabilities."""
    episodes: int = setting(48, at_least=1)
    """Demonstrations per update."""
    detail: Detail = "compact"
    """How much of tools and API responses the demonstrations show: compact or full."""
    chats: str = ""
    """JSONL file of recorded chats to imitate instead of scenarios."""
    members: int = setting(1, at_least=1)
    """Chats that may share a prompt in one forward pass; with scenarios and mistakes, attempts shown at each task."""

    def __post_init__(self) -> None:
        if bool(self.chats) == bool(self.scenarios):
            raise UserError(f"stage {self.name!r} needs either scenarios or a file of chats, and not both")
        if self.members < 1 or (self.members > 1 and not self.chats and not self.mistakes):
            raise UserError(
                f"stage {self.name!r} has members {self.members}: 1, or more with a file of chats or with mistakes "
                "(without them a task's demonstrations are all alike)"
            )
        for name, value, allowed in out_of_range(self):
            raise UserError(f"stage {self.name!r} has {name} {value}, which is out of range: use {allowed}")
        if "heldout" in dict(self.splits):
            raise UserError(
                f"stage {self.name!r} would train on the heldout split, which judges: use train or synthetic"
            )
        if problem := self._problem():
            raise UserError(f"stage {self.name!r}: {problem}")

    def _problem(self) -> str:
        """Return what is wrong with a single value, or an empty string."""
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
    """Stages, trained one after the other."""
    out: str = "runs/sft"
    """Directory of the result."""
    model: str = ""
    """Model directory or hub id to start from; empty to make a tokenizer and start from `shape`."""
    shape: models.ModelConfig | None = None
    """Shape of a model with new weights."""
    first_stage: int = 0
    """Index of the first stage to train; set `model` to the result of the stages before."""
    lora: models.Lora = field(default_factory=models.Lora)
    """Train adapters instead of all parameters; the result is the merged model, with the adapters in a directory
    inside.
    """
    seed: int = 0
    """Seed of initial weights, tokenizer texts and the order of demonstrations."""
    tokenizer_texts: int = 6000
    """Demonstrations to train a new tokenizer on."""
    micro_batch: int = setting(16, at_least=1, on_resume="rounding")
    """Demonstrations per forward pass."""
    prefix_buckets: tuple[int, ...] = setting((96, 120), on_resume="rounding")
    """Prompt lengths to compile for, ascending."""
    suffix_buckets: tuple[int, ...] = setting((96, 176, 240), on_resume="rounding")
    """Suffix lengths to compile for, ascending."""
    checkpoint_every: int = setting(200, at_least=1, on_resume="harmless")
    """Updates between checkpoints; the end of a stage always makes one."""
    keep_checkpoints: int = setting(2, at_least=1, on_resume="harmless")
    """Number of checkpoints to keep; older ones are deleted."""
    stall_seconds: int = setting(1800, at_least=0, on_resume="harmless")
    """Seconds without progress after which the run prints where it hangs; after as many again it ends. 0 waits for
    ever.
    """

    def __post_init__(self) -> None:
        for prefix, section in sections(self):
            check_limits(section, prefix)
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) < len(names):
            raise UserError(f"stages {', '.join(names) or '()'} must be one or more, with different names")
        for what, ladder in (("prefix_buckets", self.prefix_buckets), ("suffix_buckets", self.suffix_buckets)):
            if not ladder or list(ladder) != sorted(set(ladder)) or ladder[0] < 1:
                raise UserError(f"{what} {ladder} must be ascending sizes, at least one")
        if not 0 <= self.first_stage < len(self.stages):
            raise UserError(f"first_stage {self.first_stage} is out of range: use 0 to {len(self.stages) - 1}")


def negative_log_likelihood(
    logprob_BGT: jax.Array, entropy_BGT: jax.Array, batch: Batch, reference_BGT: jax.Array | None
) -> LossStats:
    """Negative log-likelihood of the demonstrated tokens, summed; the fields that only RL has are zero."""
    del reference_BGT
    zero = jnp.float32(0)
    sampled = batch.sampled_BGT
    loss = -jnp.sum(jnp.where(sampled, logprob_BGT, 0.0))
    return LossStats(
        loss=loss,
        entropy=jnp.sum(jnp.where(sampled, entropy_BGT, 0.0)),
        kl=zero,
        clipped_low=zero,
        clipped_high=zero,
        behaviour_kl=zero,
        behaviour_gap_max=zero,
    )


IMITATION = Objective(negative_log_likelihood)
"""The objective of every supervised stage."""


def check_start(config: SFTConfig) -> models.ModelConfig:
    """Return the shape of the model with new weights. Raises UserError if the config cannot start without a model."""
    if config.shape is None:
        raise UserError(
            "neither `model` nor `shape` is set: name a checkpoint to start from, or the shape of a new one"
        )
    if config.lora.rank:
        raise UserError("adapters (--lora.rank) need the weights of a model: set `model`")
    if not config.stages[0].scenarios:
        raise UserError("a new tokenizer is trained on scenarios: set `model`, or begin with a stage that has some")
    return config.shape


def start_from_nothing(config: SFTConfig, directory: Path) -> None:
    """Write a tokenizer trained on demonstrations, and the constructed initial weights, as a Hugging Face directory."""
    shape, rng = check_start(config), random.Random(config.seed)
    tasks = _draw(rng, config.stages[0], config.tokenizer_texts)
    directory.mkdir(parents=True, exist_ok=True)
    train_tokenizer(demonstrations.texts(tasks), shape.vocab_size).save_pretrained(directory)
    save_file(induction_tensors(shape, config.seed), directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(shape.to_hf(), indent=2) + "\n")


def batches(chat: Chat, stage: Stage, config: SFTConfig, done: int = 0) -> Iterator[list[Batch]]:
    """Yield the micro-batches of each update after the first `done`, fixed by the seed and the stage's name."""
    shape = Shape(max(1, config.micro_batch // stage.members), config.prefix_buckets, config.suffix_buckets)
    source = recorded if stage.chats else demonstrated
    for groups in source(chat, stage, config.seed, done):
        yield pack(groups, shape, chat.pad_token).batches


def demonstrated(chat: Chat, stage: Stage, seed: int, done: int = 0) -> Iterator[list[TrainingGroup]]:
    """Yield the demonstrations of each update after `done`: `members` of each task."""
    for step in range(done, stage.steps):
        yield [
            demonstrations.training_group(chat, task, dict(stage.mistakes), stage.detail, stage.members)
            for task in demonstrated_tasks(stage, seed, step)
        ]


def demonstrated_tasks(stage: Stage, seed: int, step: int) -> list[TaskSeed]:
    """Draw the tasks of an update, of the stage's scenarios in turn."""
    return _draw(random.Random(f"{seed}/{stage.name}/{step}"), stage, max(1, stage.episodes // stage.members))


def recorded(chat: Chat, stage: Stage, seed: int, done: int = 0) -> Iterator[list[TrainingGroup]]:
    """Yield the recorded chats of each update after `done`: epochs over all of them, each in another random order."""
    chats = [recorded_chats.training_group(chat, talk) for talk in recorded_chats.read_chats(stage.chats)]
    groups = recorded_chats.share_prefixes(chats, stage.members)
    per_update, order = max(1, stage.episodes // stage.members), list[int]()
    for step in range(stage.steps):
        while len(order) < per_update:
            order += random.Random(f"{seed}/{stage.name}/{step}/{len(order)}").sample(range(len(groups)), len(groups))
        if step >= done:
            yield [groups[index] for index in order[:per_update]]
        del order[:per_update]


def check_data(config: SFTConfig, chat: Chat) -> None:
    """Raise UserError for a file of chats that cannot be read, or a chat that is longer than the largest bucket.

    Checked before the first update, since a late stage, or a late draw of a long chat, would end the run.
    """
    for file in dict.fromkeys(stage.chats for stage in config.stages[config.first_stage :] if stage.chats):
        for number, talk in enumerate(recorded_chats.read_chats(file), start=1):
            group = recorded_chats.training_group(chat, talk)
            try:
                bucket(len(group.prefix), config.prefix_buckets, "its prompt")
                bucket(len(group.suffixes[0].tokens), config.suffix_buckets, "its part after the prompt")
            except UserError as error:
                raise UserError(f"{file}, chat {number}: {error}, or leave the chat out") from error


def _draw(rng: random.Random, stage: Stage, count: int) -> list[TaskSeed]:
    splits, shares = [name for name, _ in stage.splits], [share for _, share in stage.splits]
    return [
        TaskSeed(
            scenario=stage.scenarios[number % len(stage.scenarios)],
            split=rng.choices(splits, shares)[0],
            seed=rng.randrange(2**31),
        )
        for number in range(count)
    ]
