"""Fine-tune on demonstrations: `python -m jaxrlvr.sft CONFIG.py [--out DIR] [--field value ...]`.

Or on recorded chats: `python -m jaxrlvr.sft CHATS.jsonl --model X [--out DIR] [--field value ...]`.
A file of chats is imitated with the settings of `of_chats`, which fields change: `--stages.0.steps 500`. With
`--lora.rank 16` adapters are trained and not the weights; `--lora.alpha` and `--lora.targets` are as in `train`.
"""

from jaxrlvr.arguments import DEFAULT
from jaxrlvr.compilation import use_compilation_cache
from jaxrlvr.config import apply_arguments, load_config
from jaxrlvr.errors import UserError, command
from jaxrlvr.imitation import SFTConfig, Stage, run
from jaxrlvr.optimizer import OptimizerConfig

PROGRAM = "python -m jaxrlvr.sft CONFIG.py|CHATS.jsonl"
SEED = DEFAULT.with_name("seed.py")
ABOUT = """Fine-tune on demonstrations, or on recorded chats: CHATS.jsonl --model DIR.

Each field of CONFIG.py is an option, shown here with its value in configs/seed.py:"""


def of_chats(file: str) -> SFTConfig:
    """One stage on a file of chats: up to four with one prompt share it."""
    optimizer = OptimizerConfig(learning_rate=1e-5, warmup_steps=10)
    stage = Stage("chats", steps=100, optimizer=optimizer, chats=file, episodes=32, members=4)
    sizes = (256, 512, 1024, 2048, 4096)
    return SFTConfig((stage,), micro_batch=8, prefix_buckets=sizes, suffix_buckets=sizes)


def main(arguments: list[str]) -> None:
    """Read the config file and the arguments, and train."""
    if arguments and arguments[0] in ("-h", "--help"):
        arguments = [str(SEED), *arguments]
    if not arguments or arguments[0].startswith("-"):
        raise UserError("name a config file first: python -m jaxrlvr.sft configs/seed.py")
    file = arguments[0]
    usual = of_chats(file) if file.endswith(".jsonl") else load_config(file, SFTConfig)
    config = apply_arguments(usual, arguments[1:], PROGRAM, ABOUT)
    if file.endswith(".jsonl") and not config.model:
        raise UserError(f"{file} is a file of chats: name the model that shall learn them with --model")
    use_compilation_cache()
    run(config)


if __name__ == "__main__":
    command(main)
