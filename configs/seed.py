"""The embedded seed, from nothing: a tokenizer, constructed initial weights, and three stages of imitation.

    python -m jaxrlvr.sft configs/seed.py --out runs/seed    # models/seed contains the result

The first stage imitates perfect demonstrations until the model can do every step; most of their values are made-up
words, so that it learns to copy rather than to memorise. The second, at a lower learning rate, makes it reliable. The
third, a short one, imitates sloppy demonstrations, in which each mistake below occurs independently with the given
probability. So the seed knows how a task is done but mostly does it badly, which leaves the rest to RL.
"""

from jaxrlvr.imitation.stages import SFTConfig, Stage
from jaxrlvr.learning.optimizer import OptimizerConfig
from models import ModelConfig

SCENARIOS = ("jira_create_issue", "jira_transition_ticket", "confluence_create_page")
MISTAKES = {
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
    """Return the run that made models/seed."""
    able = Stage(
        name="able",
        steps=1000,
        optimizer=OptimizerConfig(learning_rate=2e-3, warmup_steps=40, decay_steps=1000),
        scenarios=SCENARIOS,
        splits=(("synthetic", 3), ("train", 1)),
    )
    # Writing a page requires the most copying, so it fails most often.
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
        mistakes=tuple(MISTAKES.items()),
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
