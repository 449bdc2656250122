"""Pixels of any mode become sRGB, by their colour profile where they have one."""

from functools import lru_cache
from io import BytesIO
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The colour space of a profile, as ICC names it, and Pillow's mode of such pixels."""

_UNSEEN = 2
"""A profile that changes no colour by more than this is sRGB already, but for rounding."""


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture in mode RGB, sRGB, what is transparent over white; itself if it is that already.

    A profile that is damaged, or of another kind of pixels, is ignored.
    """
    opaque = _to_eight_bits(image)
    alpha = _alpha(opaque) if opaque.has_transparency_data else None
    if alpha is not None and image.format in ("BMP", "DIB") and alpha.getextrema() == (0, 0):
        alpha = None  # a BMP whose fourth byte is not in use
    image_rgb = _without_alpha(opaque, image.info.get("icc_profile"))
    if alpha is None:
        return image_rgb
    image_rgba = image_rgb.copy()
    image_rgba.putalpha(alpha)
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image_rgba).convert("RGB")


def _alpha(image: Image.Image) -> Image.Image:
    return image.convert("RGBA").getchannel("A")


def _without_alpha(image: Image.Image, profile: object) -> Image.Image:
    grey = image.mode in ("1", "L", "LA")
    modes = ("L", "RGB") if grey else ("CMYK",) if image.mode == "CMYK" else ("RGB",)
    if isinstance(profile, bytes) and image.mode != "LAB":
        for mode in modes:
            transform = _transform(profile, mode)
            if transform is not None:
                return transform.apply(image.convert(mode))
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From pixels of a mode to sRGB; None where that changes nothing or cannot be."""
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        if _SPACES.get(opened.profile.xcolor_space.strip()) != mode:
            return None
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        # without its cache of one pixel, threads can share a transform
        transform = ImageCms.ImageCmsTransform(
            opened, srgb, mode, "RGB", flags=ImageCms.Flags.NOCACHE
        )
        before = _samples(mode)
        after = np.asarray(transform.apply(before), np.int16)
    except Exception:  # of LittleCMS, about whatever a damaged profile holds
        return None
    change = np.abs(after - np.asarray(before.convert("RGB"), np.int16)).max()
    return None if change <= _UNSEEN else transform


def _samples(mode: str) -> Image.Image:
    """Colours all over the space, one pixel each."""
    bands = len(mode)
    colours = np.array(list(product(range(0, 256, 51), repeat=bands)), np.uint8)
    return Image.frombytes(mode, (len(colours), 1), colours.tobytes())


def _to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(_scaled(np.asarray(image, np.float64)))
    unmultiplied = {"La": "LA", "RGBa": "RGBA"}.get(image.mode)
    return image.convert(unmultiplied) if unmultiplied else image


def _scaled(grey: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Scale by the smallest usual full scale (1, 8, 16 or 32 bits) that holds every value."""
    grey = np.nan_to_num(grey, posinf=0.0, neginf=0.0)
    full = next((full for full in (1.0, 255.0, 65535.0) if grey.max() <= full), grey.max())
    return np.clip(grey * (255 / full), 0, 255).round().astype(np.uint8)
