"""Who may ask; and that nothing of a photo stays anywhere, not even its name."""

import io
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
from client import Client, assert_problem, encoded
from PIL import Image, PngImagePlugin
from typer.testing import CliRunner

from demo.serving_api import served_api
from pilah.cli import program

KEY = "correct-horse-battery-staple"
SECRET = b"PILAH-SECRET-PIXELS-"
"""Bytes that stand in photos of the tests, and may stand nowhere else."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Iterator[Client]:
    """A server with a key, open to the network."""
    file = tmp_path_factory.mktemp("key") / "key"
    file.write_text(f"{KEY}\n")
    options = ("--address", "0.0.0.0", "--api-key-file", file, "--model", tiny_bundle)
    with served_api(*options) as server:
        yield Client(server)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong-horse-battery-staple"},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"X-API-Key": KEY},
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/v1/predict", "/nope"])
def test_without_the_key_nothing_is_answered(guarded: Client, headers: dict, path: str) -> None:
    for asked in (guarded.get(path, headers=headers), guarded.get(f"{path}?key={KEY}")):
        assert_problem(asked, 401, "key")
        assert asked.headers["www-authenticate"] == "Bearer"
    assert_problem(guarded.post(b"x", f"?api_key={KEY}&key={KEY}", headers=headers), 401, "key")


def test_with_the_key_all_is_answered_and_probes_need_none(guarded: Client) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    photo = encoded(Image.new("L", (24, 32), 255))
    said = guarded.post(photo, "?crops=1", headers=headers).json()
    assert said["photos"][0]["label"] == "male"
    assert_problem(guarded.post(photo, f"?key={KEY}", headers=headers), 422, "option")
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert guarded.get(path).status_code == 200
    page = guarded.get("/openapi.json").json()
    assert page["paths"]["/v1/predict"]["post"]["security"] == [{"key": []}]
    assert KEY not in guarded.server.said()


def test_two_keys_are_none(guarded: Client) -> None:
    head = f"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
    with socket.create_connection(("127.0.0.1", guarded.server.port), timeout=20) as asked:
        asked.sendall(f"{head}Authorization: Bearer other\r\nConnection: close\r\n\r\n".encode())
        assert asked.recv(1000).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--address", "0.0.0.0"], "give --api-key-file, or --no-key"),
        (["--api-key-file", "no/such/file"], "the key cannot be read"),
        (["--api-key-file", "short"], "holds no key"),
        (["--api-key-file", "empty"], "holds no key"),
        (["--api-key-file", "good", "--no-key"], "exclude each other"),
        (["--address", "256.256.256.256", "--no-key"], "cannot be used"),
        (["--port", "99999"], "cannot be used"),
        (["--model", "other"], "no model 'other'"),
        (["--model", "pilah-small", "--model", "pilah-small"], "two models are called"),
    ],
)
def test_what_is_not_safe_or_not_possible_does_not_start(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("short", "abc"), ("empty", ""), ("good", KEY)):
        Path(name).write_text(text)
    done = CliRunner().invoke(program, ["serve", "--port", "0", *arguments])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("pilah: error: ") and words in line


def test_a_page_of_elsewhere_under_a_name_of_its_own_is_refused(client: Client) -> None:
    for host in ("elsewhere.example", "127.0.0.1.elsewhere.example", "[::2]", ""):
        assert_problem(client.get("/v1/models", headers={"Host": host}), 421, "host")
    for host in ("localhost", "localhost:80", "127.0.0.1", "[::1]:8000", "LOCALHOST"):
        assert client.get("/v1/models", headers={"Host": host}).status_code == 200


NAMES = [
    "../../../etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    "C:\\Windows\\win.ini",
    "\\\\server\\share\\x.jpg",
    "a\x00b.jpg",
    "$(touch x).jpg",
    "ü😀.jpg",
    "x" * 500,
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_only_a_name(client: Client, name: str) -> None:
    photo = encoded(Image.new("L", (8, 8)))
    said = client.post(files=[("files", (name, photo)), ("files", (name, name.encode()))]).json()
    first, second = said["photos"]
    assert first["error"] is None and second["error"].startswith("not an image")


def hostile_photos() -> list[bytes]:
    """Photos that cannot be read, of many kinds, each with SECRET where a decoder may quote it."""
    portrait = Image.fromarray(skimage.data.astronaut()[:64, :64])
    jpeg, png = encoded(portrait), encoded(portrait, "PNG")
    chunk = len(SECRET).to_bytes(4, "big") + SECRET
    text = PngImagePlugin.PngInfo()
    text.add_text(SECRET.decode(), SECRET.decode() * 100_000, zip=True)
    return [
        SECRET * 10,
        jpeg[:200] + SECRET * 10,
        png[:33] + chunk + png[33:],
        png[:33] + SECRET + png[33:],
        encoded(portrait, "PNG", pnginfo=text),
        b"II*\x00" + SECRET * 20,
        b"RIFF\x00\x00\x00\x00WEBP" + SECRET * 20,
        b"GIF89a" + SECRET * 20,
        b"BM" + SECRET * 20,
        b"\x00\x00\x00\x1cftypheic" + SECRET * 20,
        b"\x00\x00\x00\x1cftypavif" + SECRET * 20,
        b"%!PS-Adobe-3.0 EPSF-3.0\n" + SECRET * 20,
    ]


def test_no_bytes_of_a_photo_in_answers_logs_or_files(tmp_path: Path, tiny_bundle: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder), "HOME": str(folder)}
    with served_api("--model", tiny_bundle, environment=environment) as server:
        client = Client(server)
        photos = hostile_photos()
        name = f"../{SECRET.decode()}.jpg"
        large = io.BytesIO()
        Image.effect_noise((2500, 2500), 100).save(large, "PNG")  # beyond what is kept in memory
        answers = [
            client.files(photos),
            *(client.post(photo) for photo in photos),
            *(client.post(photo, "?crops=1") for photo in photos),
            client.post(SECRET, headers={"Content-Type": "application/json"}),
            client.post(
                b'{"photos": ["' + SECRET + b'?"]}', headers={"Content-Type": "application/json"}
            ),
            client.post(
                SECRET,
                headers={"Content-Type": f"multipart/form-data; boundary=x{SECRET.decode()}"},
            ),
            client.post(
                b"--x\r\n" + SECRET, headers={"Content-Type": "multipart/form-data; boundary=x"}
            ),
            client.post(b"x", f"?min_confidence={SECRET.decode()}&{SECRET.decode()}=1"),
            client.get(f"/v1/models/{SECRET.decode()}"),
            client.get(f"/{SECRET.decode()}.jpg"),
        ]
        named = client.post(files=[("files", (name, large.getvalue()))])
        assert named.json()["photos"][0]["name"] == name
        assert {answer.status_code for answer in answers} <= {200, 400, 404, 422}
        assert server.stop() == 0
        said = server.said()
        spilled = [path for path in folder.rglob("*")]
    quoted = [answer.text for answer in answers if SECRET.decode() in answer.text]
    assert quoted == [answer.text for answer in answers if '"errors"' in answer.text]
    assert SECRET.decode() not in said and "min_confidence" not in said
    assert spilled == []


def test_the_log_is_json_with_the_request_and_no_name(client: Client) -> None:
    answer = client.post(files=[("files", ("grandmother.jpg", b"x"))])
    lines: list[dict] = []
    end = time.monotonic() + 20
    while not lines and time.monotonic() < end:  # it is written a moment after the answer
        wanted = answer.headers["x-request-id"]
        lines = [line for line in client.server.log() if line.get("request_id") == wanted]
    (line,) = lines
    assert line.keys() == {
        *("time", "level", "event", "request_id", "method", "route", "status", "photos"),
        "milliseconds",
    }
    assert (line["route"], line["status"], line["photos"]) == ("/v1/predict", 200, 1)
    assert "grandmother" not in client.server.said()
