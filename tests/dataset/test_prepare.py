import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pilah.cli import main
from pilah.csv_lines import write_csv
from pilah.dataset.manifest import cut_out_of, digest, read_manifest
from pilah.dataset.table import read_labelled
from pilah.errors import DataError

ATTRIBUTES = [f"Attribute_{number}" for number in range(1, 40)]
COLUMNS = [*ATTRIBUTES[:20], "Male", *ATTRIBUTES[20:]]


@pytest.fixture
def pilah(monkeypatch, capsys):
    """Run the command line in this process: (exit code, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["pilah", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        return SimpleNamespace(
            returncode=stop.value.code or 0, stdout=printed.out, stderr=printed.err
        )

    return run


def draw(path, seed):
    """A patchwork of its own for every seed, so that no two look alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    patches = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(patches).resize((48, 64), Image.Resampling.BICUBIC).save(path)


def test_a_line_end_of_any_kind_in_a_name_splits_no_row(pilah, tmp_path):
    names = ["a\rb", "c\nd", "e\r\nf", "g,h", *"ijklmn"]
    for number, name in enumerate(names):
        draw(tmp_path / "in" / ("female", "male")[number % 2] / f"{name}.png", number)
    done = pilah("prepare", tmp_path / "in", "--to", tmp_path / "out", "--crops")
    assert done.returncode == 0, done.stderr
    manifest = tmp_path / "out/manifest.csv"
    table = read_manifest(manifest)
    listed = sorted(path.split("/")[-1] for path in table["path"])
    assert listed == sorted(f"{name}.png" for name in names)
    write_csv(table, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == manifest.read_bytes()


@pytest.fixture
def celeba(tmp_path):
    """Twenty generated images in CelebA's own files: ten people, the even ones men."""
    folder = tmp_path / "celeba"
    names = [f"{number:06}.png" for number in range(1, 21)]
    rows = []
    for number, name in enumerate(names):
        draw(folder / "img_align_celeba" / name, number)
        values = ["-1"] * 40
        values[20] = "1" if number // 2 % 2 == 0 else "-1"
        rows.append(f"{name}  {' '.join(values)}\n")
    attributes = f"20\n{' '.join(COLUMNS)} \n{''.join(rows)}"
    (folder / "list_attr_celeba.txt").write_text(attributes)
    people = "".join(f"{name} {number // 2}\n" for number, name in enumerate(names))
    (folder / "identity_CelebA.txt").write_text("image identity\n" + people)
    parts = "".join(
        f"{name} {0 if n < 14 else 1 if n < 18 else 2}\n" for n, name in enumerate(names)
    )
    (folder / "list_eval_partition.txt").write_text(parts)
    return folder


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_celeba_becomes_a_manifest_without_a_person_in_two_splits(pilah, celeba, tmp_path):
    done = pilah("prepare", celeba, "--to", tmp_path / "out", "--seed", 3)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("20 images, 0 duplicates, 20 kept\n")
    assert "identity 0.7/0.2/0.1, seed 3" in done.stdout
    frame = read_manifest(tmp_path / "out" / "manifest.csv")
    assert list(frame.columns[:5]) == ["path", "label", "identity", "split", "duplicate_of"]
    assert list(frame.columns[5:]) == ATTRIBUTES
    assert frame["label"].tolist() == ["male", "male", "female", "female"] * 5
    assert frame["split"].value_counts().to_dict() == {"train": 14, "validation": 4, "test": 2}
    assert (frame.groupby("identity")["split"].nunique() == 1).all()
    with Image.open(tmp_path / "out" / "labels.png") as plot:
        assert plot.width > 300
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "labels.png",
        "manifest.csv",
        "summary.txt",
    ]


def test_the_official_split_is_celebas(pilah, celeba, tmp_path):
    assert pilah("prepare", celeba, "--to", tmp_path, "--split", "official").returncode == 0
    split = read_manifest(tmp_path / "manifest.csv")["split"].tolist()
    assert split == ["train"] * 14 + ["validation"] * 4 + ["test"] * 2


