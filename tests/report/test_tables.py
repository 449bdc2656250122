import csv
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from fabricated import Sort, broken, photo
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pilah.models.bundle import BundleInfo
from pilah.report import build_report, recorded_info, write_report
from pilah.report.tables import as_cell, as_text
from pilah.sorting import BINS, SortOptions, sort_photos
from pilah.types import Result


def rows(target: Path) -> list[dict[str, str]]:
    with (target / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_line_end_of_any_kind_in_a_name_splits_no_row(sort: Sort, info: BundleInfo) -> None:
    names = ["a\rb.jpg", "c\nd.jpg", "e\r\nf.jpg", "g,h.jpg"]
    target = sort({name: photo(0.02) for name in names})
    write_report(target, info=info)
    assert [os.path.basename(row["destination"]) for row in rows(target)] == names
    assert (target / "results.csv").read_bytes().count(b"\r") == 4  # two in a path, two in a name


def test_the_csv_has_a_row_a_photo(sort: Sort, info: BundleInfo) -> None:
    target = sort({"group.jpg": photo(0.02, 0.99, 0.6), "wall.jpg": photo(), "bad": broken("cut")})
    write_report(target, info=info)
    group, wall, bad = rows(target)
    assert group == {
        "path": str(target.parent / "in" / "group.jpg"),
        "bin": "unsure",
        "folder": "unsure",
        "corrected": "",
        "destination": "unsure/group.jpg",
        "label": "female",
        "p_male": "0.0200",
        "confidence": "0.9800",
        "faces": "3",
        "women": "1",
        "men": "1",
        "unsure_faces": "1",
        "width": "64",
        "height": "48",
        "error": "",
    }
    assert (wall["bin"], wall["faces"], wall["label"], wall["p_male"]) == ("no_face", "0", "", "")
    assert (bad["bin"], bad["error"], bad["width"]) == ("unreadable", "cut", "")


def test_the_parquet_has_every_face(sort: Sort, info: BundleInfo) -> None:
    target = sort({"group.jpg": photo(0.02, 0.6), "wall.jpg": photo(), "bad": broken("cut")})
    write_report(target, info=info)
    group, wall, bad = pq.read_table(target / "results.parquet").to_pylist()
    assert (group["bin"], group["width"], group["height"]) == ("unsure", 64, 48)
    assert group["faces"] == [
        {
            "label": label,
            "p_male": p_male,
            "confidence": pytest.approx(max(p_male, 1 - p_male)),
            "detector_score": 0.9,
            "left": 8.0,
            "top": 4.0,
            "right": 40.0,
            "bottom": 44.5,
        }
        for label, p_male in (("female", 0.02), (None, 0.6))
    ]
    assert (wall["faces"], wall["error"]) == ([], None)
    assert (bad["faces"], bad["error"], bad["height"]) == ([], "cut", None)


def test_pandas_counts_the_faces(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.02, 0.03), "b.jpg": photo(0.99), "wall.jpg": photo()})
    write_report(target, info=info)
    faces = pd.read_parquet(target / "results.parquet").explode("faces")["faces"].dropna()
    assert faces.str["label"].value_counts().to_dict() == {"female": 2, "male": 1}


def test_the_parquet_names_the_model(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.02)})
    write_report(target, info=info)
    assert recorded_info(target / "results.parquet") == info
    assert recorded_info(target / "results.csv") is None
    assert recorded_info(target / "missing.parquet") is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\nlines.jpg", "two\nlines.jpg"),
        ('quotes", and commas.jpg', 'quotes", and commas.jpg'),
        ("👩‍🚀.jpg", "👩‍🚀.jpg"),
        (os.fsdecode(b"caf\xe9.jpg"), r"caf\udce9.jpg"),
    ],
    ids=["newline", "quotes", "emoji", "not UTF-8"],
)
def test_any_name_goes_into_both_tables(
    sort: Sort, info: BundleInfo, name: str, shown: str
) -> None:
    target = sort({name: photo(0.99)})
    write_report(target, info=info)
    (row,) = rows(target)
    (record,) = pq.read_table(target / "results.parquet").to_pylist()
    for found in (row, record):
        assert Path(found["path"]).name == shown
        assert found["destination"] == f"male/{shown}"


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_written(text: str) -> None:
    written = as_text(text)
    written.encode("utf-8")
    if text.isascii():
        assert written == text


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r=", "\n="])
def test_no_cell_becomes_a_formula(sort: Sort, info: BundleInfo, begin: str) -> None:
    formula = f'{begin}HYPERLINK("x")'
    target = sort({"bad.jpg": broken(formula)})
    write_report(target, info=info)
    (row,) = rows(target)
    assert row["error"] == "'" + formula
    assert as_cell(formula) == "'" + formula


