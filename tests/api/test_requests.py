"""What is answered about photos: the same as everywhere else, in order, one by one."""

import base64
import gzip
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from client import Client, assert_problem, encoded
from PIL import Image

import pilah
from demo.serving_api import PROGRAM, served_api
from pilah.app.model import Model
from pilah.models import model_names

SAME = 1e-6
"""Numbers that were computed alone and in a batch differ in their last bit."""


def numbers(results: list[dict]) -> list[list[float]]:
    return [
        [face["p_male"], *face["box"], face["detector_score"], face["tilt"], face["height"]]
        for result in results
        for face in result["faces"]
    ]


def test_the_same_numbers_as_command_line_python_and_app(
    client: Client, photos: list[Path]
) -> None:
    data = [path.read_bytes() for path in photos]
    predictor = pilah.load(workers=1)
    app = Model(predictor)
    lines = subprocess.run(
        [*PROGRAM, "predict", "--json", *photos], capture_output=True, check=True
    ).stdout.splitlines()
    python = [predictor.predict(path).to_json() for path in photos]
    expected = numbers(python)
    assert len(expected) >= 8
    for said in (
        client.files(data).json()["photos"],
        [client.post(photo).json()["photos"][0] for photo in data],
        [json.loads(line) for line in lines],
        [app.predict(photo).to_json() for photo in data],
    ):
        for face, wanted in zip(numbers(said), expected, strict=True):
            assert face == pytest.approx(wanted, abs=SAME)
        for each, wanted in zip(said, python, strict=True):
            for what in ("label", "size_hw", "rotation", "depth", "error"):
                assert each[what] == wanted[what]


def test_raw_form_and_base64_are_one_answer(client: Client, photos: list[Path]) -> None:
    photo = photos[0].read_bytes()
    body = json.dumps({"photos": [base64.b64encode(photo).decode()]})
    answers = [
        client.post(photo, headers={"Content-Type": "image/jpeg"}),
        client.post(photo),
        client.files([photo]),
        client.post(body.encode(), headers={"Content-Type": "application/json"}),
    ]
    first, *rest = [answer.json()["photos"][0] for answer in answers]
    assert first["faces"]
    for each in rest:
        assert {**each, "name": None, "milliseconds": 0} == {**first, "milliseconds": 0}


def test_each_photo_has_its_own_answer_in_order(client: Client, photos: list[Path]) -> None:
    by_name = {path.name: path.read_bytes() for path in photos}
    sent = [by_name["both.jpg"], b"text", by_name["coffee.jpg"], b"", by_name["hopper.jpg"]]
    answer = client.files(sent)
    said = answer.json()
    assert answer.status_code == 200
    assert [photo["name"] for photo in said["photos"]] == [f"{n}.jpg" for n in range(5)]
    assert [len(photo["faces"]) for photo in said["photos"]] == [2, 0, 0, 0, 1]
    errors = [photo["error"] for photo in said["photos"]]
    assert errors[0] is errors[2] is errors[4] is None
    assert errors[1].startswith("not an image") and errors[3] == "empty file"
    assert said["model"]["name"] == "pilah-small" and said["model"]["version"]
    stages = ["queue", "decode", "detect", "crop", "classify"]
    assert list(said["photos"][0]["milliseconds"]) == stages
    assert said["photos"][0]["milliseconds"]["detect"] > 0
    assert said["milliseconds"]["total"] >= said["milliseconds"]["read"] > 0


def test_photos_of_many_clients_are_not_mixed_up(client: Client, photos: list[Path]) -> None:
    data = [path.read_bytes() for path in photos]
    alone = [client.post(photo).json()["photos"][0] for photo in data]

    def ask(number: int) -> bool:
        said = client.post(data[number % len(data)]).json()["photos"][0]
        wanted = alone[number % len(data)]
        close = [pytest.approx(each, abs=SAME) for each in numbers([wanted])]
        return said["size_hw"] == wanted["size_hw"] and numbers([said]) == close

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(ask, range(48)))
    figures = client.get("/metrics").text
    ones, every = (
        float(re.search(rf"pilah_batch_photos_bucket{{le=\"{most}\"}} (.*)", figures)[1])
        for most in (r"1\.0", r"\+Inf")
    )
    assert every > ones  # some were classified together


