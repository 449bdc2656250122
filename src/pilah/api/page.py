"""What the OpenAPI page says beside what FastAPI knows: the body, examples, problems, the key."""

from typing import Any

from fastapi import FastAPI

from pilah.api.gate import OPEN
from pilah.api.limits import MAX_BODY_MB, MAX_PHOTOS
from pilah.api.problems import MEDIA_TYPE
from pilah.api.schema import ProblemSaid

BINARY = {"type": "string", "format": "binary"}
BODY = {
    "description": f"At most {MAX_BODY_MB} MB and {MAX_PHOTOS} photos.",
    "required": True,
    "content": {
        "image/*": {"schema": BINARY},
        "application/octet-stream": {"schema": BINARY},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "additionalProperties": False,
                "properties": {
                    "files": {
                        "type": "array",
                        "items": BINARY,
                        "minItems": 1,
                        "maxItems": MAX_PHOTOS,
                    }
                },
            }
        },
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["photos"],
                "additionalProperties": False,
                "properties": {
                    "photos": {
                        "type": "array",
                        "items": {"type": "string", "format": "byte", "description": "base64"},
                        "minItems": 1,
                        "maxItems": MAX_PHOTOS,
                    }
                },
            },
            "example": {"photos": ["/9j/4AAQSkZJRg=="]},
        },
    },
}
"""The body of `/v1/predict`, which bodies.py reads."""

EXAMPLE = {
    "model": {"name": "pilah-small", "version": "0.4.1"},
    "min_confidence": 0.6,
    "photos": [
        {
            "name": "beach.jpg",
            "label": "female",
            "p_male": 0.012,
            "error": None,
            "size_hw": [3024, 4032],
            "rotation": 0,
            "depth": 30.24,
            "faces": [
                {
                    "box": [1290.5, 801.0, 1702.25, 1380.75],
                    "label": "female",
                    "p_male": 0.012,
                    "detector_score": 0.93,
                    "tilt": 0.0,
                    "height": 579.75,
                }
            ],
            "milliseconds": {
                "queue": 0.1,
                "decode": 31.2,
                "detect": 22.9,
                "crop": 1.2,
                "classify": 7.9,
            },
        }
    ],
    "milliseconds": {"read": 4.1, "total": 69.0},
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI page says of answers that are no result."""
    schema = {"$ref": "#/components/schemas/ProblemSaid"}
    words = {
        400: "The request or its body is damaged.",
        401: "The key is missing or wrong.",
        404: "There is no such model.",
        408: "The body arrives too slowly.",
        413: "Too many bytes, photos or pixels; `limit` names which.",
        415: "The body has another media type.",
        422: "An option or a field is not as it must be.",
        429: "No room now; `Retry-After` says when to come back.",
        503: "Not ready, or no answer in time.",
    }
    return {
        status: {"description": words[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def describe(app: FastAPI, *, with_key: bool) -> None:
    """Write the OpenAPI page; what FastAPI cannot know of it is added."""
    page = app.openapi()
    components = page.setdefault("components", {})
    components.setdefault("schemas", {})["ProblemSaid"] = ProblemSaid.model_json_schema()
    if with_key:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, methods in page["paths"].items():
            if path not in OPEN:
                for operation in methods.values():
                    operation["security"] = [{"key": []}]
