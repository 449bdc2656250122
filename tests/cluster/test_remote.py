"""Photos from an S3 server and a web server that really run, on loopback."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from pilah.errors import DataError
from tests.cluster.classified import once, write_photos
from tests.cluster.test_sources import answered

BUCKET = "s3://album"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An S3 server with photos; the folder has the same ones."""
    folder = tmp_path_factory.mktemp("album")
    write_photos(folder, 3)
    write_photos(folder / "a b", 2)
    write_photos(folder / ".thumbnails", 1)
    (folder / "film.mp4").write_bytes(b"film")
    (folder / "broken.jpg").write_bytes(b"no photo")
    pq.write_table(pa.table({"uri": [f"{BUCKET}/0000.jpg"]}), folder / "list.parquet")
    content = [(folder / "0000.jpg").read_bytes()] * 2
    pq.write_table(pa.table({"image": content}), folder / "photos.parquet")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="album")
        for path in folder.rglob("*.*"):
            if path.is_file():
                client.upload_file(str(path), "album", str(path.relative_to(folder)))
        yield folder
    server.stop()


def test_a_bucket_is_answered_as_a_folder_is(bucket: Path, tmp_path: Path) -> None:
    here, there = answered(tmp_path / "here", bucket), answered(tmp_path / "there", f"{BUCKET}/")
    assert {path.removeprefix(f"{BUCKET}/") for path in there} == {
        path.removeprefix(f"{bucket}/") for path in here
    }
    assert len(here) == 6
    for path, row in there.items():
        same = here[str(bucket / path.removeprefix(f"{BUCKET}/"))]
        assert (row["faces"], row["size"], row["error"]) == (
            same["faces"],
            same["size"],
            same["error"],
        )


def test_tables_patterns_and_single_photos_of_a_bucket(bucket: Path, tmp_path: Path) -> None:
    sources = (f"{BUCKET}/*.parquet", f"{BUCKET}/*/0001.jpg", f"{BUCKET}/0002.jpg")
    found = answered(tmp_path / "out", *sources)
    assert list(found) == [
        f"{BUCKET}/0000.jpg",
        f"{BUCKET}/photos.parquet#0",
        f"{BUCKET}/photos.parquet#1",
        f"{BUCKET}/a b/0001.jpg",
        f"{BUCKET}/0002.jpg",
    ]
    assert all(row["error"] is None for row in found.values())


def test_what_is_not_there_is_a_row_or_one_line(bucket: Path, tmp_path: Path) -> None:
    text = tmp_path / "list.txt"
    text.write_text(f"{BUCKET}/gone.jpg\n{BUCKET}/0000.jpg\ns3://nowhere/x.jpg\nzz://x/y.jpg\n")
    found = answered(tmp_path / "out", text)
    assert [bool(row["error"]) for row in found.values()] == [True, False, True, True]
    assert all("\n" not in (row["error"] or "") for row in found.values())
    for source in ("s3://nowhere/folder", f"{BUCKET}/gone", f"{BUCKET}/**/x.jpg"):
        with pytest.raises(DataError) as raised:
            answered(tmp_path / "refused", source)
        assert "\n" not in str(raised.value)
    assert not list((tmp_path / "refused").glob("*"))


def test_photos_of_a_web_server(tmp_path: Path) -> None:
    write_photos(tmp_path / "web", 2)
    handler = partial(Quiet, directory=str(tmp_path / "web"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        root = f"http://127.0.0.1:{server.server_address[1]}"
        text = tmp_path / "list.txt"
        text.write_text(f"{root}/0000.jpg\n{root}/gone.jpg\n")
        answered(tmp_path / "out", text, f"{root}/0001.jpg")
        server.shutdown()
    found = once(tmp_path / "out")
    assert [row["error"] for row in found.values()][::2] == [None, None]
    assert "404" in found[f"{root}/gone.jpg"]["error"]
