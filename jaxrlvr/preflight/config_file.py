"""Load a config from a Python file, such as those in `configs/`: the result of its function config()."""

import importlib.util
from pathlib import Path
from typing import TypeVar

from envs.renamed import RENAMED as RENAMED_IN_ENVS
from envs.renamed import explain
from jaxrlvr.preflight.renamed import RENAMED
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import former_fields, wrong_types

T = TypeVar("T")


def load_config(path: str, kind: type[T]) -> T:
    """Return the result of `config()` in a Python file.

    Raises UserError if the file does not run, naming the new names if it uses some of an earlier version; if it has no
    such function, or returns something else than a `kind` with values of the declared types.
    """
    file = Path(path)
    if not file.is_file():
        known = sorted(str(p) for p in file.parent.glob("*.py") if p.stem != "__init__")
        raise UserError(f"no such config file: {path}" + (f"; there are {', '.join(known)}" if known else ""))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (UserError, KeyboardInterrupt):
        raise
    except Exception as error:  # any error of the user's code
        message = f"{path} does not run: {type(error).__name__}: {error}"
        raise UserError(_explain(file, error, kind) or message) from error
    make = getattr(module, "config", None)
    try:
        config = make() if callable(make) else None
    except (UserError, KeyboardInterrupt):
        raise
    except Exception as error:  # any error of the user's code
        message = f"{path}: config() fails: {type(error).__name__}: {error}"
        raise UserError(_explain(file, error, kind) or message) from error
    if not isinstance(config, kind):
        raise UserError(f"{path} has no function config() that returns a {kind.__name__}")
    if problems := list(wrong_types(config)):
        raise UserError(f"{path}: {'; '.join(problems)}")
    return config


def _explain(file: Path, error: Exception, kind: type) -> str:
    """Return how to write the names of earlier versions that a file uses, or which folder hides our `configs`.

    Empty if neither is the reason for the error.
    """
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("configs."):
        spec = importlib.util.find_spec("configs")
        location = next(iter(spec.submodule_search_locations or ()), "") if spec else ""
        if location and Path(location).resolve() != Path(__file__).resolve().parents[2] / "configs":
            return (
                f"{file} imports {error.name}, but {location} is imported instead of jaxrlvr's own package 'configs': "
                "start with `jaxrlvr` instead of `python -m`, in another directory, or rename it"
            )
    renamed = {**RENAMED_IN_ENVS, **RENAMED, **former_fields(kind)}
    advice = explain(file.read_text(encoding="utf-8"), error, renamed)
    return f"{file} {advice}" if advice else ""