def test_bad_images_and_duplicates_are_named_and_left_out(pilah, celeba, tmp_path):
    images = celeba / "img_align_celeba"
    (images / "000001.png").unlink()
    (images / "000002.png").write_bytes(b"")
    whole = (images / "000003.png").read_bytes()
    (images / "000003.png").write_bytes(whole[: len(whole) // 2])
    (images / "000004.png").write_text("a letter, not a photo")
    (images / "000006.png").write_bytes((images / "000005.png").read_bytes())
    strict = pilah("prepare", celeba, "--to", tmp_path / "out", "--strict")
    assert strict.returncode == 2
    assert "4 images cannot be used" in strict.stderr
    assert not (tmp_path / "out").exists()

    assert pilah("prepare", celeba, "--to", tmp_path / "out").returncode == 0
    text = (tmp_path / "out" / "summary.txt").read_text()
    assert text.startswith("20 images, 4 left out, 1 duplicate, 15 kept\n")
    assert "000001.png: listed but missing" in text
    assert "000002.png: empty file" in text
    assert "000003.png: cut off" in text
    assert "000004.png: not an image" in text
    frame = read_manifest(tmp_path / "out" / "manifest.csv").set_index("path")
    repeat = frame.loc[str(images / "000006.png")]
    assert (repeat["duplicate_of"], repeat["split"]) == (str(images / "000005.png"), "")


def test_near_duplicates_are_kept_together_and_reported(pilah, celeba, tmp_path):
    images = celeba / "img_align_celeba"
    with Image.open(images / "000001.png") as image:
        image.point(lambda value: min(255, value + 2)).save(images / "000020.png")
    done = pilah("prepare", celeba, "--to", tmp_path, "--split", "random")
    assert f"{images}/000001.png {images}/000020.png" in done.stdout
    assert "20 kept" in done.stdout
    split = read_manifest(tmp_path / "manifest.csv")["split"]
    assert split[0] == split[19]


def test_a_folder_and_a_csv_of_it_give_the_same_labels(pilah, tmp_path):
    for number in range(12):
        draw(tmp_path / "photos" / ("male" if number % 3 else "female") / f"{number}.png", number)
    (tmp_path / "photos" / "female" / "notes.txt").write_text("not an image by its name")
    assert pilah("prepare", tmp_path / "photos", "--crops", "--to", tmp_path / "a").returncode == 0
    frame = read_manifest(tmp_path / "a" / "manifest.csv")
    assert frame["label"].tolist() == ["female"] * 4 + ["male"] * 8

    table = frame[["path", "label"]].assign(race="unknown")
    table["path"] = [path.removeprefix(f"{tmp_path}/") for path in table["path"]]
    table["male"] = table.pop("label").map({"female": "0", "male": "1"})
    table.to_csv(tmp_path / "table.csv", index=False)
    assert (
        pilah("prepare", tmp_path / "table.csv", "--crops", "--to", tmp_path / "b").returncode == 0
    )
    other = read_manifest(tmp_path / "b" / "manifest.csv")
    assert digest(other) == digest(frame)
    assert digest(frame.assign(weight="2")) != digest(frame)
    assert set(other["race"]) == {"unknown"}


WOMEN = 4


def table_of(tmp_path, text: str, encoding: str = "utf-8") -> None:
    """Twelve photos, four of them of women, and a CSV that lists them as `text` does the first."""
    for number in range(12):
        draw(tmp_path / "photos" / f"{number}.png", number)
    header, woman, man = text.split("\n")
    rows = [(woman if n < WOMEN else man).replace("N", str(n)) for n in range(12)]
    (tmp_path / "table.csv").write_text("\n".join([header, *rows]), encoding=encoding)


@pytest.mark.parametrize(
    "text",
    [
        "path,label\nphotos/N.png,F\nphotos/N.png,M",
        "path,label\nphotos/N.png,Woman\nphotos/N.png, man ",
        "file,gender\nphotos/N.png,Female\nphotos/N.png,Male",
        "Image_ID,Sex\nphotos/N,female\nphotos/N,male",
        "Path,Label,Identity,Split\nphotos/N.png,F,N,train\nphotos/N.png,M,N,train",
        "path;label\nphotos/N.png;perempuan\nphotos/N.png;laki-laki",
        "path\tlabel\nphotos/N.png\tfemale\nphotos/N.png\tmale",
        "path,Male\nphotos/N.png,0\nphotos/N.png,1",
        "path,male\nphotos/N.png,-1\nphotos/N.png,1",
        "path,is_female\nphotos/N.png,1.0\nphotos/N.png,0.0",
        "path,female\nphotos/N.png,True\nphotos/N.png,False",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_labels_and_columns_as_people_write_them(pilah, tmp_path, text, encoding):
    table_of(tmp_path, text, encoding)
    done = pilah("prepare", tmp_path / "table.csv", "--crops", "--to", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    frame = read_manifest(tmp_path / "out" / "manifest.csv")
    assert frame["label"].tolist() == ["female"] * WOMEN + ["male"] * (12 - WOMEN)
    assert [path.rsplit("/", 1)[1] for path in frame["path"]] == [f"{n}.png" for n in range(12)]


@pytest.mark.parametrize("names", [("Female", "Male"), ("WOMEN", "men"), ("f", "M")])
def test_folders_as_people_call_them(pilah, tmp_path, names):
    for number in range(12):
        draw(tmp_path / "photos" / names[number >= WOMEN] / f"{number}.png", number)
    hidden = tmp_path / "photos" / names[0] / ".thumbnails" / "x.png"
    draw(hidden, 99)
    without_ending = tmp_path / "photos" / names[0] / "trip" / "IMG_12"
    draw(without_ending.with_suffix(".png"), 12)
    without_ending.with_suffix(".png").rename(without_ending)
    done = pilah("prepare", tmp_path / "photos", "--crops", "--to", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    frame = read_manifest(tmp_path / "out" / "manifest.csv")
    assert frame["label"].value_counts().to_dict() == {"female": WOMEN + 1, "male": 12 - WOMEN}
    assert str(without_ending) in set(frame["path"])


def test_photos_that_sort_reads_are_read(pilah, tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    for number in range(12):
        draw(tmp_path / "photos" / ("male" if number % 2 else "female") / f"{number}.png", number)
    with Image.open(tmp_path / "photos" / "female" / "0.png") as image:
        rotated = image.transpose(Image.Transpose.ROTATE_90)
    pillow_heif.from_pillow(rotated).save(tmp_path / "photos" / "female" / "phone.HEIC")
    assert (
        pilah("prepare", tmp_path / "photos", "--crops", "--to", tmp_path / "out").returncode == 0
    )
    frame = read_manifest(tmp_path / "out" / "manifest.csv")
    assert str(tmp_path / "photos" / "female" / "phone.HEIC") in set(frame["path"])


def test_a_folder_without_labels_is_refused_with_what_it_holds(pilah, tmp_path):
    (tmp_path / "photos" / "Training").mkdir(parents=True)
    done = pilah("prepare", tmp_path / "photos", "--crops", "--to", tmp_path / "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "(it holds 'Training' and others)" in done.stderr


def test_the_same_pixels_under_both_labels_are_named_and_not_used(pilah, tmp_path):
    for number in range(14):
        draw(tmp_path / "photos" / ("male" if number % 2 else "female") / f"{number}.png", number)
    female, male = (tmp_path / "photos" / label for label in ("female", "male"))
    (male / "again.png").write_bytes((female / "0.png").read_bytes())
    (female / "copy.png").write_bytes((female / "0.png").read_bytes())
    strict = pilah("prepare", tmp_path / "photos", "--crops", "--to", tmp_path / "out", "--strict")
    assert "3 images cannot be used" in strict.stderr
    done = pilah("prepare", tmp_path / "photos", "--crops", "--to", tmp_path / "out")
    assert done.stdout.startswith("16 images, 3 left out, 0 duplicates, 13 kept\n")
    for path, label, other in (
        (female / "0.png", "female", f"{male / 'again.png'} is the same, labelled male"),
        (female / "copy.png", "female", f"{male / 'again.png'} is the same, labelled male"),
        (male / "again.png", "male", f"{female / '0.png'} is the same, labelled female"),
    ):
        assert f"{path}: labelled {label}, but {other}" in done.stdout
    used = set(read_manifest(tmp_path / "out" / "manifest.csv")["path"])
    assert not used & {str(female / "0.png"), str(female / "copy.png"), str(male / "again.png")}


def as_kaggle(folder):
    """The files as Kaggle has them: CSV, no identities, a folder inside a folder."""
    lines = (folder / "list_attr_celeba.txt").read_text().splitlines()[1:]
    rows = [["image_id", *lines[0].split()], *map(str.split, lines[1:])]
    parts = (folder / "list_eval_partition.txt").read_text().splitlines()
    parts = [["image_id", "partition"], *map(str.split, parts)]
    for name, table in (("list_attr_celeba", rows), ("list_eval_partition", parts)):
        (folder / f"{name}.txt").unlink()
        (folder / f"{name}.csv").write_text("".join(",".join(row) + "\r\n" for row in table))
    (folder / "identity_CelebA.txt").unlink()
    (folder / "img_align_celeba").rename(folder / "images")
    (folder / "img_align_celeba").mkdir()
    (folder / "images").rename(folder / "img_align_celeba" / "img_align_celeba")


def as_published(folder):
    """The files in the folders of CelebA's own download."""
    for name, place in (
        *(("list_attr_celeba.txt", "Anno"), ("identity_CelebA.txt", "Anno")),
        *(("list_eval_partition.txt", "Eval"), ("img_align_celeba", "Img")),
    ):
        (folder / place).mkdir(exist_ok=True)
        (folder / name).rename(folder / place / name)


@pytest.mark.parametrize(("arrange", "people"), [(as_kaggle, 0), (as_published, 10)])
def test_celeba_as_most_people_have_it(pilah, celeba, tmp_path, arrange, people):
    pilah("prepare", celeba, "--to", tmp_path / "plain", "--split", "official")
    arrange(celeba)
    done = pilah("prepare", celeba, "--to", tmp_path / "out", "--split", "official")
    assert done.returncode == 0, done.stderr
    plain, out = (read_manifest(tmp_path / name / "manifest.csv") for name in ("plain", "out"))
    columns = ["label", "split", *ATTRIBUTES]
    assert out[columns].equals(plain[columns])
    assert out["identity"].nunique() == max(1, people)


def test_the_official_split_has_no_fractions(pilah, celeba, tmp_path):
    arguments = ("--split", "official", "--fractions", "0.8/0.1/0.1")
    done = pilah("prepare", celeba, "--to", tmp_path / "out", *arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "the official split has shares of its own, not 0.8/0.1/0.1" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_split_without_test_faces_is_reported(pilah, celeba, tmp_path):
    done = pilah("prepare", celeba, "--to", tmp_path / "a", "--fractions", "0.8/0.2/0")
    assert "No female and no male images in test: the model is measured on" in done.stdout
    done = pilah("prepare", celeba, "--to", tmp_path / "b", "--split", "random")
    assert "No female" not in done.stdout
    replace(celeba / "list_eval_partition.txt", "000019.png 2", "000019.png 1")
    replace(celeba / "list_eval_partition.txt", "000020.png 2", "000020.png 1")
    done = pilah("prepare", celeba, "--to", tmp_path / "c", "--split", "official")
    assert "No female and no male images in test" in done.stdout


def no_attributes(folder):
    (folder / "list_attr_celeba.txt").unlink()


def row_of_39(folder):
    replace(folder / "list_attr_celeba.txt", "000007.png  -1 ", "000007.png  ")


def value_2(folder):
    replace(folder / "list_attr_celeba.txt", "000007.png  -1 ", "000007.png  2 ")


def one_label(folder):
    path = folder / "list_attr_celeba.txt"
    path.write_text(path.read_text().replace(" 1 ", " -1 "))


def cut_short(folder):
    path = folder / "list_attr_celeba.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:12]))


def few_images(folder):
    cut_short(folder)
    replace(folder / "list_attr_celeba.txt", "20\n", "10\n")
    (folder / "img_align_celeba" / "000001.png").unlink()


def bad_partition(folder):
    replace(folder / "list_eval_partition.txt", "000001.png 0", "000001.png 3")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (no_attributes, "put CelebA's list_attr_celeba.txt there"),
        (row_of_39, "line 9: 000007.png has 39 values, the header names 40"),
        (value_2, "line 9: 000007.png has the value '2'"),
        (one_label, "no usable image with the label male"),
        (cut_short, "says that it has 20 images, but lists 10"),
        (few_images, "has 9 usable images; provide at least 10"),
        (bad_partition, "line 1: '000001.png 3' is not an image and its number"),
    ],
)
def test_what_spoils_a_source_is_one_line_and_nothing_is_written(
    pilah, celeba, tmp_path, spoil, message
):
    spoil(celeba)
    done = pilah("prepare", celeba, "--to", tmp_path / "out")
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\n" + "a.jpg,female\n" * 3 + "b.jpg,2\n", "line 5: label '2' is not one of"),
        ("portrait,sex\na.jpg,Male\n", "has no column 'path' among portrait,sex"),
        ("photo,who\na.jpg,Male\n", "has no column 'label' among photo,who"),
        (
            "path,label\n" + "a.jpg,0\n",
            "line 2: label '0' does not say who it is; rename the column to male (if 1 is male)",
        ),
        ("path,male\na.jpg,1\nb.jpg,yes\n", "line 3: male 'yes' is not one of female, male"),
        ("path,label\na.jpg,male\na.jpg,female\n", "a.jpg twice"),
        (
            "path,label,Identity,identity\n" + "a.jpg,male,1,2\n",
            "columns 'Identity' and 'identity'; keep one of them",
        ),
        ("Label,label,path\nmale,male,a.jpg\n", "columns 'Label' and 'label'; keep one of them"),
        ("", "cannot be read as a CSV file"),
    ],
)
def test_what_spoils_a_csv_is_one_line(pilah, tmp_path, text, message):
    (tmp_path / "table.csv").write_text(text)
    done = pilah("prepare", tmp_path / "table.csv", "--crops", "--to", tmp_path / "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_people_are_known_by_any_capitals(pilah, tmp_path):
    table_of(tmp_path, "Path,Label,IDENTITY\nphotos/N.png,F,her\nphotos/N.png,M,him")
    done = pilah("prepare", tmp_path / "table.csv", "--crops", "--to", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    frame = read_manifest(tmp_path / "out" / "manifest.csv")
    assert frame.groupby("identity")["split"].nunique().max() == 1


def test_what_is_no_path_is_a_column_of_the_users_own(tmp_path):
    frame = pd.DataFrame({"path": ["/a.png", "/b.png"], "photo": ["IMG_1", "/photos/b.jpg"]})
    assert cut_out_of(frame).tolist() == ["", "/photos/b.jpg"]
    assert cut_out_of(frame[["path"]]).tolist() == ["", ""]
    # An audit by such columns finds them by their own names
    (tmp_path / "table.csv").write_text("path,label,Split,Weight\na.jpg,male,left,70\n")
    assert {"Split", "Weight"} <= set(read_labelled(tmp_path / "table.csv").columns)


def test_a_csv_of_another_encoding_is_one_line(pilah, tmp_path):
    (tmp_path / "table.csv").write_text("path,label\nJosé.jpg,male\n", encoding="cp1252")
    done = pilah("prepare", tmp_path / "table.csv", "--crops", "--to", tmp_path / "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "(it is not UTF-8 text)" in done.stderr
    assert "save it in a spreadsheet as CSV UTF-8" in done.stderr


def test_an_existing_manifest_is_left_alone(pilah, celeba, tmp_path):
    (tmp_path / "manifest.csv").write_text("mine")
    done = pilah("prepare", celeba, "--to", tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert (tmp_path / "manifest.csv").read_text() == "mine"


def test_a_manifest_of_one_label_is_refused(tmp_path):
    rows = {"path": [f"/{n}.jpg" for n in range(10)], "label": "male", "identity": ""}
    frame = pd.DataFrame({**rows, "split": "train", "duplicate_of": ""})
    frame.to_csv(tmp_path / "manifest.csv", index=False)
    with pytest.raises(DataError, match="no usable image with the label female"):
        read_manifest(tmp_path / "manifest.csv")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("3.jpg", "line 5: '3.jpg' is not an absolute path"),
        ("", "line 5: '' is not an absolute path"),
        ("https://x/y.jpg", "line 5: 'https://x/y.jpg' is not an absolute path"),
        ("/0.jpg", "lists /0.jpg twice; keep one row"),
        ("/x/../0.jpg", "lists /x/../0.jpg twice; keep one row"),
    ],
)
def test_a_manifest_that_was_edited_names_the_line(tmp_path, path, message):
    rows = {"path": [f"/{n}.jpg" for n in range(12)], "label": ["male", "female"] * 6}
    frame = pd.DataFrame({**rows, "identity": "", "split": "train", "duplicate_of": ""})
    frame.loc[3, "path"] = path
    frame.to_csv(tmp_path / "manifest.csv", index=False)
    with pytest.raises(DataError, match=re.escape(message)):
        read_manifest(tmp_path / "manifest.csv")


def test_without_the_extra_it_names_what_to_install(tmp_path):
    code = "import sys; sys.modules['pandas'] = None; from pilah.cli import main; main()"
    arguments = ["prepare", str(tmp_path), "--to", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'pilah[train]'" in done.stderr.splitlines()[-1]


@pytest.mark.faces
def test_the_studys_images_are_counted_as_the_study_counts_them(shared, tmp_path):
    source = shared / "data" / "celeba5017"
    # A process of its own, because so many images are hashed by processes that it starts.
    code = "from pilah.cli import main; main()"
    arguments = ["prepare", str(source), "--to", str(tmp_path), "--split", "random"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.stdout.startswith("5,017 images, 17 duplicates, 5,000 kept\n"), done.stderr
    frame = read_manifest(tmp_path / "manifest.csv")
    counts = frame["split"].value_counts().to_dict()
    assert counts == {"train": 3500, "validation": 1000, "test": 500, "": 17}
    lines = (source / "list_attr_celeba.txt").read_text().splitlines()[2:]
    assert (frame["label"] == "male").sum() == sum(line.split()[21] == "1" for line in lines)
