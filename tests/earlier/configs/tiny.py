"""The embedded seed learns three scenarios on a laptop.

python -m jaxrlvr.train                  # two CPU cores, no network
"""

from jaxrlvr.config import RunConfig
from jaxrlvr.learner import LearnerConfig
from jaxrlvr.optimizer import OptimizerConfig
from jaxrlvr.rollout import RolloutConfig


def config() -> RunConfig:
    """The default run."""
    return RunConfig(
        about="about 6 minutes on two CPU cores, evaluations included",
        steps=32,
        checkpoint_every=1,
        rollout=RolloutConfig(
            group_size=8,
            max_turns=5,
            turn_tokens=88,
            prefix_buckets=(128,),
            suffix_buckets=(144, 256),
            answer_chunk=32,
        ),
        learner=LearnerConfig(micro_groups=4, suffix_buckets=(96, 176, 256)),
        optimizer=OptimizerConfig(learning_rate=1.5e-4, warmup_steps=2, decay_steps=32),
    )
