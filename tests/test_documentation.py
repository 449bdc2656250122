"""What the project says about itself is true: help texts, README in two languages, house rules."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import typer.main
from PIL import Image, UnidentifiedImageError

from benchmarks import report
from demo.failures import cases, draw
from pilah.cli import program
from pilah.models import model_names, model_path
from pilah.models.bundle import open_bundle
from pilah.recipes import recipe_names

ROOT = Path(__file__).parent.parent
README_NAMES = ["README.md", "README.id.md"]
LINEAGES = sorted((ROOT / "studies" / "lineage").glob("*.sh"))
COMMANDS = typer.main.get_group(program).commands

# in parts, so that this file does not name one itself
REGISTRY_HOSTS = [
    ".".join(parts).replace("_", "")
    for parts in [
        ("pypi", "org"),
        ("python_hosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb", "debian", "org"),
    ]
]


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file that git tracks, as it is in the work tree."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of tracked files")
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True, text=True
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_there_are_commands() -> None:
    assert COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_each_of_its_options_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert [param.name for param in command.params if not getattr(param, "help", None)] == []


@pytest.mark.parametrize("readme", README_NAMES)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_both_readmes(name: str, readme: str) -> None:
    assert re.search(rf"\bpilah {name}\b", (ROOT / readme).read_text(encoding="utf-8"))


def shown_commands(readme: str) -> Iterator[list[str]]:
    """Words of each `pilah ...` that a code block of the README shows, without the `pilah`."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if "pilah" in words:
                yield words[words.index("pilah") + 1 :]


@pytest.mark.parametrize("readme", README_NAMES)
def test_what_the_readme_shows_can_be_typed(readme: str) -> None:
    shown = list(shown_commands(readme))
    assert shown
    for name, *words in shown:
        assert name in COMMANDS, f"{readme} shows `pilah {name}`"
        known = {option for param in COMMANDS[name].params for option in param.opts}
        asked = {word for word in words if word.startswith("-") and word != "-"}
        assert asked <= known, f"{readme} shows `pilah {name}` with {asked - known}"


def test_the_readmes_show_the_same_commands() -> None:
    english, indonesian = (
        [[name, *(word for word in words if word.startswith("-"))] for name, *words in shown]
        for shown in map(shown_commands, README_NAMES)
    )
    assert english == indonesian


@pytest.mark.parametrize("readme", README_NAMES)
def test_links_of_the_readme_lead_somewhere(readme: str) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", (ROOT / readme).read_text("utf-8"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_word_of_the_makefile_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    explained = re.findall(r"^([a-z]+):.*## .", makefile, flags=re.MULTILINE)
    assert sorted(explained) == sorted(phony.split())


def test_the_model_card_is_of_the_models_in_the_package() -> None:
    card = (ROOT / "docs" / "MODEL_CARD.md").read_text(encoding="utf-8")
    headings = [line for line in card.splitlines() if line.startswith("## `")]
    infos = [open_bundle(model_path(name)).info for name in model_names()]
    assert headings == [f"## `{info.name}` {info.version}" for info in infos]


def test_the_picture_of_failures_shows_what_the_words_under_it_say(tmp_path: Path) -> None:
    found = cases()
    answers: dict[str, dict[str, str]] = {}
    for case in found:
        answers.setdefault(case.portrait, {})[case.change] = case.answer.split(",")[0]
    assert answers["Eileen Collins"] == {
        "as it is": "female",
        "a tenth of the light": "female",
        "blurred": "male",
        "eyes covered": "male",
        "mouth covered": "female",
        "hair covered": "female",
    }
    assert set(answers["Grace Hopper"].values()) == {"male"}
    draw(found, tmp_path / "failures.png")
    drawn, committed = (
        np.asarray(Image.open(path).convert("RGB"), dtype=float)
        for path in (tmp_path / "failures.png", ROOT / "docs" / "failures.png")
    )
    assert drawn.shape == committed.shape
    assert np.abs(drawn - committed).mean() < 4  # another version of a font moves a few pixels


def test_no_tracked_file_names_a_registry(tracked: list[Path]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in tracked
        for host in REGISTRY_HOSTS
        if host.encode() in path.read_bytes()
    ]
    assert found == []


def test_constraints_are_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert pins
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.+!]+", pin)] == []


def test_no_photo_is_tracked(tracked: list[Path]) -> None:
    # plots and screenshots are PNG files in docs/, or links to one; a photo of a person is nowhere
    allowed = [
        path
        for path in tracked
        if path.suffix == ".png" and path.resolve().is_relative_to(ROOT / "docs")
    ]
    assert [path for path in tracked if path not in allowed and is_picture(path)] == []


def is_picture(path: Path) -> bool:
    try:
        with Image.open(path):
            return True
    except UnidentifiedImageError:
        return False


def test_a_run_without_chromium_ends_with_the_command_that_installs_it() -> None:
    test = "tests/app/test_browser.py::test_three_photos_and_their_results"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", test],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PATH": "/nowhere"},
    )
    said, last = done.stdout.splitlines()[-2:]
    assert said.startswith("SKIPPED [1]") and "apt-get install chromium" in said
    assert last.startswith("1 skipped")


def test_ci_runs_every_python_that_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    start = "Programming Language :: Python :: "
    declared = [line.removeprefix(start) for line in project["classifiers"] if start in line]
    workflow = (ROOT / ".github" / "workflows" / "checks.yml").read_text()
    (matrix,) = re.findall(r"python: \[(.*)\]", workflow)
    assert re.findall(r"[\d.]+", matrix) == declared
    assert project["requires-python"] == f">={declared[0]}"


def test_contributing_names_commands_and_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    words = set(re.findall(r"(?:`|^)make (\w+)", text, flags=re.MULTILINE))
    assert words <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    places = re.findall(r"`([\w./]+(?:/|\.py|\.yml|\.toml|\.md))`", text)
    assert places
    for place in places:
        assert (ROOT / place).exists() or (ROOT / "src" / "pilah" / place).exists(), place


@pytest.mark.parametrize("script", LINEAGES, ids=lambda path: path.stem)
def test_a_lineage_names_commands_options_and_recipes_that_exist(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    text = re.sub(r"^\s*#.*$", "", script.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if re.search(r"\bpilah (\w+) ", line)]
    assert lines
    for line in lines:
        command = COMMANDS[re.findall(r"\bpilah (\w+) ", line)[0]]
        known = {option for param in command.params for option in param.opts}
        assert set(re.findall(r" (--[\w-]+)", line)) <= known, line
    named = re.findall(r"--recipe (\w+)|^trained \w+ (\w+)|^back \w+ (\w+)", text, re.MULTILINE)
    named += re.findall(r"(?:teacher|small|inception)=(\w+)()()", text)
    recipes = {name for names in named for name in names if name}
    assert recipes and recipes <= set(recipe_names())


@pytest.mark.parametrize("name", README_NAMES)
def test_the_python_example_runs_as_written(name: str, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    (tmp_path / "photos").mkdir()
    portrait = Image.fromarray(skimage.data.astronaut())
    portrait.save(tmp_path / "photo.jpg")
    for number in range(20):
        portrait.save(tmp_path / "photos" / f"{number}.jpg")
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    assert first.startswith("female ") and len(rest) == 20


@pytest.mark.parametrize("name", list(report.TEXTS))
def test_speed_in_the_readmes_is_that_of_the_last_report(name: str) -> None:
    path = ROOT / name
    assert path.read_text(encoding="utf-8") == report.with_speed(path)
