"""Clients that are slow, endless, half gone or damaged are ended, while others are answered."""

import contextlib
import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import skimage.data
from client import Client, assert_problem, encoded
from PIL import Image

from benchmarks.api_fuzz import workers_of
from benchmarks.memory import tree_megabytes
from demo.serving_api import served_api

HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
PORTRAIT = encoded(Image.fromarray(skimage.data.astronaut()))
LIMIT_SECONDS = 60
"""After which every connection of these tests must be over: more than limits.py allows."""


def answer_to(client: Client, parts: list[bytes], *, half_closed: bool = False) -> bytes:
    """Send bytes as they are, and read until the server closes."""
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=20) as asked:
        for part in parts:
            asked.sendall(part)
        if half_closed:
            asked.shutdown(socket.SHUT_WR)
        said = b""
        with contextlib.suppress(ConnectionResetError):
            while part := asked.recv(65536):
                said += part
        return said


@pytest.mark.parametrize(
    "parts",
    [
        [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
        [b"GET / HTTP/1.1 more\r\nHost: localhost\r\n\r\n"],
        [b"GET /healthz HTTP/1.1\r\n\r\n"],
        [b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", b"a" * 20_000],
        [b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", b"X: a\r\n" * 4000],
        [HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde"],
        [HEAD + b"Content-Length: -1\r\n\r\n"],
        [HEAD + b"Content-Length: 10\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n"],
    ],
    ids=["TLS", "version", "no host", "long header", "many headers", "two lengths",
         "negative length", "lengths and chunks"],
)  # fmt: skip
def test_what_is_no_request_is_a_problem(client: Client, parts: list[bytes]) -> None:
    said = answer_to(client, parts)
    assert said.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in said
    assert client.get("/healthz").status_code == 200


def test_an_address_without_an_end_ends_the_connection(client: Client) -> None:
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        answer_to(client, [b"GET /", *[b"a" * 60_000] * 1000])
    assert client.get("/healthz").status_code == 200


def test_a_damaged_chunk_ends_the_request(client: Client) -> None:
    said = answer_to(
        client, [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nabcde\r\nnonsense\r\n"]
    )
    assert said == b"" or said.startswith(b"HTTP/1.1 400 ")
    assert client.get("/healthz").status_code == 200


def drip(part: bytes, pause: float) -> Callable[[socket.socket], None]:
    """Send a part again and again until the server has had enough."""

    def send(asked: socket.socket) -> None:
        while True:
            asked.sendall(part)
            time.sleep(pause)

    return send


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LATE = {
    "nothing": (b"", drip(b"", 1)),
    "a slow head": (b"GET /healthz HTTP/1.1\r\nX: ", drip(b"a", 0.5)),
    "a body that stops": (HEAD + b"Content-Length: 1000\r\n\r\nabc", drip(b"", 1)),
    "an endless body": (CHUNKED, drip(b"8000\r\n" + bytes(0x8000) + b"\r\n", 0)),
    "an endless extension of a chunk": (CHUNKED, drip(b"1;" + b"a" * 1000, 0.01)),
    "a second request that never ends": (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTT",
        drip(b"", 1),
    ),
    "a body after the answer": (
        b"POST /nope HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        drip(b"10\r\n" + bytes(16) + b"\r\n", 0.1),
    ),
}


def test_slow_and_endless_senders_are_ended_while_others_are_answered(client: Client) -> None:
    """All at once, for each takes as long as limits.py allows."""
    before = tree_megabytes(client.server.process.pid)
    ended: dict[str, float] = {}

    def ask(name: str) -> None:
        head, send = LATE[name]
        with socket.create_connection(("127.0.0.1", client.server.port), timeout=60) as asked:
            sender = threading.Thread(target=quietly, args=(send, asked), daemon=True)
            with contextlib.suppress(OSError):
                asked.sendall(head)
                sender.start()
                while asked.recv(65536):
                    pass
            with contextlib.suppress(OSError):
                asked.shutdown(socket.SHUT_RDWR)
            ended[name] = time.monotonic()

    threads = [threading.Thread(target=ask, args=(name,), daemon=True) for name in LATE]
    for thread in threads:
        thread.start()
    most = before
    end = time.monotonic() + LIMIT_SECONDS
    while any(thread.is_alive() for thread in threads) and time.monotonic() < end:
        assert client.post(PORTRAIT).status_code == 200
        most = max(most, tree_megabytes(client.server.process.pid))
        time.sleep(0.5)
    assert ended.keys() == LATE.keys()
    assert most < before + 300  # one body of at most 64 MB was held


def quietly(send: Callable[[socket.socket], None], asked: socket.socket) -> None:
    with contextlib.suppress(OSError):
        send(asked)


def test_a_client_that_has_gone_takes_its_photos_along(client: Client) -> None:
    form = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\n' + PORTRAIT + b"\r\n"
        for _ in range(40)
    )
    body = form + b"--x--\r\n"
    before = gone(client)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", client.server.port), timeout=20) as asked:
            head = HEAD.replace(b"image/jpeg", b"multipart/form-data; boundary=x")
            asked.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            time.sleep(0.2)
    end = time.monotonic() + 60
    while (waiting(client) or gone(client) < before + 3) and time.monotonic() < end:
        time.sleep(0.1)
    assert (waiting(client), gone(client)) == (0, before + 3)


def gone(client: Client) -> int:
    """Requests whose client did not wait for the answer."""
    return sum(line.get("status") == 499 for line in client.server.log())


def waiting(client: Client) -> float:
    (line,) = [
        line
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("pilah_waiting_photos ")
    ]
    return float(line.split()[1])


def test_bodies_of_all_clients_together_are_bounded(client: Client) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            asked = socket.create_connection(("127.0.0.1", client.server.port), timeout=20)
            stack.enter_context(asked)
            asked.sendall(HEAD + b"Content-Length: 60000000\r\n\r\n")
            with contextlib.suppress(TimeoutError):
                asked.sendall(bytes(55_000_000))  # not all of it: held until the rest comes
        said = asked.recv(65536)
    assert said.startswith(b"HTTP/1.1 429 ") and b"limit:held" in said
    end = time.monotonic() + 20
    while (
        client.post(PORTRAIT).status_code != 200
    ):  # what clients that have gone held is free again
        assert time.monotonic() < end


def test_half_a_connection_is_over(client: Client) -> None:
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(PORTRAIT)
    assert answer_to(client, [head + PORTRAIT[:100]], half_closed=True) == b""
    assert answer_to(client, [b"GET /healthz HT"], half_closed=True) == b""
    assert client.get("/healthz").status_code == 200


def test_forms_that_are_bombs_cost_little(client: Client) -> None:
    head = {"Content-Type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="files"\r\n'
    many = b"".join(b"%b\r\n\r\n" % part for _ in range(100_000)) + b"--x--\r\n"
    assert_problem(client.post(many, headers=head), 413, "limit:photos")
    for body in (
        part + b"X: " + b"a" * 1_000_000,
        part + b"X: a\r\n" * 100_000,
        b"\r\n" * 1_000_000,
        b"\r\n--y" * 1_000_000,
    ):
        assert_problem(client.post(body, headers=head), 400, "damaged-body")
    long = {"Content-Type": f"multipart/form-data; boundary={'x' * 10_000}"}
    assert_problem(client.post(b"", headers=long), 400, "damaged-body")
    tricky = part + b"\r\n" + b"\r\n--" * 1_000_000 + b"\r\n--x--\r\n"
    assert client.post(tricky, headers=head).status_code == 200
    nested = b'{"photos": ' + b"[" * 5_000_000
    assert client.post(nested, headers={"Content-Type": "application/json"}).status_code in (
        413,
        422,
    )


def test_where_too_many_wait_the_client_is_told_when_to_come_back(
    client: Client,
) -> None:
    answers = []

    def ask() -> None:
        answers.append(client.files([PORTRAIT] * 50))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200, 429}
    for answer in answers:
        if answer.status_code == 429:
            assert_problem(answer, 429, "limit:queue")
            assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_a_photo_that_ends_its_worker_costs_only_itself(tiny_bundle: Path) -> None:
    with served_api("--model", tiny_bundle) as server:
        client = Client(server)
        answers = []

        def ask() -> None:
            for _ in range(10):
                answers.append(client.post(PORTRAIT))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        for worker in workers_of(server.process.pid):
            os.kill(worker, signal.SIGKILL)
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [200] * 30
        assert all(answer.json()["photos"][0]["faces"] for answer in answers)


@pytest.mark.parametrize("whole_group", [False, True], ids=["the server", "its whole group"])
def test_sigterm_answers_what_was_accepted(tiny_bundle: Path, whole_group: bool) -> None:
    with served_api("--model", tiny_bundle) as server:
        client = Client(server)
        client.post(PORTRAIT)
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(client.files([PORTRAIT] * 20)))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        while waiting(client) < 60:
            time.sleep(0.01)
        send = os.killpg if whole_group else os.kill
        send(server.process.pid, signal.SIGTERM)
        time.sleep(0.3)
        idle.request("GET", "/healthz")  # sent before the client could know
        late = idle.getresponse()
        assert (late.status, late.headers["connection"]) == (200, "close")
        late.read()
        for thread in threads:
            thread.join()
        assert server.process.wait(60) == 0
        assert [len(answer.json()["photos"]) for answer in answers] == [20] * 3
        assert all(photo["faces"] for answer in answers for photo in answer.json()["photos"])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)
