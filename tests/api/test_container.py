"""What the container promises, without one: the rules of its files, and its conditions.

No image can be built in a test. The server runs as the container runs it instead: as a user without
rights, on a disk that cannot be written to, without a home or a temporary folder, and where there
is no network but loopback.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
import yaml
from client import Client, encoded
from PIL import Image

import pilah
from benchmarks.api_fuzz import workers_of
from demo.serving_api import served_api

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions and what follows each, comments aside."""
    text = (ROOT / "Dockerfile").read_text()
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines) if word
    ]


def of(word: str) -> list[str]:
    return [rest for each, rest in instructions() if each == word]


def test_the_image_has_two_stages_of_one_pinned_slim_base() -> None:
    first, second = of("FROM")
    assert first == f"{second} AS build"
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", second)
    (pinned,) = re.findall(r"Python\s+(3\.\d+)", (ROOT / "constraints.txt").read_text())
    assert second.startswith(f"python:{pinned}-")


def test_the_image_keeps_the_usual_rules() -> None:
    assert {word for word, _ in instructions()} <= {
        *("FROM", "ARG", "WORKDIR", "COPY", "RUN", "LABEL", "ENV", "USER", "EXPOSE"),
        *("HEALTHCHECK", "ENTRYPOINT", "CMD"),
    }  # not ADD, not MAINTAINER, not SHELL
    assert all(place.startswith("/") for place in of("WORKDIR"))
    for run in of("RUN"):
        assert not re.search(r"\b(sudo|curl|wget|apt|ssh|latest)\b", run)
        assert "--no-cache-dir" in run and "--constraint" in run
    for copy in of("COPY"):
        assert not re.search(r"(^|\s)\.(\s|$)", copy.split()[0])  # never the whole checkout
    assert len(of("HEALTHCHECK")) == len(of("ENTRYPOINT")) == len(of("CMD")) == 1
    for started in (of("ENTRYPOINT")[0], of("CMD")[0], of("HEALTHCHECK")[0].split("CMD ")[1]):
        assert isinstance(
            yaml.safe_load(started), list
        )  # no shell, which would not pass SIGTERM on
    assert not re.search(r"(?i)key|token|secret|password", " ".join(of("ENV") + of("ARG")))


def test_the_image_runs_as_a_user_without_rights() -> None:
    words = [word for word, _ in instructions()]
    user = of("USER")[-1]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)  # a number: a cluster can check it
    after = words[words.index("USER") :]
    assert not {"RUN", "COPY", "WORKDIR"} & set(after)


def test_what_the_image_is_built_from_is_there_and_no_more_is_sent() -> None:
    sent = [line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()]
    for copy in of("COPY"):
        if "--from" not in copy:
            for name in copy.split()[:-1]:
                assert (ROOT / name).exists() and name in sent
    assert "*" in sent


def test_the_package_is_built_from_what_is_copied(tmp_path: Path) -> None:
    for copy in of("COPY"):
        if "--from" not in copy:
            *names, to = copy.split()
            for name in names:
                place = tmp_path / to / ("" if (ROOT / name).is_dir() else Path(name).name)
                place.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, place, symlinks=True)
                else:
                    shutil.copy(ROOT / name, place)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        card = archive.read("pilah/models/MODEL_CARD.md").decode()
    assert card == (ROOT / "docs/MODEL_CARD.md").read_text()


