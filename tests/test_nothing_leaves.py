"""No command sends anything, or leaves a file anywhere but where it was asked to write.

`strace` sees each connection, name lookup and new file of a command and of its child processes.
"""

import contextlib
import csv
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from demo.serving import PATIENCE, NoBrowser, launched, wait_for_page
from tests.training.tiny import TINY
from tests.video.clips import Actor, collins, moving, pictures, write_clip

pytestmark = pytest.mark.skipif(
    not shutil.which("strace"), reason="no strace on this machine (apt-get install strace)"
)

PORTRAIT = Path(skimage.data.__file__).parent / "astronaut.png"
CALLS = "connect,sendto,sendmsg,sendmmsg,openat,?open,?creat,?mkdir,mkdirat"
RUN = "from pilah.cli import main; main()"
RUN_EACH = """
import json, sys
from pilah.cli import main
for sys.argv in json.loads(sys.argv[1]):
    try:
        main()
    except SystemExit as end:
        if end.code:
            sys.exit(f"{sys.argv}: {end.code}")
"""
RECIPE = f"""{TINY}
[train]
epochs = 1
"""


@dataclass(frozen=True)
class Watched:
    """A new home, temporary folder and folder to work in; `work` alone may be written to."""

    root: Path

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def trace(self) -> Path:
        return self.root / "work" / "trace"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        folders = {
            name: str(self.root / name)
            for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
        }
        return {**kept, **folders, "PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

    def command(self, code: str, *arguments: object) -> list[str]:
        strace = ["strace", "-f", "-qq", "-s", "300", "--seccomp-bpf", "-e", f"trace={CALLS}"]
        program = [sys.executable, "-c", code, *map(str, arguments)]
        return [*strace, "-o", str(self.trace), *program]

    def run(self, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(code, *arguments),
            env=self.environment,
            cwd=self.work,
            capture_output=True,
            text=True,
        )

    def sent(self) -> list[str]:
        """Calls that reach beyond this machine, or ask for a name."""
        return [line for line in self._calls() if reaches_out(line)]

    def left(self) -> list[str]:
        """Files and folders made anywhere but in the folder to work in."""
        inside = [path for path in self.root.rglob("*") if path not in self._allowed()]
        outside = [made for line in self._calls() if (made := self._made(line))]
        return [str(p) for p in inside if not p.is_relative_to(self.work)] + outside

    def _calls(self) -> list[str]:
        return self.trace.read_text(errors="replace").splitlines()

    def _allowed(self) -> set[Path]:
        return {self.root / name for name in self.environment} | {self.work}

    def _made(self, line: str) -> str | None:
        """The path that a call makes outside the watched folders."""
        call = re.search(r'(?:open|openat|creat|mkdir|mkdirat)\([^"]*"([^"]*)"(.*)', line)
        if not call or re.search(r"= -1 E", line):
            return None
        if "open" in line and "O_CREAT" not in line:
            return None
        path = call[1]
        unnamed = path.startswith(("/dev/", "/proc/", str(self.root))) or not path.startswith("/")
        return None if unnamed else path


def reaches_out(call: str) -> bool:
    """Whether a line of strace's is a connection or a lookup beyond loopback."""
    if "/resolve/" in call or "htons(53)" in call:
        return True
    address = re.search(r'sin_addr=inet_addr\("([^"]+)"|AF_INET6, "([^"]+)"', call)
    if not address:
        return False
    host = address[1] or address[2]
    return not (host.startswith(("127.", "::ffff:127.")) or host == "::1")


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return watching(tmp_path)


def watching(root: Path) -> Watched:
    made = Watched(root)
    made.work.mkdir()
    for name, path in made.environment.items():
        if path.startswith(str(root)):
            (root / name).mkdir()
    return made


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.getaddrinfo('example.org', 80)",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).connect(('192.0.2.1', 9))",
        "import socket; socket.socket(type=2).sendto(b'x', ('192.0.2.1', 9))",
        "import socket; socket.socket(socket.AF_INET6, 2).connect(('2001:db8::1', 9))",
    ],
)
def test_what_is_sent_would_be_seen(watched: Watched, code: str) -> None:
    watched.run(code)
    assert watched.sent()


def test_what_is_left_would_be_seen(watched: Watched, tmp_path_factory: pytest.TempPathFactory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "file"
    watched.run(f"import os; os.mkdir(os.path.expanduser('~/.x')); open({str(elsewhere)!r}, 'w')")
    assert watched.left() == [str(watched.root / "HOME" / ".x"), str(elsewhere)]


def portraits(folder: Path, number: int) -> Path:
    """So many different photos of one face, which several worker processes share."""
    folder.mkdir()
    for index in range(number):
        Image.fromarray(skimage.data.astronaut()[:, index:]).save(folder / f"{index}.png")
    return folder


@pytest.mark.parametrize("number", [1, 20], ids=["one process", "workers"])
def test_looking_at_photos_sends_and_leaves_nothing(watched: Watched, number: int) -> None:
    photos = portraits(watched.work / "photos", number)
    target = watched.work / "sorted"
    walk = moving((110, 180, 200), (300, 180, 200), 2)
    clip = write_clip(watched.work / "clip.mp4", pictures([Actor(collins(), walk)], 2), sound="aac")
    for arguments in (
        ("predict", *sorted(photos.iterdir())),
        ("sort", photos, "--to", target),
        ("report", target),
        ("undo", target),
        ("classify", photos, "--to", watched.work / "answers"),
        ("video", clip, "--to", watched.work / "followed"),
        ("models",),
    ):
        done = watched.run(RUN, *arguments)
        assert done.returncode == 0, done.stderr
        assert (watched.sent(), watched.left()) == ([], []), arguments[0]


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("ray"), reason="no Ray for this Python or machine")
def test_ray_on_one_machine_sends_and_leaves_nothing() -> None:
    with tempfile.TemporaryDirectory() as short:  # Ray's sockets lie in TMPDIR, while it runs
        watched = watching(Path(short))
        photos = portraits(watched.work / "photos", 2)
        words = ("classify", photos, "--to", watched.work / "answers", "--engine", "ray")
        done = watched.run(RUN, *words, "--workers", 1)
        assert done.returncode == 0, done.stderr
        assert (watched.sent(), watched.left()) == ([], [])


