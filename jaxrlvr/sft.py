"""Fine-tune on demonstrations: `python -m jaxrlvr.sft CONFIG.py [--out DIR] [--field value ...]`."""

from jaxrlvr.arguments import DEFAULT
from jaxrlvr.compilation import use_compilation_cache
from jaxrlvr.config import apply_arguments, load_config
from jaxrlvr.errors import UserError, command
from jaxrlvr.imitation import SFTConfig, run

PROGRAM = "python -m jaxrlvr.sft CONFIG.py"
SEED = DEFAULT.with_name("seed.py")
ABOUT = """Fine-tune on demonstrations.

Each field of CONFIG.py is an option, shown here with its value in configs/seed.py:"""


def main(arguments: list[str]) -> None:
    """Read the config file and the arguments, and train."""
    if arguments and arguments[0] in ("-h", "--help"):
        arguments = [str(SEED), *arguments]
    if not arguments or arguments[0].startswith("-"):
        raise UserError("name a config file first: python -m jaxrlvr.sft configs/seed.py")
    config = apply_arguments(load_config(arguments[0], SFTConfig), arguments[1:], PROGRAM, ABOUT)
    use_compilation_cache()
    run(config)


if __name__ == "__main__":
    command(main)