def test_both_services_are_locked_up() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert services.keys() == {"api", "app"}
    for service in services.values():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["user"] == of("USER")[-1]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["mem_limit"] and service["cpus"]
        assert not {"privileged", "network_mode", "volumes", "environment"} & service.keys()
    command = yaml.safe_load(of("CMD")[0])
    assert f"/run/secrets/{services['api']['secrets'][0]}" in command


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package as it is installed: a copy that nobody can write to."""
    folder = tmp_path_factory.mktemp("tree")
    for parent in (folder, *folder.parents[:3]):
        if parent.owner() != "nobody" and parent != Path("/tmp"):
            parent.chmod(0o755)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(pilah.__file__).parent, folder / "pilah", ignore=ignored)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)


def environment(tree: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent",
        "TMPDIR": "/nonexistent",
    }


def test_the_server_needs_no_home_and_no_temporary_folder(tree: Path) -> None:
    with served_api(environment=environment(tree)) as server:
        client = Client(server)
        large = encoded(Image.effect_noise((3000, 3000), 100), "PNG")
        for answer in (client.post(large), client.files([large, large])):
            assert answer.status_code == 200
            assert [photo["error"] for photo in answer.json()["photos"]] in ([None], [None] * 2)
        assert client.get("/v1/models/pilah-small").json()["card"]
        assert server.stop() == 0
        assert {line["level"] for line in server.log()} == {"info"}


ONE_CORE = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from pilah.cli import main
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is Linux's")
def test_processes_and_threads_are_as_many_as_the_cores_given(tree: Path) -> None:
    program = (sys.executable, "-c", ONE_CORE)
    with served_api(program=program, environment=environment(tree)) as server:
        client = Client(server)
        photo = encoded(Image.effect_noise((300, 300), 100))
        assert client.files([photo] * 30).status_code == 200
        (worker,) = workers_of(server.process.pid)
        threads = [
            int(re.search(r"Threads:\s+(\d+)", Path(f"/proc/{each}/status").read_text())[1])
            for each in (worker, server.process.pid)
        ]
    # the worker's own, and one that watches for its parent's end; the server's: requests, feed,
    # classify, log, two of the pool, and what a thread was needed for once
    assert threads[0] == 2 and threads[1] <= 8


AS_ROOT = """
import fcntl, os, socket, struct, subprocess, sys
with socket.socket() as loopback:  # up, as a container's is
    fcntl.ioctl(loopback, 0x8914, struct.pack("16sh", b"lo", 1 | 64))
subprocess.run(["mount", "-o", "remount,bind,ro", "/"], check=True)
# Reading is allowed everywhere: where root's home holds this Python, nobody could not start it.
kept = "-all,+dac_read_search"
sets = [f"--{which}={kept}" for which in ("inh-caps", "ambient-caps", "bounding-set")]
user = ["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
os.execvp("setpriv", ["setpriv", *user, *sets, *sys.argv[1:]])
"""

AS_NOBODY = """
import os, subprocess, sys, time, urllib.request
check, photo, key = sys.argv[1:]
for folder in ("/", "/tmp", os.environ["PYTHONPATH"]):
    assert not os.access(folder, os.W_OK), folder
program = [sys.executable, "-c", "from pilah.cli import main; main()", "serve"]
server = subprocess.Popen([*program, "--address", "0.0.0.0", "--api-key-file", key])
end = time.monotonic() + 60
while subprocess.run([sys.executable, "-c", check], stderr=subprocess.DEVNULL).returncode:
    assert server.poll() is None and time.monotonic() < end
    time.sleep(0.3)
headers = {"Authorization": "Bearer " + open(key).read().strip(), "Content-Type": "image/png"}
body = open(photo, "rb").read()
asked = urllib.request.Request("http://127.0.0.1:8000/v1/predict", body, headers)
print(urllib.request.urlopen(asked, timeout=60).read().decode(), flush=True)
server.terminate()
sys.exit(server.wait(60))
"""


@pytest.mark.skipif(
    not (shutil.which("unshare") and shutil.which("setpriv")) or os.geteuid() != 0,
    reason="only root (with util-linux) can take away network, disk and rights",
)
def test_the_server_runs_as_its_container_runs_it(tree: Path, tmp_path: Path) -> None:
    """Nobody's process, a root that is read-only, no network but loopback; asked from inside."""
    key = tmp_path / "key"
    key.write_text("correct-horse-battery-staple\n")
    check = yaml.safe_load(of("HEALTHCHECK")[0].split("CMD ")[1])
    photo = Path(skimage.data.__file__).parent / "astronaut.png"
    inside = [sys.executable, "-c", AS_NOBODY, check[2], photo, key]
    done = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, "-c", AS_ROOT, *inside],
        env=environment(tree),
        capture_output=True,
        text=True,
        timeout=150,
        cwd="/",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer = next(line for line in done.stdout.splitlines() if line.startswith('{"model"'))
    assert json.loads(answer)["photos"][0]["label"] == "female"
