"""A photo at the scales a search asks for, decoded no larger than they need."""

import time

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.faces.upright import TURNS
from pilah.images import MAX_PIXELS, read
from pilah.photo import Photo

DECODE_AT_LEAST = 1280
"""Pixels of the longer side that a large JPEG keeps at first: enough for two scales, and for the
crop of a face that takes a fifth of it."""


class Picture:
    """A photo, decoded as large as was needed so far.

    `decoding` is how many seconds that took.
    """

    def __init__(self, photo: Photo) -> None:
        """Decode it.

        Raises:
            ImageError: the photo cannot be read.
        """
        self.decoding = 0.0
        self._photo = photo
        self._image, self.size_hw = self._read(DECODE_AT_LEAST)
        self._turned: dict[int, Image.Image] = {}
        # A JPEG above the limit of pixels is never decoded at more than half of its size.
        whole = self.size_hw[0] * self.size_hw[1] <= MAX_PIXELS
        self.most_scale = 1.0 if whole else 0.5

    def with_scale(self, scale: float, rotation: int = 0) -> tuple[Image.Image, float]:
        """The photo at `scale` of its size or larger, where it has the pixels, and its scale.

        Args:
            scale: of the photo's own size, at most 1.
            rotation: by how many degrees clockwise it is rotated: 0, 90, 180 or 270.
        """
        longer = max(self.size_hw)
        needed = int(longer * min(scale, self.most_scale))
        if max(self._image.size) < needed:
            self._image, _ = self._read(needed)
            self._turned.clear()
        return self._rotated(rotation), max(self._image.size) / longer

    def at(self, scale: float) -> NDArray[np.uint8]:
        """The photo at `scale` of its size, uint8 RGB."""
        image, has = self.with_scale(scale)
        if has == scale:
            return np.asarray(image)
        height, width = (max(1, round(side * scale)) for side in self.size_hw)
        if has < scale:
            return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
        # Four samples per pixel do for the detector what a mean does, in a third of the time.
        if has >= 2 * scale:
            image = image.reduce(int(has / scale))
        image = image.resize((2 * width, 2 * height), Image.Resampling.NEAREST)
        return np.asarray(image.reduce(2))

    def _rotated(self, rotation: int) -> Image.Image:
        if rotation == 0:
            return self._image
        if rotation not in self._turned:
            self._turned[rotation] = self._image.transpose(TURNS[rotation])
        return self._turned[rotation]

    def _read(self, at_least: int) -> tuple[Image.Image, tuple[int, int]]:
        started = time.perf_counter()
        pixels = read(self._photo, at_least=at_least)
        self.decoding += time.perf_counter() - started
        return pixels.image, pixels.size_hw
