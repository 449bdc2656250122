"""Tables on standard output; a narrow terminal cuts no figure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pilah.progress import QUIET

if TYPE_CHECKING:
    from rich.table import Column, Table

    from pilah.report import Estimate


def figures(*columns: "str | Column") -> "Table":
    """A table of figures under a line of column names; cells are plain text, not markup."""
    from rich import box
    from rich.table import Table

    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)


def counts(numbers: Mapping[Any, int], *, of_crops: bool) -> "Table":
    """Folders and how many photos, or with `--faces` how many faces, each holds."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("folder")
    table.add_column("faces" if of_crops else "photos", justify="right")
    for name, number in numbers.items():
        table.add_row(name, f"{number:,}")
    return table


def in_percent(estimate: "Estimate") -> str:
    """A share with its interval, such as `46.8% (40.1% to 53.7%)`."""
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"


def show(table: "Table") -> None:
    """Print a table as wide as its content: the terminal may wrap a line, nothing is left out."""
    if QUIET.get():
        return
    from rich.console import Console
    from rich.measure import Measurement

    console = Console()
    unlimited = console.options.update(max_width=10_000)
    console.width = max(console.width, Measurement.get(console, unlimited, table).maximum)
    console.print(table)
