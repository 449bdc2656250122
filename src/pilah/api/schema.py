"""The shapes of requests and answers, as the OpenAPI page shows them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pilah.api.served import Answer

DETAILED = ("cut off", "damaged")
"""Reasons that go on with what a decoder says, which may hold bytes of the photo."""


class Options(BaseModel):
    """What may be asked, in the query of the address."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: Annotated[
        str | None, Field(description="A model of `/v1/models`; the server's default if none.")
    ] = None
    min_confidence: Annotated[
        float | None,
        Field(
            ge=0.5,
            le=1,
            description="Below this confidence a face is unsure; the model's own if none.",
        ),
    ] = None
    max_error: Annotated[
        float | None,
        Field(
            ge=0,
            le=0.5,
            description="Instead of `min_confidence`: use the one that kept the error on "
            "validation faces to this share.",
        ),
    ] = None
    crops: Annotated[
        bool, Field(description="The photos are face crops already: no face is searched for.")
    ] = False
    max_faces: Annotated[
        int | None, Field(ge=1, le=1000, description="Of each photo, only the largest faces.")
    ] = None


class FaceSaid(BaseModel):
    """One face."""

    box: Annotated[
        list[float],
        Field(description="Left, top, right, bottom, in pixels of the photo as a viewer shows it."),
    ]
    label: Annotated[
        Literal["female", "male"] | None, Field(description="None (null) when unsure.")
    ]
    p_male: Annotated[float, Field(description="Probability of the label `male`.")]
    detector_score: float
    tilt: Annotated[float, Field(description="Degrees clockwise, taken out before the crop.")]
    height: Annotated[float, Field(description="Of the face, in pixels of the photo.")]


class PhotoMilliseconds(BaseModel):
    """What each stage took; faces of several photos are classified together."""

    queue: float
    decode: float
    detect: float
    crop: float
    classify: float


class PhotoSaid(BaseModel):
    """One photo: its faces, the largest first, or the error that reading it gave."""

    name: Annotated[str | None, Field(description="As the client gave it; it is only a name.")]
    label: Annotated[
        Literal["female", "male"] | None, Field(description="Of the largest face; null if unsure.")
    ]
    p_male: float | None
    error: str | None
    size_hw: list[int] | None
    rotation: Annotated[
        int, Field(description="Degrees clockwise that made the photo upright: 0, 90, 180 or 270.")
    ]
    depth: Annotated[
        float | None, Field(description="Height in pixels from which faces were looked for.")
    ]
    faces: list[FaceSaid]
    milliseconds: PhotoMilliseconds


class ModelNamed(BaseModel):
    """Which model answered."""

    name: str
    version: str


class RequestMilliseconds(BaseModel):
    """What the request took: until its body had arrived, and until its answer was ready."""

    read: float
    total: float


class Predicted(BaseModel):
    """The photos in the order in which they came."""

    model: ModelNamed
    min_confidence: float
    photos: list[PhotoSaid]
    milliseconds: RequestMilliseconds


class ProblemSaid(BaseModel):
    """Problem details, RFC 9457; where a limit was passed, which one and how much it allows."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None


def photo_said(name: str | None, answer: Answer) -> dict[str, Any]:
    """One photo, as `PhotoSaid` has it; the numbers are those of the command line."""
    said = answer.result.to_json()
    del said["path"]
    found = answer.found
    stages = {
        "queue": answer.waited,
        "decode": found.decode,
        "detect": found.detect,
        "crop": found.crop,
        "classify": answer.classify,
    }
    return {
        "name": name,
        **said,
        "error": _reason(answer.result.error),
        "milliseconds": {stage: milliseconds(seconds) for stage, seconds in stages.items()},
    }


def _reason(error: str | None) -> str | None:
    """Why a photo cannot be read, without what the decoder quotes of it."""
    if error is None:
        return None
    kind, _, _ = error.partition(": ")
    return kind if kind in DETAILED or kind.isidentifier() else error


def milliseconds(seconds: float) -> float:
    """With three digits after the point."""
    return round(seconds * 1000, 3)
