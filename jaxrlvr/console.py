"""What a person sees: progress, one line of figures a step, tables. All of it goes through one rich console."""

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from jaxrlvr.evaluate import Scores

_console = Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print one line, above the progress bar if there is one."""
    _console.print(text, markup=False)


def steps(first: int, last: int) -> Iterator[int]:
    """The step numbers first..last, with a progress bar while they are worked on."""
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console, transient=True) as progress:
        bar = progress.add_task("training", total=last, completed=first - 1)
        for step in range(first, last + 1):
            yield step
            progress.update(bar, completed=step)


def table(title: str, columns: Mapping[str, Scores]) -> None:
    """Print reward and success per scenario, one pair of columns for each evaluation."""
    shown = Table(title=title, title_justify="left")
    shown.add_column("scenario")
    for name in columns:
        shown.add_column(f"{name}\nreward", justify="right")
        shown.add_column(f"{name}\nsuccess", justify="right")
    for scenario in next(iter(columns.values())):
        cells = [f"{value:.3f}" for scores in columns.values() for value in (scores[scenario].reward, scores[scenario].success)]
        shown.add_row(scenario, *cells)
    _console.print(shown)
