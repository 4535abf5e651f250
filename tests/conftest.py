"""Every test runs on the CPU, which JAX sees as eight devices: meshes are tested where there is no accelerator."""

import os

# Set before JAX is imported anywhere; an explicit JAX_PLATFORMS (also an empty one) wins.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax

jax.config.update("jax_num_cpu_devices", 8)
