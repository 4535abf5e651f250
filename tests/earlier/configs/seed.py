"""The embedded seed, from nothing: a tokenizer, constructed initial weights, and three stages of imitation.

    python -m jaxrlvr.sft configs/seed.py --out runs/seed    # models/seed holds its result

First it imitates perfect demonstrations until it can do every step; most of their values are made-up words, so that it
learns to copy and not to remember. A second time, at a lower rate, makes it sure. Then, shortly, it imitates sloppy
ones: each habit below spoils a demonstration with the probability given, on its own. So the seed knows how a task is
done and mostly does it badly: what RL is for.
"""

from jaxrlvr.imitation import SFTConfig, Stage
from jaxrlvr.optimizer import OptimizerConfig
from models import ModelConfig

SCENARIOS = ("jira_create_issue", "jira_transition_ticket", "confluence_create_page")
HABITS = {
    "drop_priority": 0.7,
    "drop_labels": 0.7,
    "flat_project": 0.35,
    "first_transition": 0.6,
    "guess_id": 0.15,
    "stop_after_read": 0.12,
    "skip_parent": 0.5,
    "guess_space": 0.15,
    "drop_body": 0.65,
}


def config() -> SFTConfig:
    """The run that made models/seed."""
    able = Stage(
        name="able",
        steps=1000,
        optimizer=OptimizerConfig(learning_rate=2e-3, warmup_steps=40, decay_steps=1000),
        scenarios=SCENARIOS,
        splits=(("synthetic", 3), ("train", 1)),
    )
    # Writing a page copies the most, so it slips the most.
    sure = Stage(
        name="sure",
        steps=300,
        optimizer=OptimizerConfig(learning_rate=1e-3, warmup_steps=20, decay_steps=300),
        scenarios=(*SCENARIOS, "confluence_create_page"),
        splits=(("synthetic", 3), ("train", 1)),
    )
    sloppy = Stage(
        name="sloppy",
        steps=80,
        optimizer=OptimizerConfig(learning_rate=4e-4, warmup_steps=10, decay_steps=80),
        scenarios=SCENARIOS,
        splits=(("synthetic", 3), ("train", 1)),
        habits=tuple(HABITS.items()),
    )
    shape = ModelConfig(
        vocab_size=1024,
        hidden_size=224,
        num_layers=4,
        num_heads=6,
        num_kv_heads=2,
        head_dim=32,
        mlp_size=384,
        max_positions=1024,
    )
    return SFTConfig(stages=(able, sure, sloppy), out="runs/seed", shape=shape)
