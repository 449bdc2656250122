"""`pip install .` alone, in an empty environment: it must sort, and bring nothing for training."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from skimage import data as portraits

import pilah

ROOT = Path(__file__).parent.parent
HEAVY = {"tensorflow", "tensorflow-cpu", "keras", "torch", "pandas", "streamlit", "matplotlib"}
HEAVY |= {"fastapi", "uvicorn", "av", "ray", "fsspec"}


@pytest.mark.slow
def test_the_plain_package_sorts_without_any_training_library(tmp_path: Path) -> None:
    environment = tmp_path / "empty"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python]
    installed = subprocess.run(
        [*pip, "install", "--quiet", "--constraint", ROOT / "constraints.txt", ROOT],
        capture_output=True,
        text=True,
    )
    if "No matching distribution" in installed.stderr or "Connection" in installed.stderr:
        pytest.skip(f"packages cannot be had here: {installed.stderr.splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr
    listed = subprocess.run(
        [*pip, "list", "--format", "freeze"], capture_output=True, text=True, check=True
    )
    names = {line.split("==")[0].lower() for line in listed.stdout.splitlines()}
    assert "pilah" in names and not names & HEAVY

    photos = tmp_path / "photos"
    photos.mkdir()
    portrait = Path(portraits.__file__).parent / "astronaut.png"
    (photos / "portrait.png").write_bytes(portrait.read_bytes())
    ImageOps.mirror(Image.open(portrait)).save(photos / "mirrored.png")
    done = subprocess.run(
        [environment / "bin" / "pilah", "sort", photos, "--to", tmp_path / "sorted"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sorted" / "female" / "mirrored.png").is_file()
    answer = pilah.load(workers=1).predict(portrait).label or "unsure"  # of the full environment
    copy = tmp_path / "sorted" / answer / "portrait.png"
    assert copy.read_bytes() == portrait.read_bytes()
    assert (tmp_path / "sorted" / "report.html").is_file()
    answered = [environment / "bin" / "pilah", "classify", photos, "--to", tmp_path / "answers"]
    assert subprocess.run(answered, capture_output=True).returncode == 0
    for words, extra in (
        (["serve"], "api"),
        (["video", portrait, "--to", "out"], "video"),
        (["classify", photos, "--to", "out", "--engine", "ray"], "cluster"),
    ):
        refused = subprocess.run(
            [environment / "bin" / "pilah", *words], capture_output=True, text=True, cwd=tmp_path
        )
        assert refused.returncode == 2 and f"pip install 'pilah[{extra}]'" in refused.stderr


@pytest.mark.slow
def test_the_benchmark_needs_no_training_library() -> None:
    """`make bench` runs in the light environment: pilah itself, and the packages with portraits."""
    blocked = ["pandas", "sklearn", "scipy", "keras", "tensorflow", "onnx", "av"]
    code = f"import sys; sys.modules.update(dict.fromkeys({blocked})); import benchmarks.bench"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
