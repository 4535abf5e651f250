"""What the runs on real Qwen3 checkpoints share: whole schemas in the prompt, bfloat16 compute, small steps.

Learning rate, group size and clipping are where published runs of this kind on 1.7B and 4B models have settled (1e-6, 8
to 16 members, 0.2 / 0.28, temperature 1, no KL term).
"""

from jaxrlvr.config import RunConfig
from jaxrlvr.evaluation import EvaluationConfig
from jaxrlvr.learner import LearnerConfig
from jaxrlvr.optimizer import OptimizerConfig
from jaxrlvr.policy import PolicyConfig
from jaxrlvr.rollout import RolloutConfig
from jaxrlvr.tasks import TaskConfig


def qwen3(model: str, tasks_per_step: int, micro_groups: int) -> RunConfig:
    """A run on a Qwen3 checkpoint."""
    return RunConfig(
        steps=100,
        policy=PolicyConfig(model=model, compute_dtype="bfloat16", remat="full"),
        tasks=TaskConfig(per_step=tasks_per_step),
        rollout=RolloutConfig(
            group_size=8,
            max_turns=6,
            turn_tokens=256,
            detail="full",
            prefix_buckets=(768, 1024),
            suffix_buckets=(512, 1024, 1536),
            answer_chunk=128,
        ),
        learner=LearnerConfig(micro_groups=micro_groups, suffix_buckets=(512, 1024, 1536)),
        optimizer=OptimizerConfig(learning_rate=1e-6, warmup_steps=5),
        evaluation=EvaluationConfig(tasks=96, batch=96),
    )


def config() -> RunConfig:
    """The smallest of them."""
    return qwen3("Qwen/Qwen3-0.6B", tasks_per_step=12, micro_groups=2)
