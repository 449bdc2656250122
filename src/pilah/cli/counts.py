"""The table of photos by folder that `pilah sort` and `pilah report` print."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def counts_table(counts: Mapping[Any, int], *, of_crops: bool) -> "Table":
    """How many photos, or with `--faces` how many faces, lie in each folder."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("folder")
    table.add_column("faces" if of_crops else "photos", justify="right")
    for name, number in counts.items():
        table.add_row(name, f"{number:,}")
    return table
