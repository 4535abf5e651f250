"""The embedded seed learns three scenarios on a laptop.

python -m jaxrlvr.train                  # two CPU cores, no network
"""

from jaxrlvr.config import RunConfig
from jaxrlvr.learner import LearnerConfig, OptimizerConfig
from jaxrlvr.rollout import RolloutConfig
from jaxrlvr.tasks import TaskConfig


def config() -> RunConfig:
    """The default run."""
    return RunConfig(
        about="about 5 minutes on two CPU cores",
        steps=28,
        # Made-up words as well: with real ones alone it would get better at those and not at copying.
        tasks=TaskConfig(splits=("synthetic", "synthetic", "train")),
        rollout=RolloutConfig(
            group_size=8,
            max_turns=5,
            turn_tokens=88,
            prefix_buckets=(128,),
            suffix_buckets=(144, 256),
            answer_chunk=96,
        ),
        learner=LearnerConfig(micro_groups=4, suffix_buckets=(96, 176, 256)),
        optimizer=OptimizerConfig(learning_rate=3e-4, warmup_steps=2, decay_steps=28),
    )
