"""Difference between sampler and learner caused by rounding alone: `python benchmarks/mismatch.py [--dtype bfloat16]`.

Samples one step of the default run and recomputes its log-probs with the learner, as in training. Reports the mean KL
and the largest difference of a token, the two values that the guard `mismatch` checks. For comparison, repeats this
with a learner whose temperature is 5% too high: a small but real fault. Limits belong between the two.

The models: the embedded seed, which is confident about most tokens, and random ones, which are confident about none.
"""

import argparse
import json
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import models
from configs import tiny
from jaxrlvr.config import RunConfig
from jaxrlvr.learning import grpo
from jaxrlvr.learning.batch import Batch, pack, to_training_groups
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.learner import Learner
from jaxrlvr.rollout.policy import Policy, PolicyConfig, load_policy
from jaxrlvr.rollout.rollout import Actor, RolloutKey, rollout
from jaxrlvr.rollout.tasks import training_tasks

WRONG = 1.05
"""The fault to compare with: a factor on the temperature."""


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dtype", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--temperature", type=float, nargs="+", default=[1.0, 1.5])
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--turn-tokens", type=int, default=88)
    parser.add_argument("--random", type=int, nargs=2, action="append", default=[], metavar=("LAYERS", "WIDTH"))
    options = parser.parse_args()
    config = tiny.config()
    config = replace(
        config,
        tasks=replace(config.tasks, per_step=options.tasks),
        rollout=replace(config.rollout, turn_tokens=options.turn_tokens),
    )
    figures: dict[str, Any] = {"options": vars(options), "jax": jax.__version__, "device": jax.devices()[0].device_kind}
    for dtype in options.dtype:
        seed = load_policy(PolicyConfig(compute_dtype=dtype))
        for name, policy in [("seed", seed), *((f"random {n} x {w}", random(seed, n, w)) for n, w in options.random)]:
            for temperature in options.temperature:
                figures[f"{name}, {dtype}, {temperature}"] = row = measured(policy, config, temperature)
                print(
                    f"{name}, {dtype}, temperature {temperature}: KL {row['kl']:.1e}, gap {row['gap']:.1e}; "
                    f"with a fault {row['wrong_kl']:.1e}, {row['wrong_gap']:.1e}; "
                    f"surprise {row['surprise']:.2f} over {row['tokens']} tokens",
                    flush=True,
                )
    print(json.dumps(figures))


def random(policy: Policy, layers: int, width: int) -> Policy:
    """Return a model of that size for the same chat, with random weights of the magnitude of trained ones."""
    shape = replace(policy.config, num_layers=layers, hidden_size=width, mlp_size=3 * width)
    model = nnx.merge(policy.graphdef, policy.params)
    decoder = models.Decoder(shape, rngs=nnx.Rngs(0), compute=model.compute)
    graphdef, params = nnx.split(decoder)
    # Products preserve the magnitude of their input; logits have a standard deviation of 2.5.
    factor = 1 / (0.02 * width**0.5)
    params = jax.tree.map_with_path(
        lambda path, leaf: (
            leaf * factor * (2.5 if "embedding" in jax.tree_util.keystr(path) else 1)
            if leaf.ndim + ("embedding" in jax.tree_util.keystr(path)) > 2
            else leaf
        ),
        params,
    )
    return replace(policy, graphdef=graphdef, params=params, config=shape)


def measured(policy: Policy, config: RunConfig, temperature: float) -> dict[str, float]:
    """Return the KL and the largest gap of one step, with and without the fault."""
    acting = replace(config.rollout, temperature=temperature)
    tasks = training_tasks(config.tasks, config.seed, 1)
    sampler = policy.sampler(acting)
    actor = Actor(sampler, policy.params, policy.chat)
    groups = rollout(actor, tasks, acting, RolloutKey(config.seed, 1, range(len(tasks)))).groups
    nothing_BG = np.zeros((len(groups), acting.group_size), np.float32)
    shape = config.learner.shape(acting.prefix_buckets)
    batches = pack(to_training_groups(groups, nothing_BG), shape, policy.chat.pad_token).batches
    right, wrong = (differences(policy, batches, temperature * factor) for factor in (1.0, WRONG))
    then = np.concatenate([batch.behaviour_BGT[batch.sampled_BGT] for batch in batches])
    figures = {"tokens": then.size, "surprise": float(-then.mean())}
    for name, gap in (("", right), ("wrong_", wrong)):
        figures |= {f"{name}kl": float((np.exp(gap) - 1 - gap).mean()), f"{name}gap": float(np.abs(gap).max())}
    return figures


def differences(policy: Policy, batches: list[Batch], temperature: float) -> np.ndarray:
    """Return the learner's minus the sampler's log-prob of every sampled token, in float64."""
    learner = Learner(policy.graphdef, optax.identity(), grpo.objective(GRPOConfig()), temperature)
    return np.concatenate(
        [
            np.asarray(learner.recompute(policy.params, jax.tree.map(jnp.asarray, batch)), np.float64)[
                batch.sampled_BGT
            ]
            - batch.behaviour_BGT[batch.sampled_BGT]
            for batch in batches
        ]
    )


if __name__ == "__main__":
    main()
