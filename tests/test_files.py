"""Files are written whole or not at all and never over another one; locks hold."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pilah.errors import DataError
from pilah.files import (
    MAX_NAME,
    free_name,
    numbered,
    open_locked,
    replacing,
    reserve,
    scratch_folder,
    staged,
    write_again,
    write_text,
)


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_text("old")
    with replacing(path) as draft:
        draft.write_text("new")
        assert path.read_text() == "old"
        assert draft.suffix == ".keras"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["model.keras"]


def test_an_error_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text("old")
    with pytest.raises(KeyError), replacing(path) as draft:
        draft.write_text("half")
        raise KeyError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["numbers.json"]


def test_a_kill_leaves_the_old_file_and_the_next_write_tidies_up(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text("old")
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom pilah.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as draft:\n"
        "    draft.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert killed.returncode == -9
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["numbers.json"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text("old")
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from pilah.files import write_text\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_text(Path(sys.argv[1]), 'x' * 5000)\nexcept OSError:\n    sys.exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 7
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["numbers.json"]


def test_a_disk_that_refuses_to_flush_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse)
    write_text(tmp_path / "card.md", "card")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["card"]


def test_staged_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "audit"
    with pytest.raises(KeyError), staged(folder, ["a.md", "a.json"]) as scratch:
        (scratch / "a.md").write_text("half")
        raise KeyError
    assert os.listdir(folder) == []
    with staged(folder, ["a.md", "a.json"]) as scratch:
        (scratch / "a.md").write_text("text")
        (scratch / "a.json").write_text("{}")
        (scratch / "not named").write_text("")
    assert sorted(os.listdir(folder)) == ["a.json", "a.md"]


def test_what_a_kill_left_in_a_scratch_folder_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / ".drafts"
    (folder / "more").mkdir(parents=True)
    (folder / "a.json").write_text("half")
    (folder / "more" / "b.json").write_text("half")
    with scratch_folder(folder) as scratch:
        assert os.listdir(scratch) == [".lock"]
    assert os.listdir(tmp_path) == []

    mine = tmp_path / "mine"
    mine.mkdir()
    folder.symlink_to(mine)
    with scratch_folder(folder) as scratch:
        (scratch / "a.json").write_text("half")
    assert os.listdir(tmp_path) == ["mine"] and os.listdir(mine) == []


def test_two_processes_do_not_share_a_scratch_folder(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / ".drafts") as scratch:
        (scratch / "a.json").write_text("half")
        with (
            pytest.raises(DataError, match="another pilah is writing into"),
            scratch_folder(tmp_path / ".drafts"),
        ):
            pass
        assert (scratch / "a.json").read_text() == "half"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "taken", "free"),
    [
        ("x.jpg", [], "x.jpg"),
        ("x.jpg", ["x.jpg"], "x (2).jpg"),
        ("x.jpg", ["x.jpg", "x (2).jpg"], "x (3).jpg"),
        ("x (2).jpg", ["x (2).jpg"], "x (2) (2).jpg"),
        ("x.tar.gz", ["x.tar.gz"], "x.tar (2).gz"),
        (".hidden", [".hidden"], ".hidden (2)"),
        ("no ending", ["no ending"], "no ending (2)"),
    ],
)
def test_a_free_name(name: str, taken: list[str], free: str) -> None:
    assert free_name(name, taken.__contains__) == free


@pytest.mark.parametrize("letter", ["a", "é", "写"])
def test_a_numbered_name_fits_every_file_system(letter: str) -> None:
    for number in (2, 1000):
        name = numbered(letter * 300 + ".jpg", number)
        assert MAX_NAME - 4 < len(name.encode()) <= MAX_NAME
        assert name.endswith(f"{letter} ({number}).jpg")


def test_one_process_at_a_time_may_hold_a_file(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with pytest.raises(FileNotFoundError):
        open_locked(path, create=False)
    descriptor = open_locked(path, create=True)
    other = f"from pilah.files import open_locked; open_locked({str(path)!r}, create=False)"
    command = [sys.executable, "-c", other]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "BlockingIOError" in refused.stderr
    os.close(descriptor)
    assert subprocess.run(command, check=False).returncode == 0


@pytest.mark.parametrize("fill", [reserve, write_again])
def test_reserving_fills_holes_and_keeps_the_content(tmp_path: Path, fill) -> None:
    path = tmp_path / "array.npy"
    size = 3 * 2**20 + 5
    with path.open("w+b") as file:
        file.write(b"header")
        file.truncate(size)
        assert os.fstat(file.fileno()).st_blocks * 512 < size
        fill(file)
    content = path.read_bytes()
    assert content[:6] == b"header" and len(content) == size and not any(content[6:])
    assert path.stat().st_blocks * 512 >= size
