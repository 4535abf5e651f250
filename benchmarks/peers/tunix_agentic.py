"""Tunix's agentic GRPO on a multi-turn toy task, vanilla sampler, log-probs on: sampling speed as one line of JSON.

usage: tunix_agentic.py '{"groups": 2, "members": 4, "turns": 3, "steps": 3, ...}'

A step's sampling lasts from its first call of the sampler to the end of its last. All steps are identical: the first
compiles for every length that occurs, and the figures are medians over the others, which compile nothing. A real run
meets new lengths in every step.
"""

import json
import os
import sys
import threading
import time
import zlib
from collections import Counter
from dataclasses import replace
from statistics import median
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh
from tunix.models.qwen3.model import ModelConfig, Qwen3
from tunix.rl import rl_cluster
from tunix.rl.agentic import agentic_grpo_learner
from tunix.rl.agentic.environments import base_environment
from tunix.rl.rollout import base_rollout
from tunix_decode import Numbers

ASKED: dict[str, Any] = json.loads(sys.argv[1])


class Joined:
    """A chat template that concatenates messages."""

    assistant_token = ""

    def parse(self, messages: list[dict], add_generation_prompt: bool = False, is_first_msg: bool = False) -> str:
        """Return one text; the word 7 opens a turn."""
        words = [message["content"] for message in messages if message["content"].strip()]
        return " ".join([*words, "7"] if add_generation_prompt else words)

    def update_assistant_end_tokens(self, tokens: Any) -> tuple[np.ndarray, int]:
        """Add nothing to a turn."""
        return np.asarray(tokens), 0


class Toy(base_environment.BaseTaskEnv):
    """Answers every turn with random words; the reward is random."""

    def __init__(self, single_example: Any = None, **more: Any) -> None:
        super().__init__(task=single_example, max_steps=ASKED["turns"], **more)

    def _initial_observation(self) -> str:
        return str(np.asarray(self.task["prompts"]).reshape(-1)[0])

    def _step_impl(self, action: Any) -> Any:
        done = self.step_count >= ASKED["turns"]
        words = np.random.default_rng(self.step_count).integers(10, ASKED["vocab"], ASKED["answer"])
        reward = float(np.random.rand()) if done else 0.0
        return base_environment.EnvStepResult(observation=text(words), reward=reward, done=done, info={})


def text(tokens: np.ndarray) -> str:
    """Return tokens as words."""
    return " ".join(map(str, tokens.tolist()))


def main() -> None:
    """Measure and print."""
    compiled, calls, met, lock = [0.0], [], Counter[str](), threading.Lock()

    def listen(name: str, duration: float, **_: Any) -> None:
        if name.endswith("backend_compile_duration"):
            compiled[0] += duration

    jax.monitoring.register_event_duration_secs_listener(listen)
    engine = cluster()
    generate = engine.rollout.generate

    def timed(prompts: Any, config: Any, **more: Any) -> Any:
        # Without a seed every call draws the same numbers, so a group's members would be identical. This seed makes
        # them differ, and makes each step draw what the step before drew.
        prompt_text = str(prompts)
        with lock:
            number = met[prompt_text] % ASKED["members"] if len(prompt_text.split()) <= ASKED["prompt"] + 1 else 0
            met[prompt_text] += 1
        config = replace(config, seed=jax.random.PRNGKey(zlib.crc32(prompt_text.encode()) + number))
        began = time.perf_counter(), time.process_time(), compiled[0]
        output = generate(prompts, config, **more)
        ended = time.perf_counter(), time.process_time(), compiled[0]
        with lock:
            calls.append((began, ended, sum(len(row) for row in output.tokens)))
        return output

    engine.rollout.generate = timed
    algorithm = agentic_grpo_learner.GRPOConfig(
        num_generations=ASKED["members"],
        num_iterations=1,
        beta=0.0,
        max_response_length=ASKED["budget"],
        max_concurrency=ASKED["groups"] * ASKED["members"],
        system_prompt="",
    )
    learner = agentic_grpo_learner.GRPOLearner(
        rl_cluster=engine, reward_fns=None, algo_config=algorithm, chat_parser=Joined(), env_class=Toy
    )
    rng = np.random.default_rng(0)
    prompts = [text(row) for row in rng.integers(10, ASKED["vocab"], (ASKED["groups"], ASKED["prompt"]))]
    began, began_cpu = time.perf_counter(), time.process_time()
    learner.train([{"prompts": np.array(prompts)} for _ in range(ASKED["steps"])])
    whole = {"wall": time.perf_counter() - began, "cpu": time.process_time() - began_cpu}
    steps = by_step(sorted(calls))
    figures = {name: median(step[name] for step in steps[1:]) for name in steps[0]}
    print(json.dumps(figures | {"calls": len(calls), "run": whole, "steps": steps}))
    sys.stdout.flush()
    os._exit(0)  # its threads do not exit on their own


