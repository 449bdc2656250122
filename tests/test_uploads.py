"""What may be taken in: real .zip files, harmless and hostile."""

import contextlib
import io
import random
import stat
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pilah import uploads
from pilah.app.refusals import refusal
from pilah.texts import LANGUAGES
from pilah.uploads import Refused, check_count, check_pixels, take_in, unpack


def jpeg(size=(8, 8)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "JPEG")
    return file.getvalue()


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file


def test_photos_are_unpacked_and_the_rest_is_ignored(tmp_path):
    archive = zipped(
        ("a.jpg", b"1"),
        ("Köln/b.PNG", b"2"),
        ("notes.txt", b"3"),
        ("__MACOSX/a.jpg", b"4"),
        (".hidden/c.jpg", b"5"),
    )
    done = unpack(archive, tmp_path)
    assert (done.photos, done.ignored, done.left_out) == (2, 3, ())
    found = {str(path.relative_to(tmp_path)): path.read_bytes() for path in files(tmp_path)}
    assert found == {"a.jpg": b"1", "Köln/b.PNG": b"2"}


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_name_that_comes_twice_loses_nothing(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = zipped(("a.jpg", b"1"), ("a.jpg", b"2"))
    assert unpack(archive, tmp_path).photos == 2
    assert sorted(path.read_bytes() for path in files(tmp_path)) == [b"1", b"2"]


def link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("link.jpg")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def with_password() -> io.BytesIO:
    raw = bytearray(zipped(("a.jpg", b"x")).getvalue())
    place = raw.index(b"PK\x01\x02") + 8
    raw[place : place + 2] = struct.pack("<H", 1)
    return io.BytesIO(bytes(raw))


@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (zipped(("../../x.jpg", b"x")), "zip_path"),
        (zipped(("a/../../x.jpg", b"x")), "zip_path"),
        (zipped(("/etc/x.jpg", b"x")), "zip_path"),
        (zipped(("..\\x.jpg", b"x")), "zip_path"),
        (zipped(("C:x.jpg", b"x")), "zip_path"),
        (zipped((link(), b"/etc/passwd")), "zip_link"),
        (zipped(("a.jpg", b"\0" * 2_000_000)), "zip_bomb"),
        (zipped(("a.txt", b"x")), "zip_empty"),
        (zipped(("a.jpg/b.jpg", b"x"), ("n" * 300 + ".jpg", b"x")), "zip_unwritable"),
        (with_password(), "zip_password"),
        (io.BytesIO(b"PK\x03\x04 not a zip"), "zip_damaged"),
        (io.BytesIO(b""), "zip_damaged"),
    ],
)
def test_what_must_not_be_unpacked_is_refused(tmp_path, archive, why):
    inside = tmp_path / "deep" / "inside"
    inside.mkdir(parents=True)
    with pytest.raises(Refused) as refused:
        unpack(archive, inside)
    assert refused.value.why == why
    assert [path for path in files(tmp_path) if not path.is_relative_to(inside)] == []
    assert len({refusal(refused.value, language) for language in LANGUAGES}) == len(LANGUAGES)


PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def damaged(packing: int, *others: str) -> io.BytesIO:
    """A .zip whose first entry has a changed byte in the middle of its data."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        archive.writestr("first.jpg", bytes(range(256)) * 8)
        middle = 30 + len("first.jpg") + archive.infolist()[0].compress_size // 2
        for name in others:
            archive.writestr(name, jpeg())
    raw = bytearray(file.getvalue())
    raw[middle] ^= 0xFF
    return io.BytesIO(bytes(raw))


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_changed_byte_is_noticed_however_it_is_packed(tmp_path, packing):
    with pytest.raises(Refused) as refused:
        unpack(damaged(packing), tmp_path)
    assert refused.value.why == "zip_damaged"
    assert files(tmp_path) == []


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_damaged_entry_costs_that_photo_alone(tmp_path, packing):
    done = unpack(damaged(packing, "good.jpg"), tmp_path)
    assert done.photos == 1
    assert [(name, refused.why) for name, refused in done.left_out] == [("first.jpg", "zip_entry")]
    assert [path.name for path in files(tmp_path)] == ["good.jpg"]


def test_a_zip_made_on_windows_has_folders(tmp_path):
    """`\\` between folders, as some programs write it; what a Mac added is left out."""
    done = unpack(
        zipped(
            ("trip\\2019\\a.jpg", b"1"),
            ("trip\\2020\\a.jpg", b"2"),
            ("trip\\__MACOSX\\._a.jpg", b"3"),
            ("trip\\", b""),
        ),
        tmp_path,
    )
    assert (done.photos, done.ignored) == (2, 1)
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in files(tmp_path)}
    assert found == {"trip/2019/a.jpg": b"1", "trip/2020/a.jpg": b"2"}


@pytest.mark.parametrize(
    ("limit", "value", "why"),
    [
        ("MAX_ZIP_PHOTOS", 1, "zip_photos"),
        ("MAX_ZIP_ENTRIES", 1, "zip_entries"),
        ("MAX_UNPACKED_MB", 0, "zip_size"),
    ],
)
def test_limits(tmp_path, monkeypatch, limit, value, why):
    monkeypatch.setattr(uploads, limit, value)
    with pytest.raises(Refused) as refused:
        unpack(zipped(("a.jpg", b"1"), ("b.jpg", b"2")), tmp_path)
    assert refused.value.why == why
    assert files(tmp_path) == []


def test_a_photo_of_too_many_pixels_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_PIXELS", 100)
    done = unpack(zipped(("small.jpg", jpeg()), ("large.jpg", jpeg((20, 20)))), tmp_path)
    assert done.photos == 1
    assert [(name, refused.why) for name, refused in done.left_out] == [("large.jpg", "pixels")]
    assert [path.name for path in files(tmp_path)] == ["small.jpg"]


def test_pixels_and_count():
    check_pixels(io.BytesIO(b"no photo at all"))
    check_pixels(io.BytesIO(jpeg()))
    check_count(uploads.MAX_PHOTOS)
    with pytest.raises(Refused, match="51"):
        check_count(uploads.MAX_PHOTOS + 1)


@settings(deadline=None, max_examples=50)
@given(parts=st.lists(st.sampled_from(["..", ".", "a", "", "C:", "b.jpg", "\\"]), min_size=1))
def test_no_name_writes_outside(tmp_path_factory, parts):
    top = tmp_path_factory.mktemp("zip")
    inside = top / "inside"
    inside.mkdir()
    with contextlib.suppress(Refused):
        unpack(zipped(("/".join(parts) + ".jpg", b"x")), inside)
    assert [path for path in files(top) if not path.is_relative_to(inside)] == []


class Upload(io.BytesIO):
    """A file as a visitor gives it."""

    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(data)
        self.name, self.size = name, len(data)


def test_loose_photos_and_zips_are_taken_in_together(tmp_path):
    files = [
        Upload("one.jpg", jpeg()),
        Upload("one.jpg", jpeg()),
        Upload("folder/.hidden.jpg", jpeg()),
        Upload("folder/two.png", jpeg()),
        Upload("../out.jpg", jpeg()),
        Upload("notes.txt", b"x"),
        Upload("more.ZIP", zipped(("three.jpg", jpeg()), ("x.txt", b"x")).getvalue()),
    ]
    unpacked = take_in(files, tmp_path / "in")
    assert (unpacked.photos, unpacked.ignored, unpacked.left_out) == (4, 4, ())
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    names = ("one.jpg", "one (2).jpg", "folder/two.png", "three.jpg")
    assert written == {f"in/{name}" for name in names}


@pytest.mark.parametrize(
    ("limit", "value", "why"),
    [("MAX_ZIP_PHOTOS", 1, "loose_photos"), ("MAX_UNPACKED_MB", 0, "loose_size")],
)
def test_too_many_loose_photos_are_refused(tmp_path, monkeypatch, limit, value, why):
    monkeypatch.setattr("pilah.uploads." + limit, value)
    with pytest.raises(Refused) as refused:
        take_in([Upload("one.jpg", jpeg()), Upload("two.jpg", jpeg())], tmp_path)
    assert refused.value.why == why
    assert list(tmp_path.iterdir()) == []


def test_zips_share_one_limit(tmp_path, monkeypatch):
    photo = random.Random(1).randbytes(600_000)  # no photo, but of the size of one
    monkeypatch.setattr("pilah.uploads.MAX_UNPACKED_MB", 1)
    zips = [Upload(f"{name}.zip", zipped((f"{name}.jpg", photo)).getvalue()) for name in "ab"]
    assert take_in(zips[:1], tmp_path / "one").photos == 1
    with pytest.raises(Refused) as refused:
        take_in(zips, tmp_path / "both")
    assert refused.value.why == "loose_size"


def test_a_photo_whose_name_is_too_long_costs_that_photo_alone(tmp_path):
    name = "写" * 100 + ".jpg"
    unpacked = take_in([Upload(name, jpeg()), Upload("ok.jpg", jpeg())], tmp_path)
    assert unpacked.photos == 1
    assert [(left, refused.why) for left, refused in unpacked.left_out] == [(name, "name_long")]
    assert [path.name for path in tmp_path.iterdir()] == ["ok.jpg"]


def test_files_without_a_photo_are_refused(tmp_path):
    with pytest.raises(Refused) as refused:
        take_in([Upload("notes.txt", b"x")], tmp_path)
    assert refused.value.why == "loose_empty"
