"""Folders, disks and moments that a sort must survive, through the command line."""

import csv
import json
import os
import shlex
import signal
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from folders import ENV, PILAH, run, tree_of, write_photos
from PIL import Image

pytestmark = pytest.mark.usefixtures("disk_kind")

EXIF_ORIENTATION = 0x0112


def bomb() -> bytes:
    """A PNG whose header promises 20,000 by 20,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(bytes(10_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


def write_hostile(folder: Path) -> tuple[set[bytes], set[bytes]]:
    """Fill a folder; the names of the good photos and of the bad ones."""
    face = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 330, 210))
    (folder / "sub").mkdir(parents=True)
    face.save(folder / "one.jpg")
    face.save(folder / "sub/one.jpg", quality=50)
    Image.new("RGB", (1, 1)).save(folder / "pixel.png")
    face.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(np.full((50, 50), 30_000, np.uint16)).save(folder / "deep.tif")
    face.save(folder / "moving.gif", save_all=True, append_images=[Image.new("RGB", (9, 9))])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = orientation
        face.save(folder / f"exif{orientation}.jpg", exif=exif)
    whole = (folder / "one.jpg").read_bytes()
    for name in (b"two\nlines.jpg", "smile 😀.jpg".encode(), b"n" * 200 + b".jpg", b"\xff\xfe.jpg"):
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(whole)
    good = {os.path.basename(path) for path in names_in(folder)}
    (folder / "zero.jpg").touch()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("not a photo")
    (folder / "bomb.png").write_bytes(bomb())
    (folder / "lost.jpg").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.jpg")
    bad = {b"zero.jpg", b"cut.jpg", b"text.jpg", b"bomb.png", b"lost.jpg", b"pipe.jpg"}
    if os.geteuid() != 0:  # root may read everything
        (folder / "secret.jpg").write_bytes(whole)
        (folder / "secret.jpg").chmod(0)
        bad.add(b"secret.jpg")
    (folder / "sub/loop").symlink_to("..")
    (folder / "self.jpg").symlink_to("self.jpg")
    bad.add(b"self.jpg")
    return good, bad


def names_in(folder: Path) -> list[bytes]:
    return [
        os.path.join(top, name) for top, _, names in os.walk(os.fsencode(folder)) for name in names
    ]


def test_everything_else_is_sorted_and_each_failure_is_named(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    source, target = tmp_path / "in", tmp_path / "in/sorted"
    good, bad = write_hostile(source)
    if os.geteuid() != 0:
        (source / "secret.jpg").chmod(0o600)
    before = tree_of(tmp_path)
    if os.geteuid() != 0:
        (source / "secret.jpg").chmod(0)
    command = ("sort", source, "--to", target, "--model", tiny_bundle)
    code, _, err = run(*command)
    assert code == 1, err
    bins = ["female", "male", "mixed", "unsure", "no_face"]
    sorted_names = [os.path.basename(p) for bin in bins for p in names_in(target / bin)]
    assert sorted(sorted_names) == sorted([*good, b"one (2).jpg"])
    unreadable = {os.path.basename(path) for path in names_in(target / "unreadable")}
    assert unreadable == {b"zero.jpg", b"cut.jpg", b"text.jpg", b"bomb.png"}
    with (target / "results.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(good) + 1 + len(bad)
    failed = {os.path.basename(row["path"]): row["error"] for row in rows if row["error"]}
    assert {name.encode() for name in failed} == bad
    assert all(failed.values())
    page = (target / "report.html").read_text(encoding="utf-8")
    assert all(name.decode() in page and name.decode() in err for name in bad)
    assert run(*command)[0] == 1
    assert run("undo", target)[0] == 0
    if os.geteuid() != 0:
        (source / "secret.jpg").chmod(0o600)
    assert tree_of(tmp_path) == before


@pytest.mark.parametrize("mode", ["--move", "--link"])
def test_hostile_names_come_back_from_every_mode(
    tmp_path: Path, tiny_bundle: Path, mode: str
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name in (b"two\nlines.jpg", "smile 😀.jpg".encode(), b"n" * 251 + b".jpg", b"\xff\xfe.jpg"):
        with open(os.path.join(os.fsencode(source), name), "wb") as file:
            file.write(name)
    before = tree_of(tmp_path)
    code, out, _ = run(
        "sort", source, "--to", tmp_path / "out", "--json", "--model", tiny_bundle, mode
    )
    assert (code, json.loads(out)["counts"]["unreadable"]) == (1, 4)
    assert len(names_in(tmp_path / "out/unreadable")) == 4
    assert run("undo", tmp_path / "out")[0] == 0
    assert tree_of(tmp_path) == before


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, 1 MB large."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or not mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", folder):
        pytest.skip("mounting a small disk takes root; the limit on file sizes is tested instead")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def mount(*arguments: str | Path) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True).returncode == 0


def write_noise(folder: Path, count: int) -> None:
    """Photos of some 100 kB each."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        pixels = random.integers(0, 256, (190, 180, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")