def by_step(calls: list[tuple]) -> list[dict[str, float]]:
    """Return the speeds of each step, from its share of the sampler calls in the order they began."""
    share, left = divmod(len(calls), ASKED["steps"])
    assert not left, f"{len(calls)} calls are not a multiple of {ASKED['steps']} steps"
    steps = []
    for number in range(ASKED["steps"]):
        of_step = calls[number * share : (number + 1) * share]
        begins, ends, written = zip(*of_step, strict=True)
        wall, cpu, compiling = (max(end[n] for end in ends) - min(begin[n] for begin in begins) for n in range(3))
        tokens = sum(written)
        steps.append({"tokens": tokens, "wall": wall, "cpu": cpu, "compiling": compiling})
        steps[-1] |= {"per_wall_second": tokens / wall, "per_cpu_second": tokens / cpu}
    return steps


def cluster() -> Any:
    """Return a random model with its trainer and sampler; 1 in 32 tokens ends a turn."""
    config = ModelConfig(
        num_layers=ASKED["layers"],
        vocab_size=ASKED["vocab"],
        embed_dim=ASKED["width"],
        hidden_dim=ASKED["mlp"],
        num_heads=ASKED["heads"],
        head_dim=ASKED["head"],
        num_kv_heads=ASKED["kv_heads"],
        rope_theta=1_000_000,
        norm_eps=1e-6,
        use_tied_embedding=True,
    )
    mesh = Mesh(np.array(jax.devices()[:1]).reshape(1, 1), ("fsdp", "tp"))
    role, first = rl_cluster.Role, ASKED["vocab"] // 2
    sampling = base_rollout.RolloutConfig(
        max_tokens_to_generate=ASKED["budget"],
        max_prompt_length=ASKED["room"],
        kv_cache_size=ASKED["room"] + ASKED["budget"] + 1,
        temperature=1.0,
        top_p=1.0,
        top_k=None,
        return_logprobs=True,
        eos_tokens=list(range(first, first + ASKED["vocab"] // ASKED["turn"])),
    )
    training = rl_cluster.RLTrainingConfig(
        actor_optimizer=optax.adamw(0.0),
        eval_every_n_steps=1000,
        max_steps=ASKED["steps"],
        mini_batch_size=ASKED["groups"],
        train_micro_batch_size=ASKED["groups"],
    )
    return rl_cluster.RLCluster(
        actor=Qwen3(config, rngs=nnx.Rngs(0)),
        reference=Qwen3(config, rngs=nnx.Rngs(0)),
        tokenizer=Numbers(),
        cluster_config=rl_cluster.ClusterConfig(
            role_to_mesh=dict.fromkeys((role.ACTOR, role.REFERENCE, role.ROLLOUT), mesh),
            rollout_engine="vanilla",
            offload_to_cpu=False,
            training_config=training,
            rollout_config=sampling,
        ),
    )


main()
