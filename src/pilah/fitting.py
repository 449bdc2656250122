"""Which Frame goes with which detector, learnt from ready training crops."""

from collections.abc import Iterable
from pathlib import Path

from pilah.detector import installed
from pilah.errors import DataError, ImageError
from pilah.framing import fit_frame
from pilah.images import load
from pilah.types import Box, Frame


def fit_frames(crop_paths: Iterable[Path]) -> dict[str, Frame]:
    """Fit a Frame for every installed detector.

    Args:
        crop_paths: ready face crops of one size, as the model is trained on; a few hundred do.

    Returns:
        A Frame a detector name.

    Raises:
        DataError: the crops differ in size, or a detector finds fewer than half of their faces.
    """
    detectors = list(installed())
    boxes: dict[str, list[Box]] = {detector.name: [] for detector in detectors}
    sizes: set[tuple[int, int]] = set()
    count = 0
    for path in crop_paths:
        try:
            image_rgb = load(path)
        except ImageError:
            continue
        count += 1
        sizes.add((image_rgb.shape[0], image_rgb.shape[1]))
        for detector in detectors:
            boxes[detector.name] += [face.box for face in detector.detect(image_rgb)[:1]]
    if len(sizes) != 1:
        raise DataError(
            f"the crops that show the frame have {len(sizes)} sizes; give a manifest of readable "
            "crops of one size with --frame-from"
        )
    for name, found in boxes.items():
        if 2 * len(found) < count:
            raise DataError(f"{name} finds {len(found)} faces in {count} crops; give face crops")
    size_hw = sizes.pop()
    return {name: fit_frame(found, size_hw) for name, found in boxes.items()}
