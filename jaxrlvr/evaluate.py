"""Score a model on held-out tasks.

    python -m jaxrlvr.evaluate [--model DIR] [--config FILE] [--out FILE]

DIR is a run directory (its last checkpoint), a Hugging Face directory, or a hub id; without it the embedded seed is
scored. Prints the table, and one line of JSON last.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from envs.cli import program
from jaxrlvr.config import RunConfig
from jaxrlvr.evaluation.episode_files import write_episodes
from jaxrlvr.evaluation.held_out import HeldOut, evaluate
from jaxrlvr.preflight import validation
from jaxrlvr.preflight.arguments import DEFAULT, apply_arguments
from jaxrlvr.preflight.config_file import load_config
from jaxrlvr.preflight.load_trained import load_trained
from jaxrlvr.rollout.rollout import Actor
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime import console
from jaxrlvr.runtime.compilation_cache import use_compilation_cache
from jaxrlvr.runtime.errors import Parser, UserError, command
from jaxrlvr.storage.run_directory import RunDirectory, is_run


def main(arguments: list[str]) -> None:
    """Read the arguments and evaluate."""
    parser = Parser(
        prog=program("jaxrlvr.evaluate"),
        description=(__doc__ or "").splitlines()[0],
        epilog="Fields of the config follow as --section.field value, e.g. --evaluation.tasks 200",
    )
    model = "run directory, model directory or hub id; default: the embedded seed"
    parser.add_argument("--model", metavar="DIR", default="", help=model)
    file = "config file; default: the run's own, or configs/tiny.py"
    parser.add_argument("--config", metavar="FILE", default="", help=file)
    out = "file for every episode, one line of JSON each; must not exist"
    parser.add_argument("--out", metavar="FILE", default="", help=out)
    options, rest = parser.parse_known_args(arguments)
    if options.out and Path(options.out).exists():
        raise UserError(f"{options.out} exists already: choose another --out")
    config = load_config(options.config or str(DEFAULT), RunConfig)
    if options.model and is_run(Path(options.model)) and not options.config:
        config = RunDirectory.open(options.model).read_config(RunConfig)
    config = apply_arguments(config, rest, program("jaxrlvr.evaluate"))
    trained = load_trained(options.model, config.policy)
    use_compilation_cache()
    validation.check(config, trained.policy.chat)
    console.say(f"{trained.about}: {config.evaluation.tasks} held-out tasks per scenario, greedy and sampled ...")

    chat = trained.policy.chat

    def store(way: str, groups: Iterable[Group]) -> None:
        if options.out:
            write_episodes(Path(options.out), groups, chat, {"way": way})

    actor = Actor(trained.policy.sampler(config.rollout), trained.params, chat)
    held_out = HeldOut(config.tasks, config.evaluation, config.rollout, config.seed)
    scores = evaluate(actor, held_out, on_groups=store)
    console.scores(trained.about, scores)
    print(json.dumps(scores))


if __name__ == "__main__":
    command(main)
