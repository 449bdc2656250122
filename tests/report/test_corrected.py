"""A report follows what a person did in the folders."""

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from fabricated import Sort, broken, photo
from test_build import pilah

from pilah.errors import DataError, SortError
from pilah.models.bundle import BundleInfo
from pilah.report import build_report, write_report
from pilah.sorting import records


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def corrected(sort: Sort, info: BundleInfo) -> Path:
    """Two of six photos were put right by hand, and one was deleted."""
    photos = {f"w{n}.jpg": photo(0.02) for n in range(3)} | {"m.jpg": photo(0.97)}
    target = sort(photos | {"wall.jpg": photo(), "maybe.jpg": photo(0.6)})
    write_report(target, info=info)
    os.rename(target / "female/w0.jpg", target / "male/w0.jpg")
    os.rename(target / "unsure/maybe.jpg", target / "female/w0.jpg")
    (target / "female/w1.jpg").unlink()
    return target


def test_counts_shares_and_tables_follow(corrected: Path, info: BundleInfo) -> None:
    made = build_report(corrected, info=info)
    told = made.to_json()
    assert told["bins"] == {
        "female": 2,
        "male": 2,
        "mixed": 0,
        "unsure": 0,
        "no_face": 1,
        "unreadable": 0,
    }
    assert told["faces"] == {"female": 2, "male": 2, "unsure": 0}
    assert (told["photos"], told["corrected"]) == (6, 3)
    assert made.share is not None
    assert (made.share.raw.value, made.share.corrected) == (0.5, None)
    page = (corrected / "report.html").read_text()
    assert "3 corrected by hand" in page
    assert "3 photos were corrected by hand, so its errors are no longer the measured ones" in page
    by_name = {Path(row["path"]).name: row for row in rows(corrected / "results.csv")}
    columns = ("bin", "folder", "corrected", "destination", "label")
    assert {name: [row[column] for column in columns] for name, row in by_name.items()} == {
        "w0.jpg": ["female", "male", "yes", "male/w0.jpg", "male"],
        "w1.jpg": ["female", "", "yes", "", ""],
        "w2.jpg": ["female", "female", "", "female/w2.jpg", "female"],
        "m.jpg": ["male", "male", "", "male/m.jpg", "male"],
        "wall.jpg": ["no_face", "no_face", "", "no_face/wall.jpg", ""],
        "maybe.jpg": ["unsure", "female", "yes", "female/w0.jpg", "female"],
    }


def test_corrections_are_listed_for_training(corrected: Path, info: BundleInfo) -> None:
    pd = pytest.importorskip("pandas")
    from pilah.dataset.table import read_labelled

    assert not (corrected / "corrections.csv").exists()
    write_report(corrected, info=info)
    frame = read_labelled(corrected / "corrections.csv")
    assert isinstance(frame, pd.DataFrame)
    assert sorted(zip(frame["path"], frame["label"], strict=True)) == [
        (str(corrected / "female/w0.jpg"), "female"),
        (str(corrected / "male/w0.jpg"), "male"),
    ]
    for name in ("male/w0.jpg", "female/w0.jpg"):
        assert (corrected / name).is_file()
    os.rename(corrected / "female/w0.jpg", corrected / "unsure/maybe.jpg")
    os.rename(corrected / "male/w0.jpg", corrected / "female/w0.jpg")
    write_report(corrected, info=info)
    assert rows(corrected / "corrections.csv") == []


def test_a_users_own_corrections_are_not_overwritten(corrected: Path, info: BundleInfo) -> None:
    (corrected / "corrections.csv").write_text("mine")
    before = (corrected / "report.html").read_bytes()
    with pytest.raises(SortError, match=r"corrections\.csv exists and is not from pilah"):
        write_report(corrected, info=info)
    assert (corrected / "corrections.csv").read_text() == "mine"
    assert (corrected / "report.html").read_bytes() == before


def test_the_command_says_what_was_corrected(corrected: Path) -> None:
    done = pilah("report", corrected)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 corrected by hand" in done.stdout


def test_an_undone_sort_has_no_report(corrected: Path, info: BundleInfo) -> None:
    with (corrected / ".pilah/journal.jsonl").open("a") as file:
        file.write('{"undo": 1}\n')
    with pytest.raises(SortError, match="run `pilah undo"):
        write_report(corrected, info=info)


def test_the_journal_is_read_twice_and_keeps_no_photo(
    sort: Sort, info: BundleInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = sort({f"w{n}.jpg": photo(0.02) for n in range(20)} | {"bad": broken("cut")})
    states: list[records.State] = []
    opened: list[str] = []
    apply, path_open = records.State.apply, Path.open

    def counted(path: Path, *arguments: object, **options: object) -> object:
        opened.append(path.name)
        return path_open(path, *arguments, **options)  # type: ignore[call-overload]

    def watched(state: records.State, line: records.Line) -> None:
        apply(state, line)
        states.append(state)

    monkeypatch.setattr(Path, "open", counted)
    monkeypatch.setattr(records.State, "apply", watched)
    write_report(target, info=info)
    assert opened.count("journal.jsonl") == 2
    (state,) = {id(state): state for state in states}.values()
    assert len(state.entries) + len(state.done) + len(state.newest) == 0


@pytest.mark.parametrize("known", [True, False], ids=["report", "options"])
def test_another_model_never_signs_a_finished_sort(
    sort: Sort, info: BundleInfo, known: bool
) -> None:
    target = sort({"a.jpg": photo(0.02)})
    if known:
        write_report(target, info=info)
    else:
        path = target / ".pilah/journal.jsonl"
        path.write_text(path.read_text().replace('"faces": false', '"model": "tiny 1.2.3 at 0.8"'))
    before = {path.name: path.read_bytes() for path in target.iterdir() if path.is_file()}
    with pytest.raises(DataError, match=r"was sorted with tiny 1\.2\.3, not with other 9"):
        write_report(target, info=replace(info, name="other", version="9"))
    assert {p.name: p.read_bytes() for p in target.iterdir() if p.is_file()} == before
    assert build_report(target, info=info).info == info
    (target / "results.parquet").unlink()
    done = pilah("report", target, "--json")
    assert json.loads(done.stdout)["model"] == {"name": "tiny", "version": "1.2.3"}