@pytest.mark.parametrize("value", ["/a/=b.jpg", "female/+1.jpg", "", None, 3])
def test_other_cells_stay_as_they_are(value: object) -> None:
    assert as_cell(value) == value


def test_a_crops_row_leads_to_its_photo(tmp_path: Path, info: BundleInfo) -> None:
    source, target = tmp_path / "in/ab.jpg", tmp_path / "sorted"
    source.parent.mkdir()
    Image.new("RGB", (64, 48), "tan").save(source)
    (tmp_path / "in/wall.jpg").write_bytes(source.read_bytes())

    def answers(paths: Iterable[str]) -> Iterator[Result]:
        for path in paths:
            faces = photo(0.02, 0.6) if path == str(source) else photo()
            yield replace(faces, path=path)

    options = SortOptions(faces=True)
    summary = sort_photos([str(source.parent)], target, answers, options)
    made = build_report(target, info=info)
    written = {bin: len(list(target.glob(f"{bin}/*"))) for bin in BINS}
    assert summary.counts == made.tally.bins == written
    assert (made.tally.photos, made.tally.no_face, summary.photos) == (2, 1, 2)
    first, second, wall = rows(target)
    assert (target / first["destination"]).is_file()
    assert [first[key] for key in ("path", "destination", "label", "faces", "women")] == [
        *(str(source), "female/ab face 1.jpg", "female", "1", "1"),
    ]
    assert [second[key] for key in ("path", "destination", "label", "unsure_faces")] == [
        *(str(source), "unsure/ab face 2.jpg", "", "1"),
    ]
    assert (wall["bin"], wall["destination"], wall["faces"]) == ("no_face", "", "0")


def test_a_photo_that_could_not_be_placed_keeps_its_label(tmp_path: Path, info: BundleInfo) -> None:
    (tmp_path / "in").mkdir()
    Image.new("RGB", (64, 48), "tan").save(tmp_path / "real.jpg")
    (tmp_path / "in/link.jpg").symlink_to("../real.jpg")

    def answers(paths: Iterable[str]) -> Iterator[Result]:
        yield from (replace(photo(0.02), path=path) for path in paths)

    target = tmp_path / "sorted"
    sort_photos([str(tmp_path / "in")], target, answers, SortOptions(mode="move"))
    made = build_report(target, info=info)
    assert (made.tally.not_placed, made.tally.failed, made.tally.bins["female"]) == (1, 0, 0)
    assert made.tally.faces["female"] == 1
    (row,) = rows(target)
    assert [row[key] for key in ("bin", "folder", "label", "destination", "corrected")] == [
        *("female", "not placed", "female", "", ""),
    ]
    assert row["error"].startswith("is a symbolic link")
    page = (target / "report.html").read_text()
    assert "1 photo could be read and counted, but not be placed in a folder" in page
    assert "is a symbolic link" in page


def test_what_was_left_out_is_named_by_kind(tmp_path: Path, info: BundleInfo) -> None:
    for name in ("a.mp4", "b.mp4", "c.x3f"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).touch()
    sort_photos([str(tmp_path / "in")], tmp_path / "sorted", lambda _: iter(()), SortOptions())
    write_report(tmp_path / "sorted", info=info)
    page = (tmp_path / "sorted/report.html").read_text()
    assert "Skipped because they are not photos: 2 videos, 1 RAW file without a JPEG." in page
