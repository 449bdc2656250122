"""What a long command shows of its work: a bar on a terminal, notes on what is done, or nothing."""

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

QUIET = ContextVar("QUIET", default=False)
"""Whether `--quiet` was given: then only errors, and results that were asked for, are printed."""


def note(text: object) -> None:
    """Print a line about what was done, on standard output."""
    if not QUIET.get():
        print(text, flush=True)


def progress_bar(*more: str) -> "Progress":
    """A bar on standard error: what is done, how many of how many, `more`, the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    return Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        *more,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal or QUIET.get(),
    )


def tracked(items: Iterable[Item], title: str, *, total: int) -> Iterator[Item]:
    """The items, and a bar that shows how many of them are done."""
    with progress_bar() as progress:
        yield from progress.track(items, total=total, description=title)
