r"""How sure may one be of several frames of one face? Measured on photos of the same people.

    python studies/pooling.py celeba_identity_samples list_attr_celeba.txt list_eval_partition.txt

The first is a folder with several photos of each person, `IDENTITY_NUMBER.jpg` with CelebA's number
of the photo; the others are CelebA's own files. Of the photos of the validation part, the logits of
1, 2… 5 of one person are averaged. How alike they are (`video/pooling.py`) is what makes these
means fit the annotated labels best; it is written into `src/pilah/video/pooling.json`, for each
model of the package: run this again when one has changed. A temperature that all means share is
fitted beside it and not used: it says how CelebA differs from what a model was calibrated on, not
what several photos add. The label is what most of a person's photos are annotated with.

Photos are taken at different times. `--same` takes one photo of each person several times instead,
each moved and compressed anew, as frames of one moment are, and writes nothing.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from pilah.answers import logit_of
from pilah.evaluation.calibrate import apply_temperature, fit_temperature
from pilah.evaluation.metrics import measure
from pilah.models import model_names
from pilah.pipeline import Pilah, load
from pilah.video.pooling import MEASURED, MOST

SEED = 1
DRAWS = 4
"""How often photos are drawn of each person, for each number of photos."""

STEP = 0.01

Scores = dict[str, tuple[int, np.ndarray]]
"""Of each person the label, 0 female and 1 male, and the logit of each photo with a face."""


def main() -> None:
    """Fit, print what was measured, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="folder of IDENTITY_NUMBER.jpg")
    parser.add_argument("attributes", type=Path, help="list_attr_celeba.txt")
    parser.add_argument("partition", type=Path, help="list_eval_partition.txt")
    parser.add_argument("--same", action="store_true", help="vary one photo; write nothing")
    options = parser.parse_args()
    people = read_people(options.photos, options.attributes, options.partition)
    alike = {}
    for name in model_names():
        predictor = load(name, min_share=1, workers=1)
        described = f"{name} {predictor.info.version}"
        scores = {
            identity: (label, logits(predictor, varied(paths[0]) if options.same else paths))
            for identity, (label, paths) in track(people.items(), description=described)
        }
        alike[described] = fit(scores, described)
    if not options.same:
        MEASURED.write_text(json.dumps({"alike": alike}, indent=2) + "\n", encoding="utf-8")


def read_people(
    photos: Path, attributes: Path, partition: Path
) -> dict[str, tuple[int, list[Path]]]:
    """People of the validation part: their label and `MOST` or more photos."""
    validation = {
        name for name, part in map(str.split, partition.read_text().splitlines()) if part == "1"
    }
    _, names, *rows = attributes.read_text().splitlines()
    male = 1 + names.split().index("Male")
    labels = {fields[0]: int(fields[male] == "1") for fields in map(str.split, rows)}
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(photos.glob("*_*.jpg")):
        identity, name = path.name.split("_")
        if name in validation:
            found[identity].append(path)
    return {
        identity: (round(np.mean([labels[path.name.split("_")[1]] for path in paths])), paths)
        for identity, paths in found.items()
        if len(paths) >= MOST
    }


def logits(predictor: Pilah, photos: list[Path] | Iterator[bytes]) -> np.ndarray:
    """What the model says of each photo in which it finds a face."""
    p_male = [result.p_male for result in map(predictor.predict, photos) if result.faces]
    return logit_of(p_male)


def varied(path: Path) -> Iterator[bytes]:
    """One photo as frames of a moment show it: moved by some pixels, compressed anew."""
    random = np.random.default_rng(SEED)
    image = Image.open(path).convert("RGB")
    for _ in range(MOST):
        left, top = (int(pixels) for pixels in random.integers(0, 9, 2))
        file = BytesIO()
        moved = image.crop((left, top, image.width - 8 + left, image.height - 8 + top))
        moved.save(file, "JPEG", quality=int(random.integers(40, 90)))
        yield file.getvalue()


def fit(scores: Scores, described: str) -> float:
    """How alike photos are, 0 to 1, and a table of what each way of pooling them would give."""
    number, mean, label = drawn(scores)

    def probabilities(alike: float) -> np.ndarray:
        return 1 / (1 + np.exp(-mean * number / (1 + (number - 1) * alike)))

    def loss(alike: float) -> float:
        p_male = probabilities(alike)
        return measure(apply_temperature(p_male, fit_temperature(p_male, label)), label).loss

    best = round(min(np.arange(0, 1 + STEP / 2, STEP), key=loss), 2)
    temperature = fit_temperature(probabilities(best), label)
    print(f"{described}: {len(scores)} people, alike {best}, temperature {temperature:.2f}")
    for photos in range(1, MOST + 1):
        few = number == photos
        ways = {"as one": probabilities(1)[few], "added up": probabilities(0)[few]}
        ways["pooled"] = probabilities(best)[few]
        measured = {name: measure(p_male, label[few]) for name, p_male in ways.items()}
        print(
            f"  {photos} photos: {measured['pooled'].accuracy.value:.2%} right; calibration error",
            ", ".join(f"{numbers.ece:.4f} {name}" for name, numbers in measured.items()),
        )
    return best


def drawn(scores: Scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photos drawn of each person: how many, the mean of their logits, the label; each (N,)."""
    random = np.random.default_rng(SEED)
    rows = [
        (number, random.choice(found, number, replace=False).mean(), label)
        for number in range(1, MOST + 1)
        for label, found in scores.values()
        for _ in range(DRAWS)
        if len(found) >= number
    ]
    numbers, means, labels = map(np.array, zip(*rows, strict=True))
    return numbers, means, labels


if __name__ == "__main__":
    main()
