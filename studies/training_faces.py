r"""Write the CSV of faces that the shipped models and the study's starts are trained on.

    python studies/training_faces.py data/faces.csv --celeba data/celeba --fairface data/fairface \
        --utkface data/utkface \
        --without data/study/manifest.csv photos/single.csv utkface_reserved.txt
    pilah prepare data/faces.csv --to data/faces --split official

CelebA's folder holds its own files; its official train and validation parts are taken, of a person
in its train part no more images than `--per-person` says. FairFace's folder holds
`fairface_label_train.csv` and the images that it names; of its train part 2,500 images are kept for
validation. UTKFace's holds its files, whose names begin with age, gender and race; of copies one is
taken, none where they contradict each other, and of every ten photos one is kept for validation.
Each may be left out. No part that is for testing is touched: neither CelebA's official test part
nor FairFace's validation part, nor, where that lies in `val` beside `train`, a copy of one of its
photos. Nor is anyone whose photo a file after `--without` names, so that these can be tests too: a
CSV, of a manifest its validation and test parts and copies of their photos, or a list of names. Of
CelebA that is every photo of a person, of UTKFace every copy of a photo.

With `--weigh`, training lets women and men of each race and age in FairFace count more alike, so
that age is less of a hint (its old people are mostly men, its teenagers mostly women), and faces of
the races that `--harder` names, at which the models before erred most, count more. The balance is
raised to the power `--balance`: all of it (1) made a network lean to female, its root (0.5) does
not. Other faces count 1.
"""

import argparse
import csv
import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

Row = dict[str, object]

MALE = 21
PARTS = {"0": "train", "1": "validation"}
FAIRFACE_HELD_OUT = 2500
UTKFACE_HELD_OUT = 10
"""Of so many photos, one is for validation."""

UTKFACE_RACES = {"0": "White", "1": "Black", "2": "Asian", "3": "Indian", "4": "Other"}
MOST_FOR_BALANCE = 2.0  # so that a few faces of a rare kind do not dominate


def main() -> None:
    """Write `path,label,identity,source,race,split` rows, and `weight` where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, help="the CSV to write")
    parser.add_argument("--celeba", type=Path, help="folder with CelebA's own files")
    parser.add_argument(
        "--per-person", type=int, help="CelebA images of a person in its train part"
    )
    parser.add_argument("--fairface", type=Path, help="folder with FairFace's train part")
    parser.add_argument("--utkface", type=Path, help="folder of UTKFace's files")
    parser.add_argument(
        "--without", type=Path, nargs="*", default=[], help="files that name what is held out"
    )
    parser.add_argument("--weigh", action="store_true", help="write the column weight too")
    parser.add_argument("--balance", type=float, default=0.5, help="how much of it: 0 to 1")
    parser.add_argument("--harder", nargs="*", default=["Black=1.5"], metavar="RACE=FACTOR")
    options = parser.parse_args()
    columns = ["path", "label", "identity", "source", "race", "split"]
    columns += ["weight"] if options.weigh else []
    held_out = {name for path in options.without for name in _names(path)}
    known = set(_columns(options.celeba / "identity_CelebA.txt")) if options.celeba else set()
    known |= {path.name for path in options.utkface.iterdir()} if options.utkface else set()
    if unknown := held_out - known:
        parser.error(
            f"--without names {min(unknown)}, which is in no folder given; check the files"
        )
    with options.target.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        if options.celeba:
            rows = _celeba(options.celeba.absolute(), held_out)
            writer.writerows(_few_a_person(rows, options.per_person))
        if options.fairface:
            harder = dict(word.split("=") for word in options.harder)
            writer.writerows(fairface(options.fairface.absolute(), options.balance, harder))
        if options.utkface:
            writer.writerows(utkface(options.utkface.absolute(), held_out))


def _celeba(folder: Path, held_out: set[str]) -> Iterator[Row]:
    identity = _columns(folder / "identity_CelebA.txt")
    part = _columns(folder / "list_eval_partition.txt")
    excluded = {identity[name] for name in held_out & identity.keys()}
    for name, *values in map(
        str.split, (folder / "list_attr_celeba.txt").read_text().splitlines()[2:]
    ):
        if part[name] in PARTS and identity[name] not in excluded:
            label = "male" if values[MALE - 1] == "1" else "female"
            image = (folder / "img_align_celeba" / name).resolve()
            yield {
                "path": image,
                "label": label,
                "identity": f"c{identity[name]}",
                "source": "celeba",
                "split": PARTS[part[name]],
                "weight": 1,
            }


def _few_a_person(rows: Iterator[Row], most: int | None) -> Iterator[Row]:
    taken = Counter[object]()
    for row in rows:
        taken[row["identity"]] += 1
        if row["split"] != "train" or most is None or taken[row["identity"]] <= most:
            yield row


def fairface(folder: Path, power: float, harder: dict[str, str]) -> Iterator[Row]:
    """The rows of FairFace's train part; `power` and `harder` make the weights."""
    with (folder / "fairface_label_train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    held_out = set(random.Random(1).sample(range(len(rows)), FAIRFACE_HELD_OUT))
    reported = {_digest(path) for path in (folder / "val").glob("*.jpg")}
    people = Counter((row["race"], row["age"]) for row in rows)
    of_gender = Counter((row["race"], row["age"], row["gender"]) for row in rows)
    for index, row in enumerate(rows):
        path = folder / row["file"]
        if reported and path.is_file() and _digest(path) in reported:
            continue
        race, age, gender = row["race"], row["age"], row["gender"]
        balance = people[race, age] / 2 / of_gender[race, age, gender]
        weight = round(min(balance, MOST_FOR_BALANCE) ** power * float(harder.get(race, 1)), 3)
        yield {
            "path": path,
            "label": gender.lower(),
            "source": "fairface",
            "race": race,
            "age": age,
            "split": "validation" if index in held_out else "train",
            "weight": weight,
        }


def utkface(folder: Path, held_out: set[str]) -> Iterator[Row]:
    """The rows of UTKFace that no held out photo is a copy of."""
    copies = defaultdict(list)
    for path in sorted(folder.glob("*_*_*.jpg")):
        copies[_digest(path)].append(path)
    for digest, paths in sorted(copies.items()):
        told = [path.name.split("_") for path in paths]
        genders = {words[1] for words in told}
        if held_out.isdisjoint(path.name for path in paths) and genders in ({"0"}, {"1"}):
            age, _, race, *_ = told[0]
            yield {
                "path": paths[0],
                "label": "male" if genders == {"0"} else "female",
                "source": "utkface",
                "race": UTKFACE_RACES.get(race, ""),
                "age": age,
                "split": "train" if int(digest, 16) % UTKFACE_HELD_OUT else "validation",
                "weight": 1,
            }


def _names(path: Path) -> list[str]:
    """File names of the photos that are held out: of a list, or of a CSV's `path` or `file`."""
    if path.suffix == ".txt":
        return path.read_text().split()
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    path_of = [row.get("path") or row["file"] for row in rows]
    held_out = {
        photo
        for photo, row in zip(path_of, rows, strict=True)
        if row.get("split", "test") in ("validation", "test")
    }
    # A copy has no split of its own, and in CelebA a number of its own: of another person
    return [
        Path(photo).name
        for photo, row in zip(path_of, rows, strict=True)
        if photo in held_out or row.get("duplicate_of") in held_out
    ]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _columns(path: Path) -> dict[str, str]:
    return dict(line.split() for line in path.read_text().splitlines())


if __name__ == "__main__":
    main()
