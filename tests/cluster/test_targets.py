"""The folder of shards: what it refuses, what stays true after a kill, what damage does to it."""

import json
import os
import shutil
import socketserver
import threading
from importlib.util import find_spec
from pathlib import Path

import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pilah.models.bundle import METADATA_KEY
from tests.cluster.classified import finish, once, rows, summary, write_photos
from tests.conftest import write_tiny_bundle

LISTING = ".pilah/listing.sqlite"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos, and a folder with their shard."""
    folder = tmp_path_factory.mktemp("done")
    write_photos(folder / "photos", 3)
    assert finish(folder, folder / "photos", "--to", folder / "out")[0] == 0
    return folder


@pytest.fixture
def again(done: Path, tmp_path: Path) -> Path:
    """A copy of that folder's shards, to be damaged."""
    shutil.copytree(done / "out", tmp_path / "out")
    return tmp_path / "out"


def refused(scratch: Path, *words: object) -> str:
    code, out, err = finish(scratch, *words)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    return err


def report(scratch: Path, folder: Path) -> tuple[int, str, str]:
    code = "import sys; sys.argv[1] = 'report'\n"
    return finish(scratch, folder, before=code)


def test_a_summary_is_true_of_all_shards_or_not_there(done: Path, again: Path) -> None:
    write_photos(again.parent / "more", 1)
    words = (done / "photos", again.parent / "more", "--to", again)
    ends = (
        "import os, pilah.cluster.classify as run\n"
        "run.write_summary = lambda *_: os._exit(9)\n"  # all shards are there, and then a kill
    )
    assert finish(again.parent, *words, before=ends)[0] == 9
    assert len(rows(again)) == 4 and not (again / "summary.json").exists()
    assert finish(again.parent, *words)[0] == 0
    assert summary(again)["photos"] == 4


@pytest.mark.parametrize("size", [0, None])
def test_shards_without_their_list_are_refused(done: Path, again: Path, size: int | None) -> None:
    if size is None:
        (again / LISTING).unlink()
    else:
        os.truncate(again / LISTING, size)
    assert "not the list that they are of" in refused(done, done / "photos", "--to", again)


def test_a_damaged_list_and_a_damaged_model_are_one_line(done: Path, again: Path) -> None:
    whole = (again / LISTING).read_bytes()
    (again / LISTING).write_bytes(whole[:100] + bytes(len(whole) - 100))
    assert "is damaged; give another --to" in refused(done, done / "photos", "--to", again)
    (again / ".pilah" / "model.json").write_bytes(b"\xff\xfe{")
    code, out, err = report(done, again)
    assert (code, out, err.count("\n")) == (2, "", 1) and "missing or damaged" in err


def test_a_shard_of_other_columns_is_named(done: Path, again: Path) -> None:
    pq.write_table(pa.table({"path": ["x"], "error": ["y"]}), again / "part-000000.parquet")
    code, _, err = report(done, again)
    assert code == 2 and "part-000000.parquet cannot be read (its columns are others)" in err


def test_report_says_what_is_missing(done: Path, again: Path) -> None:
    (again / "part-000000.parquet").unlink()
    code, out, _ = report(done, again)
    assert code == 0 and "0 of 3 listed photos are answered" in out


def test_photos_of_one_name_in_two_tables_are_two(tmp_path: Path) -> None:
    photo = (write_photos(tmp_path / "photos", 1) / "0000.jpg").read_bytes()
    for name in "ab":
        table = pa.table({"path": ["0.jpg", "1.jpg"], "bytes": [photo, b"none"]})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    words = (tmp_path / "a.parquet", tmp_path / "b.parquet", "--to", tmp_path / "out")
    assert finish(tmp_path, *words)[0] == 1
    names = {"0.jpg", "1.jpg", f"{tmp_path}/b.parquet#0", f"{tmp_path}/b.parquet#1"}
    assert set(once(tmp_path / "out")) == names
    finish(tmp_path, *words)
    assert set(once(tmp_path / "out")) == names


def test_another_model_of_the_same_name_is_refused(tmp_path: Path) -> None:
    photos, model = write_photos(tmp_path / "photos", 1), tmp_path / "m.onnx"
    write_tiny_bundle(model, (32, 24))
    words = (photos, "--to", tmp_path / "out", "--model", model)
    assert finish(tmp_path, *words)[0] == 0
    changed = onnx.load(model)
    for entry in changed.metadata_props:
        if entry.key == METADATA_KEY:
            entry.value = json.dumps({**json.loads(entry.value), "licence": "another"})
    onnx.save(changed, model)
    assert "give the same options again, or another --to" in refused(tmp_path, *words)


def test_a_target_of_another_command_or_place_is_refused(done: Path, tmp_path: Path) -> None:
    (tmp_path / "sorted" / ".pilah").mkdir(parents=True)
    (tmp_path / "sorted" / ".pilah" / "journal.jsonl").write_text("{}\n")
    said = refused(done, done / "photos", "--to", tmp_path / "sorted")
    assert "was written by `pilah sort`" in said
    assert "no folder of this machine" in refused(done, done / "photos", "--to", "s3://bucket/out")
    sort = "import sys; sys.argv[1] = 'sort'\n"
    code, _, err = finish(done, done / "photos", "--to", done / "out", before=sort)
    assert code == 2 and "was written by `pilah classify`" in err


@pytest.mark.skipif(not find_spec("ray"), reason="no Ray for this Python or machine")
def test_an_address_where_another_program_listens_is_one_line(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Web(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Web) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{server.server_address[1]}")
        said = refused(done, done / "photos", "--to", tmp_path / "out", "--engine", "ray")
        server.shutdown()
    assert "what listens there is no Ray" in said
