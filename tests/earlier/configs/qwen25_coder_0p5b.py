"""Qwen2.5-Coder-0.5B-Instruct: a real checkpoint small enough to try on a CPU, slowly.

    python -m jaxrlvr.train configs/qwen25_coder_0p5b.py --model /path/to/it --dry-run
    python -m jaxrlvr.train configs/qwen25_coder_0p5b.py --model /path/to/it

It writes its calls as JSON without the <tool_call> tag, bare or in a fence, so calls without tags count here. Prompted,
it solves 7 of 20 held-out jira_create_issue tasks greedily, at a mean reward of 0.35, and none sampled, at 0.10; of the
other two scenarios none: it repeats a refused call until its turns are used up. Embeddings, over a quarter of its
parameters, stay as they are; the second moments are factored.
"""

from jaxrlvr.config import RunConfig
from jaxrlvr.evaluation import EvaluationConfig
from jaxrlvr.learner import LearnerConfig
from jaxrlvr.optimizer import OptimizerConfig
from jaxrlvr.policy import PolicyConfig
from jaxrlvr.rollout import RolloutConfig
from jaxrlvr.tasks import TaskConfig


def config() -> RunConfig:
    """The run."""
    return RunConfig(
        steps=100,
        checkpoint_every=5,
        policy=PolicyConfig(model="Qwen/Qwen2.5-Coder-0.5B-Instruct", remat="full"),
        tasks=TaskConfig(per_step=12),
        rollout=RolloutConfig(
            group_size=8,
            max_turns=5,
            turn_tokens=192,
            lenient=True,
            prefix_buckets=(256, 384),
            suffix_buckets=(256, 512, 1024),
            answer_chunk=128,
        ),
        learner=LearnerConfig(micro_groups=1, suffix_buckets=(256, 512, 1024)),
        optimizer=OptimizerConfig(learning_rate=1e-5, warmup_steps=3, kind="adafactor", frozen=("embedding",)),
        evaluation=EvaluationConfig(tasks=20, batch=20),
    )
