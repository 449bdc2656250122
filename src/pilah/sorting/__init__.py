"""How are photos put into folders, safely?

    bins.py      which folder does a photo belong into?
    kinds.py     which files are photos, which travel with one, and what are the others?
    walk.py      which photos are meant?
    records.py   what is written down, so that a killed sort can be resumed and undone?
    journal.py   how is it written and read back?
    disk.py      what may a disk refuse, and what is the next-best way then?
    transfer.py  how is one file copied, moved or linked, and put back?
    naming.py    which name does a file get?
    placing.py   how does one photo get its place, step by step?
    crops.py     what is written of a face with `--faces`?
    again.py     which photos are new in a second run, and which are worth another try?
    sort.py      the sort, from its start to its summary (summary.py)
    plan.py      what would a sort do?
    moved.py     where is a file that a person moved by hand?
    photos.py    where is every photo now, and what did a person correct?
    origin.py    where did the photos come from, and is that place still there?
    undo.py      the way back

Sorting depends only on `Result` values: it asks no model and reads no pixels, but for `--faces`.
"""

from pilah.sorting.bins import BINS, Bin, bin_of
from pilah.sorting.photos import Crop, SortedPhoto, read_results
from pilah.sorting.plan import plan_photos
from pilah.sorting.sort import SortOptions, sort_photos
from pilah.sorting.summary import Summary
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
