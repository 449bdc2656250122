"""How are photos put into folders, safely?

    bins.py      which folder does a photo belong into?
    walk.py      which photos are meant?
    journal.py   what is written down, so that a killed sort can go on and be undone?
    transfer.py  how is one file copied, moved or linked, and put back?
    sort.py      the sort, from its begin to its summary
    undo.py      the way back

Sorting depends only on `Result` values: it asks no model and reads no pixels, but for `--faces`.
"""

from pilah.sorting.bins import BINS, Bin, bin_of
from pilah.sorting.journal import SortedPhoto, claim_artifacts, read_results, record_artifact
from pilah.sorting.sort import SortOptions, Summary, plan_photos, sort_photos
from pilah.sorting.undo import Undone, undo_sort

__all__ = [
    "BINS",
    "Bin",
    "SortOptions",
    "SortedPhoto",
    "Summary",
    "Undone",
    "bin_of",
    "claim_artifacts",
    "plan_photos",
    "read_results",
    "record_artifact",
    "sort_photos",
    "undo_sort",
]
