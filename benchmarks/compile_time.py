"""Growth of compile time with depth: `python benchmarks/compile_time.py [--layers 28 --few 4]`.

Compiles the forward and backward pass of a group (`prefill`, one `extend`, chunked log-probs) from shapes alone, for a
shallow and a deep model of the same widths. Layers are scanned, so the ratio should be near 1.
"""

import argparse
import json
import time
from dataclasses import replace

import jax
import jax.numpy as jnp
from flax import nnx

import models
from jaxrlvr.learning.batch import Batch, empty
from jaxrlvr.learning.logprobs import suffix_logprobs


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--preset", default="Qwen/Qwen3-1.7B")
    for name, value in {"layers": 28, "few": 4, "prefix": 256, "suffix": 128, "members": 8}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    batch = empty(1, options.members, options.prefix, options.suffix, 0)
    seconds = {}
    # The first compilation includes the one-time costs of the process.
    compile_seconds(replace(models.PRESETS[options.preset], num_layers=1), batch)
    for layers in (options.few, options.layers):
        config = replace(models.PRESETS[options.preset], num_layers=layers)
        seconds[layers] = compile_seconds(config, batch)
        print(f"{layers} layers: {seconds[layers][0]:.2f} s, {seconds[layers][1]:.2f} CPU seconds")
    wall, cpu = (seconds[options.layers][n] / seconds[options.few][n] for n in range(2))
    print(f"ratio {wall:.2f} in seconds, {cpu:.2f} in CPU seconds")
    print(json.dumps({"seconds": seconds, "ratio": wall, "cpu_ratio": cpu}))


def compile_seconds(config: models.ModelConfig, batch: Batch) -> tuple[float, float]:
    """Return the wall and CPU seconds of tracing and compiling a gradient."""
    shapes = nnx.eval_shape(lambda: models.Decoder(config, rngs=nnx.Rngs(0), compute=models.Compute(remat="full")))
    graphdef, params = nnx.split(shapes)

    def loss(params: nnx.State, batch: Batch) -> jax.Array:
        logprob_BGT, _ = suffix_logprobs(nnx.merge(graphdef, params), batch, 1.0)
        return jnp.sum(logprob_BGT)

    began, began_cpu = time.perf_counter(), time.process_time()
    jax.jit(jax.grad(loss)).lower(params, batch).compile()
    return time.perf_counter() - began, time.process_time() - began_cpu


if __name__ == "__main__":
    main()
