"""Console output of a command: lines, a progress bar and tables, through one rich console."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

_console = Console(highlight=False, soft_wrap=True)


def quiet() -> None:
    """Print nothing from now on: another process of the run prints."""
    _console.quiet = True


def say(text: str) -> None:
    """Print a line, above the progress bar if there is one."""
    _console.print(text, markup=False)


def progress(first: int, last: int) -> Iterator[int]:
    """Yield the step numbers first..last and show a progress bar of them."""
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console, transient=True) as display:
        bar = display.add_task("training", total=last, completed=first - 1)
        for step in range(first, last + 1):
            yield step
            display.update(bar, completed=step)


Evaluation = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Decoding mode (greedy or sampled) -> scenario -> {reward, success, tasks}."""


def scores(title: str, evaluation: Evaluation) -> None:
    """Print a table of reward and success per scenario, for each decoding mode."""
    _table(title, evaluation, lambda mode, scenario, figure: f"{evaluation[mode][scenario][figure]:.3f}")


def change(title: str, before: Evaluation, after: Evaluation) -> None:
    """Print a table of reward and success per scenario as before→after, with ? for an unknown value, in 80 columns."""

    def cell(mode: str, scenario: str, figure: str) -> str:
        known = before[mode].get(scenario)
        return f"{f'{known[figure]:.2f}' if known else '?'}→{after[mode][scenario][figure]:.2f}"

    _table(title, after, cell)


def _table(title: str, evaluation: Evaluation, cell: Callable[[str, str, str], str]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("scenario", no_wrap=True)
    columns = [(mode, figure) for mode in evaluation for figure in ("reward", "success")]
    for mode, figure in columns:
        table.add_column(f"{mode}\n{figure}", justify="right", no_wrap=True)
    for scenario in next(iter(evaluation.values())):
        table.add_row(scenario, *(cell(mode, scenario, figure) for mode, figure in columns))
    _console.print(table)
