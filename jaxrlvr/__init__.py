"""GRPO on simulated APIs: the commands, collection ahead of updates, and rooms that define the settings they read."""

import importlib.util
import os
import sys
from pathlib import Path

# Only tokenizers and templates of transformers are used; its advice to install PyTorch would mislead.
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")


def _refuse_shadowed(name: str) -> None:
    """Exit with one line, or raise ImportError outside a command, if another `name` is imported in place of ours."""
    spec = importlib.util.find_spec(name)
    if spec is None or not (path := next(iter(spec.submodule_search_locations or ()), spec.origin)):
        return
    if Path(path).resolve().parent == Path(__file__).resolve().parents[1]:
        return
    message = (
        f"{path} is imported instead of jaxrlvr's own package {name!r}: start with `jaxrlvr` instead of `python -m`, "
        "in another directory, or rename it"
    )
    # While `python -m jaxrlvr.x` looks for its module, the program's name is "-m".
    if Path((sys.argv or [""])[0]).name not in ("-m", "jaxrlvr"):
        raise ImportError(message)
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


for _name in ("models", "envs"):
    _refuse_shadowed(_name)
