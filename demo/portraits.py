"""Write a handful of photos to try pilah on: `python demo/portraits.py FOLDER [LABELS.csv]`.

Nothing is downloaded. Two NASA and US Navy portraits in the public domain come inside installed
packages: Eileen Collins in scikit-image, Grace Hopper in matplotlib. The others are made from them,
but for a cup of coffee, which has no face.
"""

import sys
from pathlib import Path

import skimage.data
from PIL import Image, ImageOps

from pilah.app.samples import sample_photos


def portraits() -> dict[str, Image.Image]:
    """The two portraits, by whose they are."""
    found = sample_photos()
    return {name: Image.open(found[name]).convert("RGB") for name in sorted(found)}


def write_photos(folder: Path) -> list[Path]:
    """Write eight photos into `folder`, which may exist; return the six that show one person."""
    collins, hopper = portraits().values()
    photos = {
        "collins.png": collins,
        "collins_mirrored.jpg": ImageOps.mirror(collins),
        "collins_grey.jpg": ImageOps.grayscale(collins),
        "hopper.jpg": hopper,
        "hopper_mirrored.webp": ImageOps.mirror(hopper),
        "hopper_small.png": ImageOps.contain(hopper, (200, 200)),
        "both.jpg": _beside(collins, hopper),
        "coffee.jpg": Image.fromarray(skimage.data.coffee()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, photo in photos.items():
        photo.save(folder / name)
    of_one = [name for name in photos if name not in ("both.jpg", "coffee.jpg")]
    return [folder / name for name in of_one]


def write_labels(photos: list[Path], to: Path) -> None:
    """Write a CSV of the photos and their label, for `make bench`."""
    to.write_text(
        "\n".join(["path,label", *(f"{path.absolute()},female" for path in photos)]) + "\n"
    )


def _beside(left: Image.Image, right: Image.Image) -> Image.Image:
    right = ImageOps.contain(right, (right.width, left.height))
    both = Image.new("RGB", (left.width + right.width, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    return both


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python demo/portraits.py FOLDER [LABELS.csv]")
    of_one_person = write_photos(Path(sys.argv[1]))
    if len(sys.argv) == 3:
        write_labels(of_one_person, Path(sys.argv[2]))
    print(f"Eight photos written to {sys.argv[1]}")
