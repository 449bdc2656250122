"""A target may have any name that a folder may have, and one that it may not have is one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from tests.video.clips import Actor, hopper, pictures, still_at, write_clip

RUN = "from pilah.cli import main; main()"
TOO_LONG = "x" * 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photo and a clip, where the commands run: their targets are relative."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "photos").mkdir()
    Image.fromarray(skimage.data.astronaut()).save(folder / "photos" / "one.jpg")
    write_clip(folder / "clip.mp4", pictures([Actor(hopper(), still_at(320, 180, 200))], 0.5))
    return folder


def run(folder: Path, *words: str | bytes) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", RUN, *words], cwd=folder, capture_output=True, text=True
    )


COMMANDS = [("sort", "photos"), ("classify", "photos"), ("video", "clip.mp4")]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("name", [b"talk: 1", b"12:30", b"s3:x", b"caf\xe9", b"a\nb"])
def test_any_name_will_do(folder: Path, words: tuple[str, ...], name: bytes) -> None:
    target = words[0].encode() + name
    done = run(folder, *words, "--to", target, "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(os.path.join(os.fsencode(folder), target))
    if words[0] != "video":
        assert run(folder, "report", target).returncode == 0


@pytest.mark.parametrize(
    "words", [*((*command, "--to") for command in COMMANDS), ("report",), ("undo",)], ids=str
)
def test_a_name_that_is_too_long_is_one_line(folder: Path, words: tuple[str, ...]) -> None:
    done = run(folder, *words, TOO_LONG)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert TOO_LONG in done.stderr and "too long" in done.stderr
