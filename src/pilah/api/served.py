"""The models that answer, what is asked of them about a photo, and what they answer."""

import io
from dataclasses import dataclass

from PIL import Image

from pilah.faces.detect import shared_detector
from pilah.faces.extract import Extractor, Seconds
from pilah.models import model_names, model_path
from pilah.models.bundle import BundleInfo, open_bundle
from pilah.models.classifier import Classifier
from pilah.types import Result


class Served:
    """A model that answers requests."""

    def __init__(self, model: str) -> None:
        """Load it.

        Raises:
            BundleError: it cannot be used.
        """
        self.shipped = model in model_names()
        bundle = open_bundle(model_path(model), threads=1)
        self.info: BundleInfo = bundle.info
        self.classifier = Classifier(bundle)
        self.extractor = Extractor(
            self.info.size_hw, self.info.frame, shared_detector(), min_face=None, min_share=0
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked about a photo; a `probe` is one of the server's own, which is not counted."""

    model: Served
    min_confidence: float
    crops: bool = False
    max_faces: int | None = None
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known about a photo, and the seconds that it took: waiting, and in each stage."""

    result: Result
    waited: float
    found: Seconds
    classify: float


def _tiny() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (120, 130, 140)).save(file, "JPEG")
    return file.getvalue()


TINY = _tiny()
"""A photo without a face; as a ready crop it is classified too."""
