"""Sort photos of women and men into folders, safely.

pilah.load().predict("photo.jpg").label      # "female", "male", or None when unsure
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pilah.errors import PilahError
from pilah.types import Box, Face, Label, Result

if TYPE_CHECKING:
    from pilah.pipeline import Pilah, load

__all__ = ["Box", "Face", "Label", "Pilah", "PilahError", "Result", "load"]

__version__ = version("pilah")


def __getattr__(name: str) -> Any:
    """Import what needs ONNX Runtime only when it is asked for."""
    if name in ("Pilah", "load"):
        from pilah import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'pilah' has no attribute {name!r}")
