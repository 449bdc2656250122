"""Which photos folders, patterns, lists and tables mean, and what is refused in one line."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pilah
from pilah.cluster.answer import Asked
from pilah.cluster.classify import classify
from pilah.cluster.listing import LEAST, NAME, Listed, Listing
from pilah.cluster.lists import plain
from pilah.cluster.sources import Sources
from pilah.errors import DataError
from tests.cluster.classified import face, once, summary, write_photos

MODEL = "pilah-small"


def answered(target: Path, *sources: object) -> dict[str, dict[str, object]]:
    predictor = pilah.load(MODEL, workers=1)
    asked = Asked(MODEL, predictor.min_confidence, None, "cpu")
    try:
        classify([str(source) for source in sources], target, predictor, asked)
    finally:
        predictor.close()
    return once(target)


def listed(tmp_path: Path, *sources: object) -> list[str]:
    found = Sources([plain(str(source)) for source in sources], tmp_path / "out")
    found.check()
    return [photo.path for photo in found.listed()]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = write_photos(tmp_path / "photos", 4)
    write_photos(folder / "sub", 2)
    (folder / "film.mp4").write_bytes(b"film")
    (folder / "notes.txt").write_text("no list")
    (folder / ".hidden.jpg").write_bytes(b"hidden")
    return folder


def test_a_folder_is_searched_as_sort_does(photos: Path, tmp_path: Path) -> None:
    found = Sources([str(photos)], tmp_path / "out")
    assert len(list(found.listed())) == 6
    assert dict(found.skipped) == {"video": 1, ".txt": 1}


def test_a_target_inside_the_source_is_left_out(photos: Path) -> None:
    assert len(answered(photos / "out", photos)) == 6
    assert len(answered(photos / "out", photos)) == 6


def test_a_pattern_means_what_it_matches(photos: Path, tmp_path: Path) -> None:
    assert len(listed(tmp_path, f"{photos}/000[12].*")) == 2
    assert len(listed(tmp_path, f"{photos}/**/*.jpg")) == 6
    assert len(listed(tmp_path, f"{photos}/*")) == 6  # the folder too; the film is skipped


def test_odd_names_survive_and_each_is_answered_once(photos: Path, tmp_path: Path) -> None:
    names = [b"new\nline.jpg", b'comma, quote".jpg', b"not utf-8 \xff.jpg", " é 人.jpg".encode()]
    for name in names:
        face().save(os.fsdecode(os.path.join(os.fsencode(photos), name)))
    null = tmp_path / "null.txt"
    null.write_bytes(b"".join(os.path.join(os.fsencode(photos), name) + b"\0" for name in names))
    twice = photos / ".." / "photos"
    found = answered(tmp_path / "out", photos, null, twice, f"{photos}/0000.jpg")
    expected = {
        str(photos / os.fsdecode(name)).encode("utf-8", "backslashreplace").decode()
        for name in names
    }
    assert len(found) == 10 and expected <= set(found)
    assert all(row["error"] is None for row in found.values())


def test_a_source_may_be_a_file_uri(photos: Path, tmp_path: Path) -> None:
    uri = photos.as_uri()
    assert listed(tmp_path, uri) == listed(tmp_path, photos)
    assert listed(tmp_path, f"FILE{uri[4:]}/*.jpg") == listed(tmp_path, f"{photos}/*.jpg")
    assert listed(tmp_path, f"{uri}/0000.jpg") == [str(photos / "0000.jpg")]


def test_a_list_names_photos_whatever_they_are_called(photos: Path, tmp_path: Path) -> None:
    face().save(photos / "photo.odd", "JPEG")
    text = tmp_path / "list.txt"
    lines = [photos / "photo.odd", photos / "film.mp4", photos / "gone.jpg", photos / "0000.jpg"]
    text.write_bytes("\ufeff".encode() + "\r\n".join(map(str, [*lines, lines[0]])).encode())
    found = answered(tmp_path / "out", text)
    assert list(found) == [str(path) for path in lines]
    assert [row["error"] is None for row in found.values()] == [True, False, False, True]
    assert summary(tmp_path / "out")["photos"] == 4


def test_a_table_of_paths_and_one_of_photos(photos: Path, tmp_path: Path) -> None:
    names = [str(photos / "0000.jpg"), None, (photos / "0001.jpg").as_uri()]
    pq.write_table(pa.table({"path": names, "other": [1, 2, 3]}), tmp_path / "paths.parquet")
    photo = (photos / "0000.jpg").read_bytes()
    content = [{"bytes": photo, "path": "x.jpg"}, {"bytes": None, "path": None}]
    many = content * 2 + [{"bytes": b"no photo", "path": None}]
    pq.write_table(pa.table({"image": many}), tmp_path / "photos.parquet", row_group_size=2)
    named = {"path": ["a, b", "c"], "bytes": [photo, photo]}
    pq.write_table(pa.table(named), tmp_path / "named.parquet")

    place = tmp_path / "photos.parquet"
    found = answered(tmp_path / "out", f"{tmp_path}/*.parquet")
    assert set(found) == {
        *("a, b", "c", str(photos / "0000.jpg"), f"{tmp_path}/paths.parquet#1"),
        str(photos / "0001.jpg"),
        *(f"{place}#{number}" for number in range(5)),
    }
    wrong = {
        path.rpartition("#")[2] if "#" in path else path
        for path, row in found.items()
        if row["error"]
    }
    assert wrong == {"1", "3", "4"}
    alike = [row["faces"] for path, row in found.items() if not row["error"]]
    assert len(alike) == 6 and all(faces == alike[0] for faces in alike)


def test_what_cannot_be_listed_is_one_line_before_any_work(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"no table")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "other.parquet")
    twice = pa.table([pa.array(["a"]), pa.array(["b"])], names=["path", "path"])
    pq.write_table(twice, tmp_path / "twice.parquet")
    pq.write_table(pa.table({"image": [{"bytes": "text"}]}), tmp_path / "text.parquet")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "sorted" / ".pilah").mkdir(parents=True)
    (tmp_path / "sorted" / ".pilah" / "journal.jsonl").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "list.txt").write_text("\n\n")
    (tmp_path / "odd.bin").write_bytes(b"x")
    for source, words in {
        tmp_path / "nowhere": "does not exist; give a folder",
        f"{photos}/*.webp": "nothing matches",
        tmp_path / "broken.parquet": "cannot be read as Parquet",
        tmp_path / "other.parquet": "has the columns x .int64.; it needs one of paths",
        tmp_path / "twice.parquet": "has the columns path .string., path .string.; it needs",
        tmp_path / "text.parquet": "has the columns image .struct",
        tmp_path / "pipe.txt": "is a pipe, socket or device",
        "file://[x/folder": "is no URI",
        "http://[x/photo.jpg": "neither a photo nor a list",
        tmp_path / "sorted": "no photos .* .made by pilah, so left out: .*sorted",
        tmp_path / "empty": "no photos",
        tmp_path / "list.txt": "no photos",
        tmp_path / "odd.bin": "neither a photo nor a list",
        "zz://bucket/folder": "cannot be opened",
    }.items():
        target = tmp_path / f"out of {abs(hash(words))}"
        with pytest.raises(DataError, match=words) as raised:
            answered(target, photos / "sub" if "no photos" not in words else source, source)
        assert "\n" not in str(raised.value)
        assert not list(target.glob("*"))
    with pytest.raises(pilah.PilahError, match="lies inside the target"):
        answered(photos, photos / "sub")


def test_a_list_is_cut_into_portions_that_grow_and_end_with_a_row_group(tmp_path: Path) -> None:
    with Listing(tmp_path, "model") as listing:
        many = (Listed(f"/photo/{number}") for number in range(LEAST * 70))
        assert list(listing.add(many))[-1] == LEAST * 70
        sizes = [len(portion.photos) for portion in listing.portions(without=())]
        assert sizes == [LEAST] * 64 + [2 * LEAST] * 3
        rows = (Listed(f"row {n}", "table", n // 100, n % 100) for n in range(400))
        assert list(listing.add(rows))[-1] == LEAST * 70 + 400
        sizes = [len(portion.photos) for portion in listing.portions(without=range(67))]
        assert sizes == [200, 200]
        heavy = (Listed(f"heavy {n}", size=2**28) for n in range(4))
        list(listing.add(heavy))
        assert [len(p.photos) for p in listing.portions(without=range(69))] == [2, 2]
        assert list(listing.add([Listed("/photo/1")])) == [LEAST * 70 + 404]


def test_a_folder_in_use_or_answered_otherwise_is_refused(tmp_path: Path) -> None:
    with Listing(tmp_path, "one model"), pytest.raises(DataError, match="in use by another"):
        Listing(tmp_path, "one model")
    with pytest.raises(DataError, match="not by other"):
        Listing(tmp_path, "other")
    assert (tmp_path / NAME).is_file()
