"""Ray's actors and the driver are killed, and the shards are as one machine writes them."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import pilah
from tests.cluster.classified import (
    ENDS_ITS_ACTOR,
    ENDS_ITS_READER,
    face,
    finish,
    once,
    processes,
    start,
    summary,
    wait_until,
    write_photos,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc"),
    pytest.mark.skipif(not find_spec("ray"), reason="no Ray for this Python or machine"),
]

PHOTOS = 330


def shards(target: Path) -> int:
    return len(list(target.glob("part-*")))


def listening(scratch: Path) -> set[str]:
    """Addresses at which processes of a run listen."""
    own = {f"pid={pid}," for pid in processes(scratch)}
    lines = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    return {
        line.split()[3].rsplit(":", 1)[0]
        for line in lines.splitlines()
        if any(pid in line for pid in own)
    }


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder whose path is short enough for Ray's sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def test_actors_and_the_driver_are_killed_and_each_photo_has_one_row(
    tmp_path: Path, short: Path
) -> None:
    photos, target = write_photos(tmp_path / "photos", PHOTOS), tmp_path / "out"
    (photos / "0003.jpg").write_bytes(b"no photo")
    face(ENDS_ITS_READER).save(photos / "0005.jpg")
    face(ENDS_ITS_ACTOR).save(photos / "0325.jpg")
    words = (photos, "--to", target, "--engine", "ray", "--workers", 2)

    process = start(tmp_path, *words)
    for number in (1, 2):
        wait_until(lambda number=number: shards(target) >= number or process.poll() is not None)
        wait_until(lambda: processes(tmp_path, "ray::MapWorker") or process.poll() is not None)
        os.kill(processes(tmp_path, "ray::MapWorker")[0], signal.SIGKILL)
    assert listening(tmp_path) <= {"127.0.0.1", "[::ffff:127.0.0.1]", "[::1]"}
    wait_until(lambda: shards(target) >= 4)
    process.kill()
    out, err = process.communicate()
    assert (out, err) == ("", "")
    assert 4 <= shards(target) < 6
    (left,) = short.glob("pilah-ray-*")
    kept = {path: path.stat().st_mtime_ns for path in target.glob("part-*")}

    code, out, err = finish(tmp_path, *words)
    assert code == 1, err
    assert "error: reading it ended" in err and "Ray" not in out + err
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    found = once(target)
    assert set(found) == {str(path) for path in photos.iterdir()}
    errors = {Path(path).name: row["error"] for path, row in found.items() if row["error"]}
    assert set(errors) == {"0003.jpg", "0005.jpg", "0325.jpg"}
    assert "ended the process" in errors["0005.jpg"] and "several times" in errors["0325.jpg"]
    assert summary(target)["photos"] == PHOTOS and summary(target)["run"]["engine"] == "ray"

    expected = pilah.load(workers=1).predict(photos / "0000.jpg").faces
    row = found[str(photos / "0000.jpg")]
    assert [answer["p_male"] for answer in row["faces"]] == [one.p_male for one in expected]
    # Ray's own of the killed run try for a minute to tell its head why they end, and log that
    wait_until(lambda: not processes(tmp_path))
    assert {*short.glob("pilah-*")} <= {left}


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_one_line_and_leaves_no_process(
    tmp_path: Path, ending: signal.Signals
) -> None:
    photos, target = write_photos(tmp_path / "photos", PHOTOS), tmp_path / "out"
    process = start(tmp_path, photos, "--to", target, "--engine", "ray", "--workers", 1)
    wait_until(lambda: shards(target))
    os.killpg(process.pid, ending) if ending == signal.SIGINT else process.send_signal(ending)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err == "pilah: stopped. Run the same command again to resume.\n"
    wait_until(lambda: not processes(tmp_path))


def test_without_ray_the_other_engine_works_and_the_error_names_the_extra(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 1)
    none = "import sys; sys.modules['ray'] = None\n"
    words = (photos, "--to", tmp_path / "out")
    code, _, err = finish(tmp_path, *words, "--engine", "ray", before=none)
    assert code == 2 and err.count("\n") == 1 and "pip install 'pilah[cluster]'" in err
    assert finish(tmp_path, *words, before=none)[0] == 0


def test_a_cluster_that_does_not_answer_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_photos(tmp_path / "photos", 1)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    code, out, err = finish(tmp_path, photos, "--to", tmp_path / "out", "--engine", "ray")
    assert (code, out, err.count("\n")) == (2, "", 1) and "127.0.0.1:9" in err


def test_ray_is_imported_only_when_it_is_asked_for() -> None:
    code = "import sys, pilah.cli.classify, pilah.cluster.classify; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
