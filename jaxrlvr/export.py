"""Run -> Hugging Face directory: `python -m jaxrlvr.export RUN --out DIR`.

Weights, config, tokenizer and chat template: what `transformers`, vLLM or SGLang load. The source may also be a model
directory, which then goes through import and export unchanged.
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
    options = parser.parse_args(arguments)
    out = Path(options.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty directory: choose another --out")
    trained = load_trained(options.source)
    try:
        models.save(nnx.merge(trained.policy.graphdef, trained.params), out, source_dir=trained.policy.source)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another --out") from error
    print(
        f"wrote {out} ({trained.about}); load it with transformers.AutoModelForCausalLM.from_pretrained({str(out)!r})"
    )


if __name__ == "__main__":
    command(main)
