"""Write a run's model as a Hugging Face directory.

    python -m jaxrlvr.export RUN --out DIR

Writes weights, config, tokenizer and chat template, as `transformers`, vLLM and SGLang load them. A run's weights are
float32, as in training, unless --dtype names another type. The source may also be a model directory, whose weights stay
equal byte for byte. Adapters (LoRA) are merged into the weights; --adapter writes them alone, as `peft` loads them:
those of a run, or those that supervised training wrote beside its model.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from flax import nnx

import models
from envs.cli import program
from jaxrlvr.preflight.load_trained import load_trained
from jaxrlvr.rollout.policy import ADAPTER
from jaxrlvr.runtime.errors import Parser, UserError, command
from jaxrlvr.storage.run_directory import is_run
from models.safetensors_writer import CODES


def main(arguments: list[str]) -> None:
    """Read the arguments and export. Raises UserError for invalid arguments."""
    parser = Parser(prog=program("jaxrlvr.export"), description=__doc__.splitlines()[0])
    parser.add_argument("source", metavar="RUN", help="run directory, model directory or hub id")
    parser.add_argument("--out", metavar="DIR", required=True, help="directory to write; must be new or empty")
    parser.add_argument("--dtype", choices=sorted(CODES), help="type of the weights; default: unchanged")
    parser.add_argument("--adapter", action="store_true", help="write only the adapters (LoRA), as peft loads them")
    options = parser.parse_args(arguments)
    out = Path(options.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty directory: choose another --out")
    if options.adapter and options.dtype:
        raise UserError("--dtype is for whole models: leave it out with --adapter")
    write, origin = _adapter(options.source) if options.adapter else _model(options.source, options.dtype)
    try:
        write(out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another --out") from error
    loader = "peft.AutoPeftModelForCausalLM" if options.adapter else "transformers.AutoModelForCausalLM"
    print(f"wrote {out} ({origin}); load it with {loader}.from_pretrained({str(out)!r})")


def _model(source: str, dtype: str | None) -> tuple[Callable[[Path], object], str]:
    """Return a function that writes the whole model, and the origin of its weights for messages."""
    if is_run(Path(source)):
        trained = load_trained(source)
        decoder, base, origin = nnx.merge(trained.policy.graphdef, trained.params), trained.policy.source, trained.about
    else:
        # Do not load a policy: a model without a chat template that calls tools can be exported too.
        base = models.resolve(source)
        decoder, origin = models.load(base, dtype=None), f"the weights of {base}"
    return partial(models.save, decoder, source_dir=base, dtype=dtype), origin


def _adapter(source: str) -> tuple[Callable[[Path], object], str]:
    """Return a function that writes only the adapters, and their origin for messages."""
    adapter = Path(source) / ADAPTER
    if adapter.is_dir():
        models.read_lora(adapter)  # raises for unsupported kinds of adapters
        return partial(shutil.copytree, adapter, dirs_exist_ok=True), f"the adapters of {source}"
    trained = load_trained(source)
    decoder, base = nnx.merge(trained.policy.graphdef, trained.params), trained.policy.source
    return partial(models.save_adapter, decoder, base=str(base)), trained.about


if __name__ == "__main__":
    command(main)
