"""The models that come with the package, beside this file: one `NAME.onnx` per model, one card."""

from pathlib import Path

from pilah.errors import BundleError

DEFAULT_MODEL = "pilah-small"
"""The model that is used when none is named."""

_FOLDER = Path(__file__).parent
_CARD = _FOLDER / "MODEL_CARD.md"


def model_names() -> list[str]:
    """Names of the models in the package, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.onnx"))


def card_path(name: str | Path) -> Path | None:
    """Where a model's card is (Markdown); None if the model does not come with the package."""
    return _CARD if str(name) in model_names() else None


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
