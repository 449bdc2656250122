"""How the tests ask a server, as other programs do."""

import io
from dataclasses import dataclass
from typing import Any

import requests
from PIL import Image

from demo.serving_api import Server


@dataclass(frozen=True)
class Client:
    """Asks a server, with its key if it has one."""

    server: Server

    def get(self, path: str, **more: Any) -> requests.Response:
        return requests.get(self.server.address + path, timeout=60, **more)

    def post(self, body: bytes | None = None, query: str = "", **more: Any) -> requests.Response:
        url = f"{self.server.address}/v1/predict{query}"
        return requests.post(url, data=body, timeout=120, **more)

    def files(self, photos: list[bytes], query: str = "", **more: Any) -> requests.Response:
        parts = [("files", (f"{number}.jpg", photo)) for number, photo in enumerate(photos)]
        return self.post(query=query, files=parts, **more)


def encoded(image: Image.Image, kind: str = "JPEG", **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def assert_problem(answer: requests.Response, status: int, kind: str | None = None) -> None:
    said = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert said["status"] == status and said["title"] and said["detail"]
    if kind:
        assert said["type"] == f"urn:pilah:problem:{kind}"
