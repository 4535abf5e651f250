"""Persistent cache of compiled programs: only the first run on a machine compiles."""

import os
from pathlib import Path

import jax


def use_compilation_cache() -> None:
    """Cache compiled programs in JAX_COMPILATION_CACHE_DIR, or in the user's cache directory if it is not set."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(os.environ.get("JAX_COMPILATION_CACHE_DIR") or Path(home) / "jaxrlvr" / "compiled")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a home directory that is not writable costs compile time, not the run
    jax.config.update("jax_compilation_cache_dir", str(directory))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
