"""ONNX Runtime, imported here and nowhere else: it sends nothing, keeps nothing and stays quiet.

Left to itself, ONNX Runtime 1.32 writes an identifier of the device below the user's home, opens a
database beside it and looks up a telemetry host in every process that imports it. A variable of the
environment stops this, if it is set before the import; `disable_telemetry_events()` comes too late.
"""

import os
from pathlib import Path
from types import ModuleType

from pilah.cores import limited_cores
from pilah.errors import PilahError

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # child processes inherit it

import onnxruntime
from onnxruntime import InferenceSession as Session

onnxruntime.set_default_logger_severity(3)  # errors; each of them is raised too

__all__ = ["CPU", "PROVIDERS", "Session", "open_session", "quantization"]

CPU = "CPUExecutionProvider"
PROVIDERS = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}
"""ONNX Runtime's execution provider of each device; what a device cannot do, the CPU does."""


def open_session(path: Path, *, threads: int = 0, device: str = "cpu") -> Session:
    """Open an ONNX file for inference.

    Args:
        path: the file.
        threads: how many threads one inference may use; 0 is one a core
            that this process may use.
        device: a key of `PROVIDERS`.

    Raises:
        PilahError: there is no such device, or it does not work here.
        Exception: the file is not a model that ONNX Runtime can run; it exports no class for this.
    """
    provider = PROVIDERS.get(device)
    available = onnxruntime.get_available_providers()
    here = ", ".join(name for name, its in PROVIDERS.items() if its in available)
    if provider is None:
        raise PilahError(f"no device {device!r}; choose from {here}")
    if provider not in available:
        raise PilahError(
            f"the installed ONNX Runtime does not know the device {device!r}; install a build that "
            f"does, such as onnxruntime-gpu for cuda, or choose from {here}"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or limited_cores()
    options.log_severity_level = 3
    session = Session(str(path), options, providers=list(dict.fromkeys((provider, CPU))))
    if provider not in session.get_providers():  # ONNX Runtime takes the CPU then, and says little
        raise PilahError(
            f"the device {device!r} does not start; see whether its drivers are installed, or "
            "choose cpu"
        )
    return session


def quantization() -> ModuleType:
    """`onnxruntime.quantization`, which writes models in 8 bits; it needs the extra `train`."""
    import onnxruntime.quantization

    return onnxruntime.quantization  # type: ignore[no-any-return]
