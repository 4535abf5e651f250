"""List and run the project's commands: `jaxrlvr COMMAND ...`, or `python -m jaxrlvr COMMAND ...`.

`jaxrlvr train ...` does what `python -m jaxrlvr.train ...` does. A command's module is imported only when it runs.
"""

import difflib
import os
import runpy
import sys
from typing import NamedTuple


class Command(NamedTuple):
    """A command's module, which `python -m` runs too, and one sentence for the list."""

    module: str
    summary: str


COMMANDS = {
    "train": Command("jaxrlvr.train", "Train a model with GRPO on tasks of simulated APIs."),
    "sft": Command("jaxrlvr.sft", "Fine-tune a model on demonstrations or recorded chats."),
    "evaluate": Command("jaxrlvr.evaluate", "Score a model on held-out tasks."),
    "export": Command("jaxrlvr.export", "Write a run's model as a Hugging Face directory."),
    "audit": Command("envs.audit", "Check that a scenario's reward is sound."),
    "requests": Command("envs.requests", "Count and print the requests of harder tasks."),
    "serve": Command("envs.serve", "Serve a simulated Jira and Confluence over HTTP."),
    "rescore": Command("envs.rescore", "Score stored episodes again with today's checks."),
    "reference": Command("envs.reference", "Print the operations of the simulated APIs as Markdown."),
    "describe": Command("models.describe", "Print a model's parameters, memory per device and FLOPs."),
}


def usage() -> str:
    """Return the list of commands, one line each."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        ["usage: jaxrlvr COMMAND [ARGUMENT ...]", "", *lines, "", "jaxrlvr COMMAND --help explains a command."]
    )


def main() -> int:
    """Run the command that the process's arguments name, or print the list. Returns 2 for an unknown command."""
    name, arguments = (sys.argv[1] if len(sys.argv) > 1 else "--help"), sys.argv[2:]
    if name in ("-h", "--help", "help"):
        try:
            print(usage(), flush=True)
        except BrokenPipeError:  # the reader, such as `head`, closed the pipe; redirect the flush at exit too
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        return 0
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(COMMANDS)}"
        print(f"error: unknown command {name!r}; {hint}", file=sys.stderr)
        return 2
    sys.argv = [sys.argv[0], *arguments]
    os.environ["JAXRLVR_PROGRAM"] = f"jaxrlvr {name}"  # the usage that the command's --help prints
    runpy.run_module(COMMANDS[name].module, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
