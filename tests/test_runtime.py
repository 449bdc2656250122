"""The one way to ONNX Runtime: quiet, on the processors that are asked for."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pilah.errors import PilahError
from pilah.models.bundle import open_bundle
from pilah.runtime import CPU, open_session


def test_a_session_answers(tiny_bundle: Path) -> None:
    session = open_session(tiny_bundle, threads=1)
    (answer,) = session.run(None, {"image": np.full((1, 32, 24, 3), 255, np.uint8)})
    assert answer.shape == (1, 2) and answer[0, 1] > 0.99
    assert session.get_providers() == [CPU]
    assert session.get_session_options().intra_op_num_threads == 1


def test_a_provider_that_is_not_there_is_named_with_those_that_are(tiny_bundle: Path) -> None:
    for opened in (open_session, open_bundle):
        with pytest.raises(PilahError, match=f"no execution provider Abacus here.*{CPU}"):
            opened(tiny_bundle, providers=["Abacus", CPU])


def test_importing_it_says_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import pilah.runtime"], capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
