"""`pilah undo`: take a sort back."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def undo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that `pilah sort --to` wrote.")
    ],
) -> None:
    """Restore the state before a sort, also after half of one.

    A file that was changed since then is left alone and named; the exit code is then 1.
    """
    from pilah.sorting import undo_sort
    from pilah.sorting.walk import shown

    try:
        undone = undo_sort(folder)
    except KeyboardInterrupt:
        print("pilah: stopped. Run the same command again to go on.", file=sys.stderr)
        raise typer.Exit(130) from None
    print(f"{undone.restored:,} photos are as before the sort")
    for path, why in undone.left:
        print(f"left alone: {shown(path)}: {why}", file=sys.stderr)
    if undone.left:
        print(f"When these are settled, run `pilah undo {shown(folder)}` again.", file=sys.stderr)
    raise typer.Exit(1 if undone.left else 0)
