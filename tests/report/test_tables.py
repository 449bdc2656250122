import csv
import os
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from fabricated import Sort, broken, photo
from hypothesis import given
from hypothesis import strategies as st

from pilah.models.bundle import BundleInfo
from pilah.report import recorded_info, write_report
from pilah.report.tables import as_text


def rows(target: Path) -> list[dict[str, str]]:
    with (target / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_csv_has_a_row_a_photo(sort: Sort, info: BundleInfo) -> None:
    target = sort({"group.jpg": photo(0.02, 0.99, 0.6), "wall.jpg": photo(), "bad": broken("cut")})
    write_report(target, info=info)
    group, wall, bad = rows(target)
    assert group == {
        "path": str(target.parent / "in" / "group.jpg"),
        "bin": "unsure",
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
