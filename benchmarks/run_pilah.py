"""What `bench.py` asks of pilah; alone of use to it."""

import json
import sys
from pathlib import Path

import pilah

SHARES = {"sort": 0.5, "predict": 0.0, "crops": 0.0}


def main() -> None:
    """Answer all photos once, so that each worker has its model; then each time a line comes."""
    paths = Path(sys.argv[1]).read_text().splitlines()
    crops = sys.argv[2] == "crops"
    model = pilah.load(min_share=SHARES[sys.argv[2]])
    list(model.predict_many(paths, crops=crops))
    print("ready", flush=True)
    for _ in sys.stdin:
        results = model.predict_many(paths, crops=crops)
        print(json.dumps([answer(result) for result in results]), flush=True)
    model.close()


def answer(result: pilah.Result) -> str | None:
    """The likelier label of the largest face, None where none is found."""
    return ("male" if result.faces[0].p_male >= 0.5 else "female") if result.faces else None


if __name__ == "__main__":
    main()
