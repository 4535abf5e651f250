"""Supervised fine-tuning: demonstrations or recorded chats -> a Hugging Face directory.

In: a base model (or a shape to start from nothing), scenarios, and how sloppy the demonstrations are. The update is the
learner's own; only the objective differs.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from safetensors.numpy import save_file

import models
from envs.tools import Detail
from jaxrlvr import chats, demonstrations
from jaxrlvr.batch import Batch, Row, Shape, pack
from jaxrlvr.chat import Chat
from jaxrlvr.errors import UserError
from jaxrlvr.grpo import LossStats
from jaxrlvr.induction import induction_tensors
from jaxrlvr.learner import Learner
from jaxrlvr.optimizer import OptimizerConfig, make_optimizer
from jaxrlvr.policy import ADAPTER, load_chat
from jaxrlvr.tokenizer import train_tokenizer


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
    habits: tuple[tuple[str, float], ...] = ()
    """Faults of the demonstrations and their probabilities."""
    episodes: int = 48
    """Demonstrations per update."""
    detail: Detail = "compact"
    """How much of tools and answers the demonstrations show."""
    chats: str = ""
    """A JSONL file of recorded chats to imitate instead of scenarios."""
    members: int = 1
    """Chats that may share a prompt in one forward pass; of scenarios with habits, attempts shown at each task."""

    def __post_init__(self) -> None:
        if bool(self.chats) == bool(self.scenarios):
            raise UserError(f"stage {self.name!r} needs either scenarios or a file of chats, and not both")
        if self.members < 1 or (self.members > 1 and not self.chats and not self.habits):
            raise UserError(
                f"stage {self.name!r} has members {self.members}: 1, or more with a file of chats or with habits "
                "(without them a task's demonstrations are all alike)"
            )
        if min(self.steps, self.episodes) < 1:
            raise UserError(f"stage {self.name!r} has steps {self.steps} and episodes {self.episodes}: 1 or more")
        if "heldout" in dict(self.splits):
            raise UserError(
                f"stage {self.name!r} would train on the heldout split, which judges: use train or synthetic"
            )


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

    def __post_init__(self) -> None:
        if self.micro_batch < 1:
            raise UserError(f"micro_batch {self.micro_batch} cannot be: use 1 or more")
        if not 0 <= self.first_stage < len(self.stages):
            raise UserError(f"first_stage {self.first_stage} is none of the stages 0 to {len(self.stages) - 1}")


def imitation(
    logprob_BGT: jax.Array, entropy_BGT: jax.Array, batch: Batch, reference_BGT: jax.Array | None
) -> LossStats:
    """Negative log-likelihood of the demonstrated tokens, summed; the fields that only RL has are zero."""
    del reference_BGT
    zero = jnp.float32(0)
    sampled = batch.sampled_BGT
    loss = -jnp.sum(jnp.where(sampled, logprob_BGT, 0.0))
    return LossStats(loss, jnp.sum(jnp.where(sampled, entropy_BGT, 0.0)), zero, zero, zero, zero, zero)


def start_from_nothing(config: SFTConfig, directory: Path) -> None:
    """Write a tokenizer trained on demonstrations and the constructed initial weights as a Hugging Face directory."""
    if config.shape is None:
        raise UserError(
            "neither `model` nor `shape` is set: name a checkpoint to start from, or the shape of a new one"
        )
    if config.lora.rank:
        raise UserError("adapters (--lora.rank) stand beside weights that stay as they are: set `model`")
    rng = random.Random(config.seed)
    first = config.stages[0]
    if not first.scenarios:
        raise UserError("a tokenizer is made of scenarios: set `model`, or begin with a stage that has some")
    chosen = [
        (first.scenarios[number % len(first.scenarios)], _draw(rng, first.splits), rng.randrange(2**31))
        for number in range(config.tokenizer_texts)
    ]
    directory.mkdir(parents=True, exist_ok=True)
    train_tokenizer(demonstrations.texts(chosen), config.shape.vocab_size).save_pretrained(directory)
    save_file(induction_tensors(config.shape, config.seed), directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(config.shape.to_hf(), indent=2) + "\n")


def batches(chat: Chat, stage: Stage, config: SFTConfig) -> Iterator[list[Batch]]:
    """The stage's micro-batches, one list per update; fixed by the seed and the stage's name."""
    shape = Shape(max(1, config.micro_batch // stage.members), config.prefix_buckets, config.suffix_buckets)
    for rows in recorded(chat, stage, config.seed) if stage.chats else demonstrated(chat, stage, config.seed):
        yield pack(rows, shape, chat.pad_token)


def demonstrated(chat: Chat, stage: Stage, seed: int) -> Iterator[list[Row]]:
    """The demonstrations of each update, the scenarios in turn; a task has `members` of them."""
    more: dict[str, Any] = {} if stage.detail == "compact" else {"detail": stage.detail}
    if stage.members > 1:
        more["members"] = stage.members
    for step in range(stage.steps):
        rng = random.Random(f"{seed}/{stage.name}/{step}")
        yield [
            demonstrations.row(
                chat,
                stage.scenarios[number % len(stage.scenarios)],
                _draw(rng, stage.splits),
                rng.randrange(2**31),
                dict(stage.habits),
                **more,
            )
            for number in range(max(1, stage.episodes // stage.members))
        ]


def recorded(chat: Chat, stage: Stage, seed: int) -> Iterator[list[Row]]:
    """The recorded chats of each update: all of them in one random order after the other."""
    groups = chats.grouped([chats.row(chat, one) for one in chats.read_chats(stage.chats)], stage.members)
    wanted, order = max(1, stage.episodes // stage.members), list[int]()
    for step in range(stage.steps):
        while len(order) < wanted:
            order += random.Random(f"{seed}/{stage.name}/{step}/{len(order)}").sample(range(len(groups)), len(groups))
        yield [groups[place] for place in order[:wanted]]
        del order[:wanted]


def _draw(rng: random.Random, shares: tuple[tuple[str, int], ...]) -> str:
    return rng.choices([name for name, _ in shares], [share for _, share in shares])[0]


def train_stage(
    params: Any, graphdef: Any, chat: Chat, stage: Stage, config: SFTConfig, save: Callable[[Any], None]
) -> Any:
    """Run one stage, printing the loss per token every 50 updates and saving every 200. Returns the new parameters."""
    learner = Learner(graphdef, make_optimizer(stage.optimizer), imitation)
    state = learner.init(params)
    began, losses, skipped, tokens = time.monotonic(), [], [], 0
    for step, step_batches in enumerate(batches(chat, stage, config), start=1):
        state, stats = learner.update(state, step_batches)
        losses.append(stats.means.loss)
        skipped.append(stats.skipped)
        tokens += sum(int(batch.prefix_BP.size + batch.suffix_BGT.size) for batch in step_batches)
        if step % 50 == 0 or step == stage.steps:
            seconds = time.monotonic() - began
            print(
                f"{stage.name} {step}/{stage.steps}  loss {np.mean(jax.device_get(losses)):.4f}  "
                f"grad norm {float(stats.grad_norm):.2f}  {tokens / seconds:,.0f} tokens/s  {seconds:.0f} s",
                flush=True,
            )
            if lost := int(np.sum(jax.device_get(skipped))):
                print(f"{stage.name}: skipped {lost} of {len(skipped)} updates, which were not finite", flush=True)
            if lost == len(skipped):
                raise UserError(
                    f"stage {stage.name!r} learns nothing: no update of the last {lost} was finite; lower "
                    "--stages.0.optimizer.learning-rate or look at the data"
                )
            losses, skipped = [], []
        if step % 200 == 0:
            save(state.params)
    return state.params


def run(config: SFTConfig) -> Path:
    """Train all stages and write each stage's model, the last one to `config.out` itself.

    Adapters are added to the weights; alone, as peft loads them, they are in the directory's `adapter`.
    """
    out = Path(config.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty directory: choose another --out")
    source = models.resolve(config.model) if config.model else out / "stages" / "start"
    if not config.model:
        start_from_nothing(config, source)
    graphdef, params = nnx.split(models.load(source, lora=config.lora))
    chat = load_chat(source)
    for number, stage in enumerate(config.stages[config.first_stage :], start=config.first_stage + 1):
        directory = out if number == len(config.stages) else out / "stages" / stage.name

        def save(params: Any, directory: Path = directory) -> None:
            decoder = nnx.merge(graphdef, params)
            models.save(decoder, directory, source_dir=source)
            if config.lora.rank:
                models.save_adapter(decoder, directory / ADAPTER, base=str(source))

        params = train_stage(params, graphdef, chat, stage, config, save)
        save(params)
        print(f"{stage.name}: wrote {directory}", flush=True)
    return out
