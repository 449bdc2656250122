"""Which command wrote a folder? Each keeps a journal there, and none works in another's folder."""

from pathlib import Path

from pilah.errors import DataError
from pilah.wording import shown

JOURNALS = {
    "sort": ".pilah/journal.jsonl",
    "video": ".pilah/video.jsonl",
    "classify": ".pilah/listing.sqlite",
}
"""Where each command keeps its journal, inside its target."""


def refuse_others(target: Path, command: str) -> None:
    """Refuse a target that another command wrote.

    Args:
        target: the folder, which need not exist.
        command: a key of `JOURNALS`.

    Raises:
        DataError: another command's journal is there.
    """
    for other, journal in JOURNALS.items():
        if other != command and (target / journal).is_file():
            raise DataError(f"{shown(target)} was written by `pilah {other}`; give another --to")