def assert_nothing_half_written(source: Path, target: Path) -> int:
    """How many photos lie in the bins, all of them whole."""
    placed = [path for path in target.glob("*/*.png") if path.parent.name != ".pilah"]
    for path in placed:
        assert path.read_bytes() == (source / path.name).read_bytes()
    return len(placed)


def test_a_disk_that_fills_up_is_one_line_and_the_sort_goes_on_later(
    tmp_path: Path, tiny_bundle: Path, disk: Path
) -> None:
    source, target = tmp_path / "in", disk / "out"
    write_noise(source, 14)
    before = tree_of(source)
    command = ("sort", source, "--to", target, "--model", tiny_bundle)
    code, _, err = run(*command)
    assert code == 2
    assert len(err.splitlines()) == 1
    for words in ("stopped after", "No space left", "MB free", "untouched", "run the same command"):
        assert words in err
    assert 0 < assert_nothing_half_written(source, target) < 14
    assert mount("-o", "remount,size=20m", disk)
    assert run(*command)[0] == 0
    assert assert_nothing_half_written(source, target) == 14
    assert run("undo", target)[0] == 0
    assert (tree_of(source), os.listdir(disk)) == (before, [])


def test_a_move_to_another_disk_comes_back(tmp_path: Path, tiny_bundle: Path, disk: Path) -> None:
    source, target = tmp_path / "in", disk / "out"
    write_noise(source, 5)
    before = tree_of(source)
    assert run("sort", source, "--to", target, "--move", "--model", tiny_bundle)[0] == 0
    assert os.listdir(source) == []
    assert run("undo", target)[0] == 0
    assert (tree_of(source), os.listdir(disk)) == (before, [])


def test_a_file_that_may_not_grow_stops_the_sort_the_same_way(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    write_noise(source, 2)
    command = [*PILAH, "sort", source, "--to", target, "--model", tiny_bundle]
    words = " ".join(shlex.quote(str(word)) for word in command)
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 50; {words}"], env=ENV, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert "stopped after 0 photos" in done.stderr and len(done.stderr.splitlines()) == 1
    assert assert_nothing_half_written(source, target) == 0


def test_a_read_only_target_is_told_before_anything_is_read(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    write_noise(tmp_path / "in", 1)
    target = tmp_path / "out"
    target.mkdir(mode=0o500)
    if os.geteuid() == 0 and not mount("-t", "tmpfs", "-o", "ro", "tmpfs", target):
        pytest.skip("root may write everywhere, and nothing can be mounted read-only")
    try:
        code, _, err = run("sort", tmp_path / "in", "--to", target, "--model", tiny_bundle)
        assert code == 2
        assert "cannot write to" in err and len(err.splitlines()) == 1
        assert os.listdir(target) == []
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", "-l", target], check=True)


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, tiny_bundle: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    write_photos(source, 60)
    command = ("sort", source, "--to", target, "--model", tiny_bundle)
    process = subprocess.Popen([*PILAH, *command], env=ENV, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(target.glob("*/*.jpg")):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    err = process.communicate()[1]
    assert process.returncode == 130, err
    assert "Run the same command again" in err and len(err.splitlines()) == 1
    assert run(*command)[0] == 1
    assert run("undo", target)[0] == 0
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_ctrl_c_while_workers_start_is_one_line(
    tmp_path: Path, tiny_bundle: Path, delay: float
) -> None:
    """A terminal sends Ctrl-C to the workers too, which may still be importing."""
    source, target = tmp_path / "in", tmp_path / "out"
    write_photos(source, 60)
    process = subprocess.Popen(
        [*PILAH, "sort", source, "--to", target, "--model", tiny_bundle],
        env=ENV,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None and len(children.read_text().split()) < 2:  # tracker, worker
        time.sleep(0.001)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    err = process.communicate()[1]
    assert process.returncode == 130, err
    assert "Run the same command again" in err and len(err.splitlines()) == 1


def test_one_way_only(tmp_path: Path) -> None:
    code, _, err = run("sort", tmp_path, "--to", tmp_path / "out", "--move", "--link")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "exclude each other" in err