def test_options(client: Client, photos: list[Path]) -> None:
    both = next(path for path in photos if path.name == "both.jpg").read_bytes()

    def labels(query: str) -> list[str | None]:
        return [face["label"] for face in client.post(both, query).json()["photos"][0]["faces"]]

    assert labels("") == ["male", "female"]
    assert labels("?max_faces=1") == ["male"]
    assert labels("?min_confidence=0.95") == ["male", None]
    said = client.post(both, "?max_error=0.01").json()
    assert said["min_confidence"] == pilah.load(max_error=0.01, workers=1).min_confidence
    crop = client.post(both, "?crops=true").json()["photos"][0]
    assert [face["box"] for face in crop["faces"]] == [[0, 0, 949, 512]] and crop["depth"] is None


@pytest.mark.parametrize(
    ("query", "option"),
    [
        ("?min_confidence=0.4", "min_confidence"),
        ("?min_confidence=nan", "min_confidence"),
        ("?max_faces=0", "max_faces"),
        ("?crops=perhaps", "crops"),
        ("?url=http://example.org/photo.jpg", "url"),
        ("?path=/etc/passwd", "path"),
    ],
)
def test_an_option_that_is_not_one_is_named(client: Client, query: str, option: str) -> None:
    answer = client.post(b"x", query)
    assert_problem(answer, 422, "option")
    assert [each["option"] for each in answer.json()["errors"]] == [option]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?model=/etc/passwd", "choose from pilah-small"),
        ("?max_error=0.1&min_confidence=0.6", "exclude each other"),
    ],
)
def test_what_no_model_can_do_is_said(client: Client, query: str, words: str) -> None:
    answer = client.post(b"x", query)
    assert_problem(answer, 422, "option")
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "media_type", "status", "kind"),
    [
        (b"", "image/png", 422, "no-photo"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "media-type"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 422, "no-photo"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x", 422, "unknown-field"),
        (b"no form", "multipart/form-data; boundary=x", 400, "damaged-body"),
        (b"no form", "multipart/form-data", 400, "damaged-body"),
        (b"{", "application/json", 400, "damaged-body"),
        (b"[" * 200, "application/json", 400, "damaged-body"),
        (b"{}", "application/json", 422, "damaged-body"),
        (b'{"photos": []}', "application/json", 422, "no-photo"),
        (b'{"photos": ["?"]}', "application/json", 422, "damaged-body"),
        (b'{"photos": ["AAAA"], "url": "x"}', "application/json", 422, "damaged-body"),
        (b'{"url": "http://example.org/x.jpg"}', "application/json", 422, "damaged-body"),
    ],
)
def test_a_body_that_holds_no_photos_is_a_problem(
    client: Client, body: bytes, media_type: str, status: int, kind: str
) -> None:
    answer = client.post(body, headers={"Content-Type": media_type})
    assert_problem(answer, status, kind)


def test_a_form_field_of_another_name_is_refused(client: Client) -> None:
    answer = client.post(files=[("url", (None, "http://example.org/x.jpg"))])
    assert_problem(answer, 422, "unknown-field")


def test_a_limit_that_is_passed_is_named(client: Client) -> None:
    photo = encoded(Image.new("L", (8, 8)))
    for answer, limit, most in (
        (client.files([photo] * 65), "photos", 64),
        (client.post(bytes(64_000_001)), "bytes", 64_000_000),
        (client.post(json_of(["AAAA"] * 65), headers=JSON), "photos", 64),
        (client.files([photo, encoded(Image.new("1", (8000, 7501)), "PNG")]), "pixels", 60_000_000),
    ):
        assert_problem(answer, 413, f"limit:{limit}")
        assert (answer.json()["limit"], answer.json()["most"]) == (limit, most)
    whole = client.post(encoded(Image.new("1", (8000, 7500)), "PNG"), "?crops=true").json()
    assert whole["photos"][0]["error"] is None


