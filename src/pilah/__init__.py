"""Tells photos of women from photos of men and sorts them, safely."""

from importlib.metadata import version

from pilah.errors import PilahError
from pilah.types import Box, Face, Label, Result

__all__ = ["Box", "Face", "Label", "PilahError", "Result"]

__version__ = version("pilah")
