"""Every photo of a sort, counted once as it streams by; memory does not grow with their number."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pilah.report.rates import ClearFaces
from pilah.sorting.bins import BINS
from pilah.sorting.photos import SortedPhoto
from pilah.types import Face

CONFIDENCE_STEPS = 25
"""Columns of the confidence histogram, from 0.5 to 1."""

MAX_UNSURE_SHOWN = 60
MAX_UNREADABLE_SHOWN = 500


def _empty_histogram() -> dict[str, list[int]]:
    return {answer: [0] * CONFIDENCE_STEPS for answer in ("female", "male", "unsure")}


@dataclass(slots=True)
class Tally:
    """Counts over photos and faces, and the first photos of those that a person should look at.

    Counts and labels are as a person corrected them. `bins` counts what lies in each folder:
    photos, or crops with `--faces` (`of_crops`). `no_face`, `failed` and `not_placed` count photos
    without a face, unreadable ones, and those that could be read but not be put into the folder;
    the lists `unreadable` and `unplaced` name the first of them. `skipped` is how many files were
    left out by kind, in words, `videos` the first videos among them. `min_confidence` is the
    threshold at which the model's error rates were measured; `other_threshold` turns true at the
    first face that was answered by another one. `confidence` holds a histogram for each answer.
    """

    min_confidence: float
    of_crops: bool = False
    skipped: str = ""
    videos: Sequence[str] = ()
    photos: int = 0
    corrected: int = 0
    no_face: int = 0
    failed: int = 0
    not_placed: int = 0
    bins: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(BINS, 0)))
    faces: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("female", "male", "unsure"), 0)
    )
    clear: ClearFaces = field(default_factory=ClearFaces)
    confidence: dict[str, list[int]] = field(default_factory=_empty_histogram)
    other_threshold: bool = False
    unsure: list[SortedPhoto] = field(default_factory=list)
    unreadable: list[SortedPhoto] = field(default_factory=list)
    unplaced: list[SortedPhoto] = field(default_factory=list)

    def add(self, photo: SortedPhoto) -> None:
        """Count one photo."""
        self.photos += 1
        self.corrected += photo.corrected
        self.bins.update(photo.folders)
        for face in photo.faces:
            self._add_face(face, by_model=not photo.corrected)
        women, men, _ = face_counts(photo.faces)
        self.clear.add(women=women, men=men)
        self._note(photo)

    def _note(self, photo: SortedPhoto) -> None:
        """Count and name what has no clear answer."""
        if "unsure" in photo.folders and len(self.unsure) < MAX_UNSURE_SHOWN:
            self.unsure.append(photo)
        if photo.not_placed is not None:
            self.not_placed += 1
            if len(self.unplaced) < MAX_UNREADABLE_SHOWN:
                self.unplaced.append(photo)
        elif photo.bin == "unreadable" and not photo.corrected:
            self.failed += 1
            if len(self.unreadable) < MAX_UNREADABLE_SHOWN:
                self.unreadable.append(photo)
        elif photo.folder == "no_face" or (photo.crops == () and photo.bin == "no_face"):
            self.no_face += 1

    def _add_face(self, face: Face, *, by_model: bool) -> None:
        answer = face.label or "unsure"
        self.faces[answer] += 1
        step = min(CONFIDENCE_STEPS - 1, int((face.confidence - 0.5) * 2 * CONFIDENCE_STEPS))
        self.confidence[answer][step] += 1
        if by_model and (face.label is None) != (face.confidence < self.min_confidence):
            self.other_threshold = True

    def to_json(self) -> dict[str, Any]:
        """The counts, for machines."""
        return {
            "photos": self.photos,
            "bins": dict(self.bins),
            "faces": self.faces,
            "corrected": self.corrected,
            "not_placed": self.not_placed,
        }


def face_counts(faces: tuple[Face, ...]) -> tuple[int, int, int]:
    """How many faces of a photo are labelled female, labelled male, and unsure."""
    labels = [face.label for face in faces]
    return labels.count("female"), labels.count("male"), labels.count(None)
