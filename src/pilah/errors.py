"""What a user reads when something is wrong.

Every error that `pilah` raises on purpose is one line: what was received, and what to do next.
The command line prints it and exits with code 2; a program catches `PilahError`.

    PilahError
    ├── DataError       a source, a manifest, a run folder or a list of photos is not as it must be
    ├── RecipeError     a training recipe asks for something that does not exist
    ├── WeightsError    pretrained weights are missing or belong to another network
    ├── BundleError     a model file cannot be used
    ├── ImageError      one photo cannot be read (kept per photo, never ends a batch)
    ├── PhotoTypeError  a program passed something that is not a photo (also a TypeError)
    ├── VideoError      a video cannot be read, or its tracks not be written
    ├── SortError       a sort or an undo cannot start or continue
    └── MissingExtra    a part of pilah is not installed
"""


class PilahError(Exception):
    """The root of the tree; its text is a whole message for a person."""


class DataError(PilahError):
    """A source, a manifest, a run folder or a list of photos is not as it must be."""


class RecipeError(PilahError):
    """A training recipe asks for something that does not exist."""


class WeightsError(PilahError):
    """Pretrained weights are missing or belong to another network."""


class BundleError(PilahError):
    """A model file cannot be used."""


class ImageError(PilahError):
    """One photo cannot be read."""


class PhotoTypeError(PilahError, TypeError):
    """A program passed something that is not a photo: a mistake to fix in that program."""

    def __init__(self, given: str, accepted: str) -> None:
        """Say what was given and list everything that is accepted."""
        super().__init__(f"not a photo: {given}; pass {accepted}")


class VideoError(PilahError):
    """A video cannot be read, or its tracks not be written."""


class SortError(PilahError):
    """A sort or an undo cannot start or continue."""


class MissingExtra(PilahError):
    """A part of pilah is not installed; the text names the `pip install` that brings it."""

    def __init__(self, part: str, extra: str) -> None:
        """Say that `part` (what the user asked for) needs the extra `extra`."""
        super().__init__(f"{part} is not installed; run: pip install 'pilah[{extra}]'")
