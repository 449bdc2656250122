"""Faces in words, for captions and for screen readers."""

from collections import Counter

from pilah.app.language import text, words
from pilah.types import Face, Result

NAMED_FACES = 4
"""More faces than these are counted instead of named one by one."""


def faces_in_words(result: Result) -> str:
    """The labels of a photo's faces, from left to right: `2 faces: female 99%, male 97%`."""
    if result.error is not None:
        return text("bin.unreadable")
    faces = sorted(result.faces, key=lambda face: face.box.left)
    if not faces:
        return text("bin.no_face")
    if len(faces) > NAMED_FACES:
        counts = Counter(face.label or "unsure" for face in faces)
        parts = [f"{text(f'label.{kind}')} {words().number(n)}" for kind, n in counts.items()]
    else:
        parts = list(map(face_in_words, faces))
    said = ", ".join(parts)
    if len(faces) == 1:
        return said
    return text("spoken.faces", number=words().number(len(faces)), faces=said)


def face_in_words(face: Face) -> str:
    """A face's label and the model's confidence: `female 99%`."""
    label = face.label or "unsure"
    return f"{text(f'label.{label}')} {words().confidence(face.confidence, digits=0)}"
