"""Real sorts, killed.

By default each mode is killed a few times in a row over a few photos. The long version,
`PILAH_KILLS=20 PILAH_KILL_PHOTOS=300 pytest tests/sorting/test_kill.py`, kills each that often,
every time from the start, each followed by its own resume and undo.
"""

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from folders import ENV, PILAH, run, tree_of, write_photos

from pilah.sorting import undo_sort

PHOTOS = int(os.environ.get("PILAH_KILL_PHOTOS", 30))
KILLS = int(os.environ.get("PILAH_KILLS", 4))
ROUNDS = KILLS if "PILAH_KILLS" in os.environ else 1
pytestmark = pytest.mark.usefixtures("disk_kind")


def kill_at(lines: int, moment: float, target: Path, *arguments: str | Path) -> bool:
    """Start a command and kill it some time after its journal has so many lines.

    Returns:
        Whether it was killed before it had ended.
    """
    process = subprocess.Popen(
        [*PILAH, *arguments],
        env=ENV,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and lines_of(target) < lines:
        time.sleep(0.0005)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def lines_of(target: Path) -> int:
    with contextlib.suppress(OSError):
        return (target / ".pilah/journal.jsonl").read_bytes().count(b"\n")
    return 0


@pytest.mark.parametrize("mode", ["copy", "move", "link"])
def test_killed_resumed_undone_nothing_is_lost(
    tmp_path: Path, tiny_bundle: Path, mode: str
) -> None:
    chance = random.Random(mode)
    source, target = tmp_path / "in", tmp_path / "out"
    write_photos(source, PHOTOS)
    photos = sorted(content for content, _ in tree_of(source).values() if content != "folder")
    before = tree_of(tmp_path)
    command = ("sort", source, "--to", target, f"--{mode}", "--model", tiny_bundle)
    killed = 0
    for _ in range(ROUNDS):
        for _ in range(KILLS // ROUNDS):
            least = lines_of(target)
            lines = chance.randint(least, max(least, 3 * PHOTOS + 12))
            killed += kill_at(lines, chance.uniform(0, 0.004), target, *command)
        code, _, err = run(*command)
        assert code == 1, err  # some are not photos
        assert contents(target) == photos
        assert contents(source) == ([] if mode == "move" else photos)
        killed_undo(chance, target)
        if tree_of(tmp_path) != before:
            assert undo_sort(target).left == ()
        assert tree_of(tmp_path) == before
    assert killed


def killed_undo(chance: random.Random, target: Path) -> None:
    lines = lines_of(target) + chance.randint(1, PHOTOS)
    kill_at(lines, chance.uniform(0, 0.004), target, "undo", target)


def contents(folder: Path) -> list[str]:
    """What the photos and companions below a folder hold, through links."""
    paths = [*folder.rglob("*.jpg"), *folder.rglob("*.xmp")]
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def test_a_killed_report_of_corrected_folders_is_whole_or_the_one_before(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    chance = random.Random("report")
    source, target = tmp_path / "in", tmp_path / "out"
    write_photos(source, PHOTOS)
    before = tree_of(tmp_path)
    run("sort", source, "--to", target, "--move", "--model", tiny_bundle)
    (target / "female").mkdir(exist_ok=True)
    moved = sorted((target / "no_face").glob("*.jpg"))[:5]
    old = (target / "report.html").read_bytes()
    for path in moved:
        path.rename(target / "female" / f"moved {path.name}")
    killed = 0
    for _ in range(KILLS):
        least = lines_of(target)
        lines = chance.randint(least, least + 8)
        killed += kill_at(lines, chance.uniform(0, 0.004), target, "report", target)
        page = (target / "report.html").read_bytes()
        assert page == old or b"5 corrected by hand" in page
        assert page.endswith(b"</html>")
    assert killed
    code, out, err = run("report", target)
    assert (code, "5 corrected by hand" in out) == (0, True), err
    corrections = (target / "corrections.csv").read_text().splitlines()
    assert len(corrections) == 1 + len(moved)
    assert undo_sort(target).left == ()
    assert tree_of(tmp_path) == before
