"""ONNX Runtime, imported here and nowhere else: it sends nothing, keeps nothing and stays quiet.

Left to itself, ONNX Runtime 1.32 writes an identifier of the device below the user's home, opens a
database beside it and looks up a telemetry host in every process that imports it. A variable of the
environment stops this, if it is set before the import; `disable_telemetry_events()` comes too late.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from pilah.cores import limited_cores
from pilah.errors import PilahError

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # child processes inherit it

import onnxruntime
from onnxruntime import InferenceSession as Session

onnxruntime.set_default_logger_severity(3)  # errors; each of them is raised too

__all__ = ["CPU", "Session", "open_session", "quantization"]

CPU = "CPUExecutionProvider"


def open_session(path: Path, *, threads: int = 0, providers: Sequence[str] = (CPU,)) -> Session:
    """Open an ONNX file for inference.

    Args:
        path: the file.
        threads: how many threads one inference may use; 0 is one a core
            that this process may use.
        providers: ONNX Runtime's execution providers, the preferred one first.

    Raises:
        PilahError: this installation of ONNX Runtime lacks one of the providers.
        Exception: the file is not a model that ONNX Runtime can run; it exports no class for this.
    """
    available = onnxruntime.get_available_providers()
    for provider in providers:
        if provider not in available:
            raise PilahError(
                f"no execution provider {provider} here; choose from {', '.join(available)}"
            )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or limited_cores()
    options.log_severity_level = 3
    return Session(str(path), options, providers=list(providers))


def quantization() -> ModuleType:
    """`onnxruntime.quantization`, which writes models in 8 bits; it needs the extra `train`."""
    import onnxruntime.quantization

    return onnxruntime.quantization  # type: ignore[no-any-return]
