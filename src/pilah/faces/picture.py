"""A photo at the scales a search asks for, decoded no larger than they need."""

import time

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.images import MAX_PIXELS, Photo, Pixels, read

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
        self._pixels = self._read(DECODE_AT_LEAST)
        self.size_hw = self._pixels.size_hw
        # A JPEG above the limit of pixels is never decoded at more than half of its size.
        whole = self.size_hw[0] * self.size_hw[1] <= MAX_PIXELS
        self.most_scale = 1.0 if whole else 0.5

    def with_scale(self, scale: float) -> tuple[NDArray[np.uint8], float]:
        """Pixels at `scale` of the photo's size or larger, where it has them, and their scale."""
        longer = max(self.size_hw)
        needed = int(longer * min(scale, self.most_scale))
        if max(self._pixels.image_rgb.shape[:2]) < needed:
            self._pixels = self._read(needed)
        return self._pixels.image_rgb, max(self._pixels.image_rgb.shape[:2]) / longer

    def at(self, scale: float) -> NDArray[np.uint8]:
        """The photo at `scale` of its size, uint8 RGB."""
        image_rgb, has = self.with_scale(scale)
        if has == scale:
            return image_rgb
        height, width = (max(1, round(side * scale)) for side in self.size_hw)
        image = Image.fromarray(image_rgb)
        if has < scale:
            return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
        # Four samples per pixel do for the detector what a mean does, in a third of the time.
        if has >= 2 * scale:
            image = image.reduce(int(has / scale))
        image = image.resize((2 * width, 2 * height), Image.Resampling.NEAREST)
        return np.asarray(image.reduce(2))

    def _read(self, at_least: int) -> Pixels:
        started = time.perf_counter()
        pixels = read(self._photo, at_least=at_least)
        self.decoding += time.perf_counter() - started
        return pixels
