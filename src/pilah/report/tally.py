"""Every photo of a sort, counted once as it streams by; memory does not grow with their number."""

from dataclasses import dataclass, field
from typing import Any

from pilah.report.rates import ClearFaces
from pilah.sorting import BINS, SortedPhoto
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

    `min_confidence` is the threshold at which the model's error rates were measured.
    `other_threshold` turns true at the first face that was answered by another one. `confidence`
    holds a histogram for each answer.
    """

    min_confidence: float
    bins: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BINS, 0))
    faces: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("female", "male", "unsure"), 0)
    )
    clear: ClearFaces = field(default_factory=ClearFaces)
    confidence: dict[str, list[int]] = field(default_factory=_empty_histogram)
    other_threshold: bool = False
    unsure: list[SortedPhoto] = field(default_factory=list)
    unreadable: list[SortedPhoto] = field(default_factory=list)

    @property
    def photos(self) -> int:
        """How many photos were counted."""
        return sum(self.bins.values())

    def add(self, photo: SortedPhoto) -> None:
        """Count one photo."""
        self.bins[photo.bin] += 1
        for face in photo.result.faces:
            self._add_face(face)
        women, men, _ = face_counts(photo.result.faces)
        self.clear.add(women=women, men=men)
        if photo.bin == "unsure" and len(self.unsure) < MAX_UNSURE_SHOWN:
            self.unsure.append(photo)
        if photo.bin == "unreadable" and len(self.unreadable) < MAX_UNREADABLE_SHOWN:
            self.unreadable.append(photo)

    def _add_face(self, face: Face) -> None:
        answer = face.label or "unsure"
        self.faces[answer] += 1
        step = min(CONFIDENCE_STEPS - 1, int((face.confidence - 0.5) * 2 * CONFIDENCE_STEPS))
        self.confidence[answer][step] += 1
        if (face.label is None) != (face.confidence < self.min_confidence):
            self.other_threshold = True

    def to_json(self) -> dict[str, Any]:
        """The counts, for machines."""
        return {"photos": self.photos, "bins": self.bins, "faces": self.faces}


def face_counts(faces: tuple[Face, ...]) -> tuple[int, int, int]:
    """How many faces of a photo are labelled female, labelled male, and unsure."""
    labels = [face.label for face in faces]
    return labels.count("female"), labels.count("male"), labels.count(None)
