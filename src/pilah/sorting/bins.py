"""Which folder does a photo belong into?

| the photo                                    | bin          |
|----------------------------------------------|--------------|
| could not be read                            | `unreadable` |
| has no face                                  | `no_face`    |
| has a face whose label is unsure             | `unsure`     |
| has clear faces of both labels               | `mixed`      |
| has clear faces of one label only            | that label   |

By the main face, only the largest face is looked at, so no photo is `mixed`.
"""

from typing import Literal, get_args

from pilah.types import Face, Result

Bin = Literal["female", "male", "mixed", "unsure", "no_face", "unreadable"]
By = Literal["faces", "main"]

BINS: tuple[Bin, ...] = get_args(Bin)
"""Every bin, in the order in which counts are shown."""


def bin_of(result: Result, *, by: By = "faces") -> Bin:
    """The bin of a photo, looking at all its faces or only at the main (largest) one."""
    if result.error is not None:
        return "unreadable"
    if not result.faces:
        return "no_face"
    return bin_of_faces(result.faces[:1] if by == "main" else result.faces)


def bin_of_faces(faces: tuple[Face, ...]) -> Bin:
    """The bin of one or more faces."""
    labels = {face.label for face in faces}
    if None in labels:
        return "unsure"
    if len(labels) == 2:
        return "mixed"
    return "female" if "female" in labels else "male"
