"""docs/API.md is true: its client runs, its limits are those of the code, its addresses exist."""

import re
import subprocess
import sys
from pathlib import Path

import skimage.data
from client import Client
from PIL import Image

from pilah.api import limits
from pilah.api.schema import Options

PAGE = (Path(__file__).parents[2] / "docs" / "API.md").read_text()


def test_the_client_in_python_runs_as_written(client: Client, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "photo.jpg")
    example = example.replace("http://localhost:8000", client.server.address)
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"(female|male|unsure) 0\.\d+ \[.*\]\n", done.stdout)
    assert len([line for line in example.splitlines() if line.strip()]) <= 10


def test_every_curl_of_the_page_is_answered(client: Client, tmp_path: Path) -> None:
    block = next(each for each in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "curl" in each)
    for name in ("photo.jpg", "one.jpg", "two.png"):
        Image.fromarray(skimage.data.astronaut()).save(tmp_path / name)
    for line in block.splitlines():
        done = subprocess.run(
            ["bash", "-c", line.replace("localhost:8000", f"localhost:{client.server.port}")],
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0 and b'"faces": [{' in done.stdout, done


def test_options_limits_and_addresses_are_those_of_the_code(client: Client) -> None:
    table = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert table == list(Options.model_fields)
    said = {int(number) for number in re.findall(r"\b(\d+)\b", PAGE.partition("## When")[2])}
    for number in (
        *(limits.MAX_BODY_MB, limits.MAX_PHOTOS, limits.MAX_PIXELS // 1_000_000),
        *(limits.MAX_WAITING, limits.MAX_HELD_MB, limits.MAX_CONNECTIONS, limits.ANSWER_SECONDS),
        *(limits.BODY_SECONDS, limits.PAUSE_SECONDS, limits.PHOTO_CPU_SECONDS),
    ):
        assert number in said
    paths = client.get("/openapi.json").json()["paths"]
    for path in re.findall(r"`GET (\S+)`", PAGE):
        assert path == "/openapi.json" or path.replace("NAME", "{name}") in paths


def test_every_kind_of_problem_is_on_the_page() -> None:
    source = Path(limits.__file__).parent
    code = "".join(path.read_text() for path in source.glob("*.py"))
    kinds = set(re.findall(r'Problem\(\s*\d+,\s*"([\w:-]+)"', code))
    kinds |= {f"limit:{name}" for name in re.findall(r'(?:over|busy)\(\s*"(\w+)"', code)}
    kinds |= {"method", "limit:connections"}
    assert len(kinds) > 12
    assert {kind for kind in kinds if f"`{kind}`" not in PAGE} <= {"failed"}
