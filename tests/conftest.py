"""Every test runs on the CPU, which JAX sees as eight devices: meshes are tested where there is no accelerator."""

import os

# Set before JAX is imported anywhere; an explicit JAX_PLATFORMS (also an empty one) wins.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test that would ask the network fails, wherever it runs
if os.environ["JAX_PLATFORMS"] == "cpu":
    # Most of the tests' time is compilation, which this makes several times faster.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"

import jax

jax.config.update("jax_num_cpu_devices", 8)
