"""Run -> Hugging Face directory: `python -m jaxrlvr.export RUN --out DIR`.

Weights, config, tokenizer and chat template: what `transformers`, vLLM or SGLang load. The source may also be a model
directory, which then goes through import and export unchanged. Adapters (LoRA) are added to the weights; with
--adapter they are written alone, as `peft` loads them.
"""

from pathlib import Path

from flax import nnx

import models
from jaxrlvr.errors import Parser, UserError, command
from jaxrlvr.trained import load_trained


def main(arguments: list[str]) -> None:
    """Read the arguments and export."""
    parser = Parser(prog="python -m jaxrlvr.export", description=__doc__.splitlines()[0])
    parser.add_argument("source", help="run directory, model directory or hub id")
    parser.add_argument("--out", required=True, help="directory to write; must be empty or new")
    parser.add_argument("--adapter", action="store_true", help="write only a LoRA run's adapters, as peft loads them")
    options = parser.parse_args(arguments)
    out = Path(options.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty directory: choose another --out")
    trained = load_trained(options.source)
    decoder, base = nnx.merge(trained.policy.graphdef, trained.params), trained.policy.source
    try:
        if options.adapter:
            models.save_adapter(decoder, out, base=str(base))
        else:
            models.save(decoder, out, source_dir=base)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another --out") from error
    by = "peft.AutoPeftModelForCausalLM" if options.adapter else "transformers.AutoModelForCausalLM"
    print(f"wrote {out} ({trained.about}); load it with {by}.from_pretrained({str(out)!r})")


if __name__ == "__main__":
    command(main)
