"""One GRPO gradient with one row per member against short members sharing rows: `python benchmarks/packing.py`.

The suffix lengths are spread evenly from --shortest to --suffix, as when some members end early. Both forms run the
same tokens, alternating in one process. Figures are medians; losses and gradients are compared.
"""

import argparse
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from train_step import alternate, random_batch, shape

import models
from jaxrlvr.learning.packing import pack_rows


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    sizes = {"prefix": 256, "suffix": 384, "shortest": 48, "members": 8, "layers": 6, "width": 256, "repeats": 5}
    for name, value in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    config = shape(options.layers, options.width)
    length_BG = np.linspace(options.shortest, options.suffix, options.members).astype(int)[None]
    whole = random_batch(config.vocab_size, options.prefix, options.suffix, options.members)
    real_BGT = np.arange(options.suffix) < length_BG[..., None]
    batch = whole._replace(suffix_BGT=np.where(real_BGT, whole.suffix_BGT, 0), sampled_BGT=real_BGT)
    packed = pack_rows(batch.suffix_BGT, batch.sampled_BGT, length_BG, range(1, options.members), 0)
    if packed is None:
        parser.exit(2, "error: no two members fit into one row; use a smaller --shortest\n")
    model = nnx.split(models.Decoder(config, rngs=nnx.Rngs(0)))
    figures, gradients = alternate(model, {"apart": batch, "shared": batch._replace(packed=packed)}, options.repeats)
    apart, shared = figures["apart"], figures["shared"]
    difference = float(optax.tree.norm(jax.tree.map(jnp.subtract, gradients["apart"], gradients["shared"])))
    summary = {
        "rows": packed.tokens_BRS.shape[1],
        "ratio": apart["wall"] / shared["wall"],
        "cpu_ratio": apart["cpu"] / shared["cpu"],
        "loss_difference": abs(apart["loss"] - shared["loss"]),
        "gradient_difference": difference / apart["norm"],
    }
    print(f"{options.members} members of {length_BG.min()} to {length_BG.max()} tokens in {summary['rows']} rows")
    print(f"  shared rows are {summary['ratio']:.2f} times as fast ({summary['cpu_ratio']:.2f} in CPU seconds);")
    print(f"  losses differ by {summary['loss_difference']:.1e}, gradients by {summary['gradient_difference']:.1e}")
    print(json.dumps({"options": vars(options)} | summary | figures))


if __name__ == "__main__":
    main()