JSON = {"Content-Type": "application/json"}


def json_of(texts: list[str]) -> bytes:
    return json.dumps({"photos": texts}).encode()


def test_models_and_their_card(client: Client) -> None:
    listed = client.get("/v1/models").json()["models"]
    assert listed[0]["name"] == "pilah-small"
    assert {each["name"]: each["default"] for each in listed} == {
        name: name == "pilah-small" for name in model_names()
    }
    model = client.get("/v1/models/pilah-small").json()
    info = pilah.load(workers=1).info
    assert model["labels"] == ["female", "male"]
    assert model["min_confidence"] == info.min_confidence
    assert len(model["risk_coverage"]) == len(info.risk_coverage)
    assert model["card"].startswith(f"## `pilah-small` {info.version}")
    assert_problem(client.get("/v1/models/..%2f..%2fetc%2fpasswd"), 404)
    assert_problem(client.get("/v1/models/other"), 404, "model")


def test_every_model_of_a_server_answers(tiny_bundle: Path) -> None:
    with served_api("--model", "pilah-small", "--model", tiny_bundle) as server:
        client = Client(server)
        black, white = (encoded(Image.new("L", (24, 32), grey)) for grey in (0, 255))
        said = client.files([black, white], "?model=tiny&crops=1").json()
        assert [photo["label"] for photo in said["photos"]] == ["female", "male"]
        assert [model["name"] for model in client.get("/v1/models").json()["models"]] == [
            "pilah-small",
            "tiny",
        ]
        assert client.get("/v1/models/tiny").json()["card"] is None
        impossible = client.post(black, "?model=tiny&max_error=0.01")
        assert_problem(impossible, 422, "option")
        assert "cannot promise" in impossible.json()["detail"]


def test_health_metrics_and_description(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    client.post(encoded(Image.new("L", (8, 8))))
    figures = client.get("/metrics").text
    for name in (
        'pilah_requests_total{route="/v1/predict",status="200"}',
        'pilah_photos_total{outcome="no_face"}',
        'pilah_stage_seconds_bucket{le="0.1",stage="decode"}',
        "pilah_waiting_photos",
        "pilah_batch_photos_count",
    ):
        assert name in figures
    page = client.get("/openapi.json").json()
    assert page["paths"]["/v1/predict"]["post"]["requestBody"]["content"].keys() >= {
        "multipart/form-data",
        "application/json",
    }
    example = page["paths"]["/v1/predict"]["post"]["responses"]["200"]["content"]
    assert example["application/json"]["example"]["photos"][0]["faces"]


def test_every_answer_has_an_id_and_none_may_be_kept_or_read_by_a_page(client: Client) -> None:
    own = client.get("/healthz", headers={"X-Request-ID": "mine-1", "Origin": "http://x.example"})
    assert own.headers["x-request-id"] == "mine-1"
    assert "access-control-allow-origin" not in own.headers
    assert own.headers["cache-control"] == "no-store"
    other = client.get("/nope", headers={"X-Request-ID": "a b\x7f"})
    assert_problem(other, 404, "address")
    assert len(other.headers["x-request-id"]) == 32
    assert other.json()["request_id"] == other.headers["x-request-id"]
    asked = requests.options(client.server.address + "/v1/predict", timeout=60)
    assert_problem(asked, 405, "method")
    assert asked.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/v1/models"])
def test_head_is_answered_as_get_without_the_body(client: Client, path: str) -> None:
    answer = requests.head(client.server.address + path, timeout=60)
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_compressed_body_is_refused(client: Client, photos: list[Path]) -> None:
    data = gzip.compress(photos[0].read_bytes())
    headers = {"Content-Encoding": "gzip", "Content-Type": "image/jpeg"}
    assert_problem(client.post(data, headers=headers), 415, "media-type")
    plain = {"Content-Encoding": "identity", "Content-Type": "image/jpeg"}
    assert client.post(photos[0].read_bytes(), headers=plain).status_code == 200
