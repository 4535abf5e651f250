"""What a person sees: progress, one line of figures a step, tables. All of it goes through one rich console."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

_console = Console(highlight=False, soft_wrap=True)


def quiet() -> None:
    """Print nothing from now on: another process does."""
    _console.quiet = True


def say(text: str) -> None:
    """Print one line, above the progress bar if there is one."""
    _console.print(text, markup=False)


def progress(first: int, last: int) -> Iterator[int]:
    """The step numbers first..last, with a progress bar while they are worked on."""
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console, transient=True) as shown:
        bar = shown.add_task("training", total=last, completed=first - 1)
        for step in range(first, last + 1):
            yield step
            shown.update(bar, completed=step)


Evaluation = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Way of acting -> scenario -> {reward, success, tasks}."""


def scores(title: str, judged: Evaluation) -> None:
    """Print reward and success per scenario for each way of acting."""
    _table(title, judged, lambda way, scenario, figure: f"{judged[way][scenario][figure]:.3f}")


def change(title: str, before: Evaluation, after: Evaluation) -> None:
    """Print reward and success per scenario as before→after, ? for what is not known, in 80 columns."""

    def cell(way: str, scenario: str, figure: str) -> str:
        known = before[way].get(scenario)
        return f"{f'{known[figure]:.2f}' if known else '?'}→{after[way][scenario][figure]:.2f}"

    _table(title, after, cell)


def _table(title: str, judged: Evaluation, cell: Callable[[str, str, str], str]) -> None:
    shown = Table(title=title, title_justify="left")
    shown.add_column("scenario", no_wrap=True)
    columns = [(way, figure) for way in judged for figure in ("reward", "success")]
    for way, figure in columns:
        shown.add_column(f"{way}\n{figure}", justify="right", no_wrap=True)
    for scenario in next(iter(judged.values())):
        shown.add_row(scenario, *(cell(way, scenario, figure) for way, figure in columns))
    _console.print(shown)
