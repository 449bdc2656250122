"""A web server that answers wrongly, slowly or by half costs its photos, and never the run."""

import io
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pilah.cluster import remote
from tests.cluster.classified import RUN, face, finish, once

SLOW = threading.Event()


def photo() -> bytes:
    made = io.BytesIO()
    face().save(made, "JPEG")
    return made.getvalue()


class Handler(socketserver.StreamRequestHandler):
    """Answers each path in a way of its own."""

    def handle(self) -> None:
        path = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
        content = photo()
        whole = head + b"Content-Length: %d\r\n\r\n" % len(content) + content
        answers = {
            "/a%20b.jpg": whole,
            "/%C3%A4.jpg": whole,
            "/no-length.jpg": head + b"\r\n" + content,
            "/half.jpg": whole[: -len(content) // 2],
            "/chunk.jpg": head + b"Transfer-Encoding: chunked\r\n\r\nfff\r\nhalf",
            "/status.jpg": b"\0\1\2\r\n\r\n",
            "/header.jpg": head + b"X: " + 70_000 * b"x" + b"\r\n\r\n",
            "/nothing.jpg": b"",
            "/list.txt": head + b"Content-Length: 100\r\n\r\n" + b"http://127.0.0.1/0.jp",
        }
        if path.startswith("/busy"):
            time.sleep(0.02)
            self.wfile.write(b"HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\n")
        elif path == "/slow.jpg":
            self.wfile.write(head + b"Content-Length: 1000\r\n\r\n")
            self.wfile.flush()
            SLOW.wait(60)
        else:
            self.wfile.write(answers[path])


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@pytest.fixture
def web() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        SLOW.set()
        server.shutdown()
    SLOW.clear()


def test_each_wrong_answer_is_the_row_of_its_photo(web: str, tmp_path: Path) -> None:
    good = [f"{web}/{name}.jpg" for name in ("a b", "ä", "no-length")]
    bad = [f"{web}/{n}.jpg" for n in ("half", "chunk", "status", "header", "nothing")]
    other = ["http://[bad/x.jpg", "file://[bad/x.jpg", "hf://datasets/a/b.jpg", "dir://x/y.jpg"]
    (tmp_path / "list.txt").write_text("\n".join([*good, *bad, *other]), encoding="utf-8")
    code, _, err = finish(tmp_path, tmp_path / "list.txt", "--to", tmp_path / "out")
    assert code == 1 and "Traceback" not in err
    found = once(tmp_path / "out")
    assert set(found) == {*good, *bad, *other}
    assert [path for path, row in found.items() if row["error"] is None] == good
    assert "cut off" in found[bad[0]]["error"]
    reasons = [row["error"] for row in found.values() if row["error"]]
    assert max(map(len, reasons)) < 300 and not any("\n" in reason for reason in reasons)


def test_a_list_that_came_by_half_is_refused(web: str, tmp_path: Path) -> None:
    code, out, err = finish(tmp_path, f"{web}/list.txt", "--to", tmp_path / "out")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "cut off: 21 of 100 bytes came" in err


def test_a_file_that_takes_too_long_is_given_up(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MOST_SECONDS", 0)
    with pytest.raises(OSError, match="more than 0 seconds"):
        remote.fetched(f"{web}/no-length.jpg")


def test_answered_portions_stay_when_no_photo_can_be_fetched(web: str, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{web}/busy-{number}.jpg\n" for number in range(100_000)))
    target = tmp_path / "out"
    command = [sys.executable, "-c", RUN, "classify", str(listed), "--to", str(target)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        try:
            end = time.monotonic() + 90
            while not list(target.glob("part-*.parquet")) and time.monotonic() < end:
                time.sleep(0.2)
            assert list(target.glob("part-*.parquet"))
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=60)


def test_ctrl_c_does_not_wait_for_a_server(web: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{web}/slow.jpg\n")
    words = ["classify", str(tmp_path / "list.txt"), "--to", str(tmp_path / "out")]
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *words], stderr=subprocess.PIPE, text=True
    ) as process:
        while not (tmp_path / "out" / ".pilah" / "model.json").is_file():
            time.sleep(0.05)
        time.sleep(1)  # now it waits for the photo
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "pilah: stopped. Run the same command again to resume.\n"
