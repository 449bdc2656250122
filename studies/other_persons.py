"""Write a CSV of CelebA faces to learn a start from: persons that another set does not show.

    python studies/other_persons.py data/celeba data/celeba5017/identity_CelebA.txt data/start.csv
    pilah prepare data/start.csv --to data/start --split identity --fractions 0.95/0.05/0
    pilah train data/start/manifest.csv --recipe studies/resnet50_v2_faces.toml

The first folder holds CelebA's own files. Only its official train and validation parts are taken;
whoever the second file names, a later test may show, so none of them is.
"""

import csv
import sys
from pathlib import Path

VALIDATION, MALE = 1, 21


def main(celeba: Path, others: Path, target: Path) -> None:
    """Write `path,label,identity` rows to `target`."""
    identity = _columns(celeba / "identity_CelebA.txt")
    part = _columns(celeba / "list_eval_partition.txt")
    excluded = set(_columns(others).values())
    attributes = (celeba / "list_attr_celeba.txt").read_text().splitlines()[2:]
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "identity"])
        for name, *values in map(str.split, attributes):
            if int(part[name]) <= VALIDATION and identity[name] not in excluded:
                path = (celeba / "img_align_celeba" / name).resolve()
                label = "male" if values[MALE - 1] == "1" else "female"
                writer.writerow([path, label, identity[name]])


def _columns(path: Path) -> dict[str, str]:
    return dict(line.split() for line in path.read_text().splitlines())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
