"""studies/training_faces.py: whom the shipped models learn from, and whom they never see."""

import csv
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "studies" / "training_faces.py"


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    """Ten images of each of four persons, numbered on; the last person is in the test part."""
    folder = tmp_path / "celeba"
    folder.mkdir()
    names = [f"{number:06}.jpg" for number in range(1, 41)]
    person = dict(zip(names, [name for name in "1234" for _ in range(10)], strict=True))
    part = {"1": "0", "2": "0", "3": "1", "4": "2"}
    (folder / "identity_CelebA.txt").write_text("".join(f"{n} {person[n]}\n" for n in names))
    (folder / "list_eval_partition.txt").write_text(
        "".join(f"{n} {part[person[n]]}\n" for n in names)
    )
    attributes = " ".join(f"attribute{number}" for number in range(40))
    values = {
        n: " ".join(["-1"] * 20 + ["1" if person[n] == "2" else "-1"] + ["-1"] * 19) for n in names
    }
    (folder / "list_attr_celeba.txt").write_text(
        f"40\n{attributes}\n" + "".join(f"{n} {values[n]}\n" for n in names)
    )
    return folder


@pytest.fixture
def fairface(tmp_path: Path) -> Path:
    """5,000 rows: of old white people three in four are men, of young black people one in two."""
    folder = tmp_path / "fairface"
    folder.mkdir()
    with (folder / "fairface_label_train.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "age", "gender", "race"])
        for number in range(1, 5001):
            old = number > 2500
            male = number % 4 != 0 if old else number % 2 == 0
            writer.writerow(
                [
                    f"train/{number}.jpg",
                    "60-69" if old else "20-29",
                    "Male" if male else "Female",
                    "White" if old else "Black",
                ]
            )
    return folder


def rows(*arguments: object, target: Path) -> list[dict[str, str]]:
    command = [sys.executable, SCRIPT, target, *arguments]
    subprocess.run([str(word) for word in command], check=True)
    with target.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_test_part_and_held_out_persons_are_never_listed(celeba: Path, tmp_path: Path) -> None:
    target = tmp_path / "faces.csv"
    found = rows("--celeba", celeba, target=target)
    assert Counter((row["identity"], row["label"], row["split"]) for row in found) == {
        ("c1", "female", "train"): 10,
        ("c2", "male", "train"): 10,
        ("c3", "female", "validation"): 10,
    }
    assert "weight" not in found[0]

    single = tmp_path / "single.csv"
    single.write_text("file,gender\nsingle/000011.jpg,male\n")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path,split\n/a/000001.jpg,train\n/a/000021.jpg,validation\n")
    without = ("--without", single, manifest)
    few = rows("--celeba", celeba, "--per-person", 3, *without, target=target)
    assert [row["identity"] for row in few] == ["c1"] * 3


def test_whoever_a_copy_of_a_held_out_photo_shows_is_held_out(celeba: Path, tmp_path: Path) -> None:
    """The same photo under two of CelebA's numbers, of which one is another person's."""
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(
        "path,split,duplicate_of\n/a/000001.jpg,test,\n/a/000011.jpg,,/a/000001.jpg\n"
        "/a/000002.jpg,train,\n/a/000021.jpg,,/a/000002.jpg\n"
    )
    found = rows("--celeba", celeba, "--without", manifest, target=tmp_path / "faces.csv")
    assert {row["identity"] for row in found} == {"c3"}


def test_a_copy_of_a_photo_of_fairfaces_validation_part_is_never_listed(
    fairface: Path, tmp_path: Path
) -> None:
    (fairface / "train").mkdir()
    for number in range(1, 5001):
        (fairface / f"train/{number}.jpg").write_text(str(number))
    (fairface / "val").mkdir()
    (fairface / "val/1.jpg").write_text("4321")
    found = rows("--fairface", fairface, target=tmp_path / "faces.csv")
    listed = {int(Path(row["path"]).stem) for row in found}
    assert listed == set(range(1, 5001)) - {4321}


def test_weights_let_women_and_men_of_an_age_count_more_alike(
    fairface: Path, tmp_path: Path
) -> None:
    found = rows("--fairface", fairface, "--weigh", target=tmp_path / "faces.csv")
    assert Counter(row["split"] for row in found) == {"train": 2500, "validation": 2500}
    count = Counter((row["race"], row["label"]) for row in found)
    total: dict[tuple[str, str], float] = defaultdict(float)
    for row in found:
        total[row["race"], row["label"]] += float(row["weight"])
    in_number = count["White", "male"] / count["White", "female"]
    in_weight = total["White", "male"] / total["White", "female"]
    assert in_number == 3
    assert in_weight == pytest.approx(in_number**0.5, rel=1e-3)
    assert total["Black", "female"] == pytest.approx(total["Black", "male"], rel=1e-3)
    assert total["Black", "male"] == pytest.approx(1.5 * count["Black", "male"], rel=1e-3)

    options = ("--weigh", "--balance", 1, "--harder", "Black=2")
    alike = rows("--fairface", fairface, *options, target=tmp_path / "alike.csv")
    total.clear()
    for row in alike:
        total[row["race"], row["label"]] += float(row["weight"])
    assert total["White", "male"] == pytest.approx(total["White", "female"], rel=1e-3)
    assert total["Black", "male"] == pytest.approx(2 * count["Black", "male"], rel=1e-3)


def test_of_utkface_no_copy_of_a_reserved_or_contradicting_photo_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "utkface"
    folder.mkdir()
    for number in range(400):
        (folder / f"{20 + number % 60}_{number % 2}_{number % 5}_{number}.jpg.chip.jpg").write_text(
            str(number)
        )
    reserved = "1_0_0_reserved.jpg.chip.jpg"
    (folder / reserved).write_text("0")  # a copy of a photo whose name is not reserved
    (folder / "21_0_1_contradicts.jpg.chip.jpg").write_text("1")  # number 1 is female
    (folder / "22_0_2_again.jpg.chip.jpg").write_text("2")  # number 2 is male too
    (folder / "61_1_2017.jpg.chip.jpg").write_text("without a race")
    (folder / "30_0_7_race.jpg.chip.jpg").write_text("a race that is none")
    (folder / ".DS_Store").write_text("no photo")
    (folder / "notes_of_mine").mkdir()
    names = tmp_path / "reserved.txt"
    names.write_text(f"{reserved}\n")
    found = rows("--utkface", folder, "--without", names, target=tmp_path / "faces.csv")
    listed = [Path(row["path"]).name for row in found]
    gone = {"20_0_0_0.jpg.chip.jpg", "21_1_1_1.jpg.chip.jpg", reserved}
    assert gone.isdisjoint(listed) and len(listed) == len(set(listed)) == 400 - 2 + 2
    assert Counter(row["label"] for row in found) == {"male": 200, "female": 200}
    races = {row["race"] for row in found}
    assert races == {"White", "Black", "Asian", "Indian", "Other", ""}
    held_out = Counter(row["split"] for row in found)["validation"]
    assert 20 <= held_out <= 60


def test_a_held_out_name_that_no_folder_has_is_refused(celeba: Path, tmp_path: Path) -> None:
    names, target = tmp_path / "names.txt", tmp_path / "faces.csv"
    names.write_text("000011.jpg 11.jpg\n")
    command = [sys.executable, SCRIPT, target, "--celeba", celeba, "--without", names]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.endswith("names 11.jpg, which is in no folder given; check the files\n")
    assert not target.exists()
