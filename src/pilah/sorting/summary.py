"""What did a sort come to?"""

from collections import Counter
from dataclasses import dataclass, field

from pilah.sorting.bins import BINS, Bin
from pilah.sorting.photos import SortedPhoto
from pilah.sorting.walk import Found


@dataclass(frozen=True, slots=True)
class Summary:
    """What a sort (all runs of it together) came to.

    `counts` are photos by the folder they lie in, crops with `--faces`; `photos` is how many there
    are. `failed` are the unreadable ones and `not_placed` those that could be read but not be put
    into the target, each with the reason. `corrected` counts those that a person moved by hand.
    `added` is how many photos this run dealt with, `skipped` how many files it left out by kind
    (`kinds.py`), `videos` the first of the videos among them, `earlier` the folders it left out
    because pilah made them.
    """

    counts: dict[Bin, int]
    photos: int
    failed: tuple[tuple[str, str], ...]
    not_placed: tuple[tuple[str, str], ...]
    corrected: int
    added: int
    skipped: dict[str, int]
    videos: tuple[str, ...]
    earlier: tuple[str, ...]

    @property
    def ignored(self) -> int:
        """How many files were left out."""
        return sum(self.skipped.values())


@dataclass(slots=True)
class Counting:
    """Counts photos as they stream by, for a `Summary`."""

    counts: Counter[Bin] = field(default_factory=Counter)
    photos: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    not_placed: list[tuple[str, str]] = field(default_factory=list)
    corrected: int = 0

    def add(self, photo: SortedPhoto) -> None:
        """Count one photo."""
        self.photos += 1
        self.corrected += photo.corrected
        self.counts.update(photo.folders)
        if photo.not_placed is not None:
            self.not_placed.append((photo.source, photo.not_placed))
        elif photo.bin == "unreadable" and not photo.corrected:
            self.failed.append((photo.source, photo.result.error or ""))

    def summary(self, found: Found, added: int) -> Summary:
        """The whole."""
        return Summary(
            {bin: self.counts[bin] for bin in BINS},
            self.photos,
            tuple(self.failed),
            tuple(self.not_placed),
            self.corrected,
            added,
            dict(found.skipped),
            tuple(found.videos),
            tuple(found.earlier),
        )
