"""The one way to ONNX Runtime: quiet, on the processors that are asked for."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pilah.errors import PilahError
from pilah.models.bundle import open_bundle
from pilah.runtime import CPU, PROVIDERS, onnxruntime, open_session


def test_a_session_answers(tiny_bundle: Path) -> None:
    session = open_session(tiny_bundle, threads=1)
    (answer,) = session.run(None, {"image": np.full((1, 32, 24, 3), 255, np.uint8)})
    assert answer.shape == (1, 2) and answer[0, 1] > 0.99
    assert session.get_providers() == [CPU]
    assert session.get_session_options().intra_op_num_threads == 1


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("abacus", "no device 'abacus'; choose from cpu"),
        ("directml", "does not know the device 'directml'; install a build .* choose from cpu"),
    ],
)
def test_a_device_that_is_not_there_is_named_with_those_that_are(
    tiny_bundle: Path, device: str, words: str
) -> None:
    for opened in (open_session, open_bundle):
        with pytest.raises(PilahError, match=words):
            opened(tiny_bundle, device=device)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_device_that_does_not_start_is_not_quietly_replaced(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [PROVIDERS["cuda"], CPU]  # as in a build for CUDA, on a machine without its drivers
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: known)
    with pytest.raises(PilahError, match="'cuda' does not start; see whether its drivers"):
        open_session(tiny_bundle, device="cuda")


def test_importing_it_says_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import pilah.runtime"], capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
