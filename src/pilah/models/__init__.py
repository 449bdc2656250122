"""The models that come with the package: one `NAME.onnx` a model, beside this file."""

from pathlib import Path

from pilah.errors import BundleError

DEFAULT = "celeba"
"""The model that is used when none is named."""

_FOLDER = Path(__file__).parent


def model_names() -> list[str]:
    """Names of the models in the package, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.onnx"))


def model_path(name: str | Path) -> Path:
    """Where a model's file is.

    Args:
        name: a model of the package, or the path of a `model.onnx`.

    Raises:
        BundleError: it is neither.
    """
    shipped = _FOLDER / f"{name}.onnx"
    if shipped.parent == _FOLDER and shipped.is_file():
        return shipped
    path = Path(name)
    if path.is_file():
        return path
    names = ", ".join(model_names()) or "none"
    raise BundleError(
        f"no model {str(name)!r}: models in the package: {names}; give one of them, or the path of "
        "a model.onnx that `pilah export` wrote"
    )
