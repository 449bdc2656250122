"""How are photos put into folders, safely?

    bins.py      which folder does a photo belong into?
    walk.py      which photos are meant?
    records.py   what is written down, so that a killed sort can go on and be undone?
    journal.py   how is it written and read back?
    transfer.py  how is one file copied, moved or linked, and put back?
    placing.py   how does one photo get its place, step by step?
    crops.py     what is written of a face with `--faces`?
    sort.py      the sort, from its begin to its summary
    undo.py      the way back

Sorting depends only on `Result` values: it asks no model and reads no pixels, but for `--faces`.
"""

from pilah.sorting.bins import BINS, Bin, bin_of
from pilah.sorting.photos import Crop, SortedPhoto, read_results
from pilah.sorting.plan import plan_photos
from pilah.sorting.sort import SortOptions, Summary, sort_photos
from pilah.sorting.undo import Undone, undo_sort

__all__ = [
    "BINS",
    "Bin",
    "Crop",
    "SortOptions",
    "SortedPhoto",
    "Summary",
    "Undone",
    "bin_of",
    "plan_photos",
    "read_results",
    "sort_photos",
    "undo_sort",
]
