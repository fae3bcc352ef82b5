"""Bars of progress on a terminal, for commands that take long; where standard error is piped, nothing.

rich draws them on standard error and takes them away at the end: results stand alone. It obeys ``NO_COLOR`` itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.progress import Progress, unseen


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A function that draws what it is told, one bar for each kind of work, until this ends."""
    from rich import progress  # what most commands do without costs them no time
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_interactive:
        yield unseen
        return
    columns = (
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
    )
    bars = progress.Progress(*columns, console=console, transient=True)
    tasks: dict[str, progress.TaskID] = {}

    def show(what: str, done: int, total: int | None = None) -> None:
        if what not in tasks:
            bars.start()  # no sooner: it takes the terminal, and somebody may have to be asked something first
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done, total=total)

    try:
        yield show
    finally:
        if tasks:
            bars.stop()
