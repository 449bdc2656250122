"""`pilah undo`: take a sort back."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pilah.cli.options import Quiet
from pilah.progress import note
from pilah.wording import counted


def undo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that `pilah sort --to` wrote.")
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="DIR",
            help="Where the folder of the photos is now, if it was renamed or is mounted "
            "elsewhere since the sort. [default: where it was]",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Undo a sort, finished or interrupted.

    Photos that you moved to another folder inside DIR are found and restored too. A file that was
    changed since the sort stays where it is and is named; the exit code is then 1.
    """
    from pilah.sorting import disk, undo_sort
    from pilah.sorting.records import JOURNAL
    from pilah.sorting.undo import WORDS
    from pilah.wording import quoted, shown

    try:
        undone = undo_sort(folder, to=to)
    except KeyboardInterrupt:
        print("pilah: stopped. Run the same command again to resume.", file=sys.stderr)
        raise typer.Exit(130) from None
    note(f"Restored: {counted(undone.restored, 'photo')}")
    for refusal in disk.notes():
        print(f"note: {refusal}", file=sys.stderr)
    for path, why in undone.left:
        print(f"not touched: {shown(path)}: {why}", file=sys.stderr)
    if undone.left and all(why == WORDS["missing"] for _, why in undone.left):
        print(
            "Put them back into the folder and run the same command again; or, if you deleted "
            f"them, delete {shown((folder / JOURNAL).parent)}, and the undo is over.",
            file=sys.stderr,
        )
    elif undone.left:
        print(
            f"Once you have settled these, run `pilah undo {quoted(folder)}` again.",
            file=sys.stderr,
        )
    raise typer.Exit(1 if undone.left else 0)
