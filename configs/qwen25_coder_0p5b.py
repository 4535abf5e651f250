"""Qwen2.5-Coder-0.5B-Instruct: a real checkpoint small enough to try on a CPU, slowly.

    python -m jaxrlvr.train configs/qwen25_coder_0p5b.py --model /path/to/it --dry-run
    python -m jaxrlvr.train configs/qwen25_coder_0p5b.py --model /path/to/it

It writes its calls as JSON without the <tool_call> tag, bare or in a fence, so this run accepts untagged calls.
Prompted, it solves 7 of 20 held-out jira_create_issue tasks with greedy decoding, at a mean reward of 0.35, and none
with sampling, at 0.10. It solves none of the other two scenarios: it repeats a refused call until it runs out of turns.
Embeddings, over a quarter of its parameters, are frozen; the second moments are factored.
"""

from jaxrlvr.config import RunConfig
from jaxrlvr.evaluation.held_out import EvaluationConfig
from jaxrlvr.learning.learner import LearnerConfig
from jaxrlvr.learning.optimizer import OptimizerConfig
from jaxrlvr.rollout.policy import PolicyConfig
from jaxrlvr.rollout.rollout import RolloutConfig
from jaxrlvr.rollout.tasks import TaskConfig


def config() -> RunConfig:
    """Return the run."""
    return RunConfig(
        steps=100,
        checkpoint_every=5,
        policy=PolicyConfig(model="Qwen/Qwen2.5-Coder-0.5B-Instruct", remat="full"),
        tasks=TaskConfig(per_step=12),
        rollout=RolloutConfig(
            group_size=8,
            max_turns=5,
            turn_tokens=192,
            untagged_calls=True,
            prefix_buckets=(256, 384),
            suffix_buckets=(256, 512, 1024),
            answer_chunk=128,
        ),
        learner=LearnerConfig(micro_groups=1, suffix_buckets=(256, 512, 1024)),
        optimizer=OptimizerConfig(learning_rate=1e-5, warmup_steps=3, kind="adafactor", frozen=("embedding",)),
        evaluation=EvaluationConfig(tasks=20, batch=20),
    )