@pytest.mark.slow
def test_training_and_measuring_sends_and_leaves_nothing(watched: Watched, shared: Path) -> None:
    celeba = shared / "data" / "celeba5017"
    faces, recipe = watched.work / "faces.csv", watched.work / "tiny.toml"
    recipe.write_text(RECIPE)
    with faces.open("w", newline="") as file:
        lines = (celeba / "list_attr_celeba.txt").read_text().splitlines()[2:82]
        rows = [
            (celeba / "img_align_celeba" / name, "male" if values[20] == "1" else "female")
            for name, *values in map(str.split, lines)
        ]
        csv.writer(file).writerows([("path", "label"), *rows])
    run, model, audit = watched.work / "run", watched.work / "model.onnx", watched.work / "audit"
    manifest = watched.work / "prepared" / "manifest.csv"
    steps = [
        ("prepare", faces, "--crops", "--to", manifest.parent, "--split", "random"),
        ("train", manifest, "--recipe", recipe, "--to", run),
        ("evaluate", run),
        ("compare", run, "--to", watched.work / "comparison"),
        ("export", run, "--to", model, "--max-error", "0.5", "--int8"),
        ("audit", manifest, "--split", "test", "--crops", "--by", "label", "--to", audit),
        ("card", audit / "audit.json", "--to", watched.work / "card.md"),
    ]
    done = watched.run(RUN_EACH, json.dumps([["pilah", *map(str, step)] for step in steps]))
    assert done.returncode == 0, done.stderr
    assert model.is_file() and (audit / "audit.md").is_file()
    assert (watched.sent(), watched.left()) == ([], [])


@pytest.mark.parametrize("address", ["localhost", "0.0.0.0"])
def test_the_app_sends_and_leaves_nothing(
    watched: Watched, tiny_bundle: Path, address: str
) -> None:
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    options = ("--address", address, "--port", port, "--model", tiny_bundle)
    with started(watched, "app", *options):
        wait_for_app(port)
        assert refuses_a_page_of("http://elsewhere.example", port)
        look_at_a_photo(port)
    assert (watched.sent(), watched.left()) == ([], [])


def test_the_api_sends_and_leaves_nothing(watched: Watched) -> None:
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    options = ("--address", "0.0.0.0", "--no-key", "--port", port, "--model", "pilah-small")
    with started(watched, "serve", *options):
        wait_for_app(port)
        noise = BytesIO()
        Image.effect_noise((2500, 2500), 100).save(noise, "PNG")  # more than memory may keep
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="../../photo.png"'
        form = head + b"\r\n\r\n" + noise.getvalue() + b"\r\n--x--\r\n"
        for body, kind in (
            (PORTRAIT.read_bytes(), "image/png"),
            (form, "multipart/form-data; boundary=x"),
        ):
            asked = http.client.HTTPConnection("localhost", port, timeout=PATIENCE / 1000)
            asked.request("POST", "/v1/predict", body, {"Content-Type": kind})
            assert asked.getresponse().status == 200
            asked.close()
    assert (watched.sent(), watched.left()) == ([], [])


@contextlib.contextmanager
def started(watched: Watched, *words: object) -> Iterator[None]:
    """A server under watch, which is ended with all that it started."""
    with subprocess.Popen(
        watched.command(RUN, *words),
        env=watched.environment,
        cwd=watched.work,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            yield
        finally:
            end_group_of(process)


def end_group_of(process: subprocess.Popen[bytes]) -> None:
    """End it and its children as a service manager does, and wait until all of them have gone."""
    end = time.monotonic() + PATIENCE / 1000
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < end:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    assert time.monotonic() < end, "the app does not end"


def wait_for_app(port: int) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            socket.create_connection(("localhost", port), timeout=2).close()
            return
        except OSError:
            assert time.monotonic() < end, "the app does not answer"
            time.sleep(0.1)


def refuses_a_page_of(origin: str, port: int) -> bool:
    """Whether the server turns down a connection from another site's page."""
    connection = http.client.HTTPConnection("localhost", port, timeout=PATIENCE / 1000)
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Origin": origin,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }
    connection.request("GET", "/_stcore/stream", headers=headers)
    return connection.getresponse().status == 403


def look_at_a_photo(port: int) -> None:
    """Have a photo classified in a browser, as a visitor does, where this machine has one."""
    try:
        with launched() as browser:
            page = browser.new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(f"http://localhost:{port}")
            wait_for_page(page)
            page.locator('input[type="file"]').set_input_files(PORTRAIT)
            page.locator(".face .words").first.wait_for()
    except NoBrowser:
        pass
