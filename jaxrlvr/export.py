"""Run -> Hugging Face directory: `python -m jaxrlvr.export RUN --out DIR`.

Weights, config, tokenizer and chat template: what `transformers`, vLLM or SGLang load. A run's weights are float32, as
they were trained, unless --dtype says otherwise. The source may also be a model directory, which then goes through
import and export unchanged, byte for byte. Adapters (LoRA) are added to the weights; with
--adapter they are written alone, as `peft` loads them: a run's, or those that supervised training put beside its model.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from flax import nnx

import models
from jaxrlvr.preflight.load_trained import load_trained
from jaxrlvr.rollout.policy import ADAPTER
from jaxrlvr.runtime.errors import Parser, UserError, command
from jaxrlvr.storage.run_directory import is_run
from models.safetensors_writer import CODES


def main(arguments: list[str]) -> None:
    """Read the arguments and export."""
    parser = Parser(prog="python -m jaxrlvr.export", description=__doc__.splitlines()[0])
    parser.add_argument("source", help="run directory, model directory or hub id")
    parser.add_argument("--out", required=True, help="directory to write; must be empty or new")
    parser.add_argument("--dtype", choices=sorted(CODES), help="write all weights in it; default: as they are")
    parser.add_argument("--adapter", action="store_true", help="write only the adapters (LoRA), as peft loads them")
    options = parser.parse_args(arguments)
    out = Path(options.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty directory: choose another --out")
    if options.adapter and options.dtype:
        raise UserError("--dtype is for whole models: leave it out with --adapter")
    write, about = _adapter(options.source) if options.adapter else _model(options.source, options.dtype)
    try:
        write(out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another --out") from error
    by = "peft.AutoPeftModelForCausalLM" if options.adapter else "transformers.AutoModelForCausalLM"
    print(f"wrote {out} ({about}); load it with {by}.from_pretrained({str(out)!r})")


def _model(source: str, dtype: str | None) -> tuple[Callable[[Path], object], str]:
    """What writes a whole model, and where its weights are from."""
    if is_run(Path(source)):
        trained = load_trained(source)
        decoder, base, about = nnx.merge(trained.policy.graphdef, trained.params), trained.policy.source, trained.about
    else:
        # Not as a policy: what has no chat template, or none that calls tools, is exported all the same.
        base = models.resolve(source)
        decoder, about = models.load(base, dtype=None), f"the weights of {base}"
    return partial(models.save, decoder, source_dir=base, dtype=dtype), about


def _adapter(source: str) -> tuple[Callable[[Path], object], str]:
    """What writes only the adapters, and where they are from."""
    kept = Path(source) / ADAPTER
    if kept.is_dir():
        models.read_lora(kept)  # refuses kinds that are not computed here
        return partial(shutil.copytree, kept, dirs_exist_ok=True), f"the adapters of {source}"
    trained = load_trained(source)
    decoder, base = nnx.merge(trained.policy.graphdef, trained.params), trained.policy.source
    return partial(models.save_adapter, decoder, base=str(base)), trained.about


if __name__ == "__main__":
    command(main)
