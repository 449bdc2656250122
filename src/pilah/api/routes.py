"""The addresses, and what each answers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pilah import __version__
from pilah.api.asking import Ready, answers_for, ask_for
from pilah.api.bodies import Held, read_photos
from pilah.api.engine import Engine
from pilah.api.gate import CLIENT_LEFT, Gate, failed, told
from pilah.api.logs import LOG
from pilah.api.metrics import MEDIA_TYPE, Metrics
from pilah.api.page import BODY, EXAMPLE, describe, problems
from pilah.api.problems import Problem
from pilah.api.schema import (
    Options,
    Predicted,
    milliseconds,
    photo_said,
)
from pilah.api.served import Served
from pilah.api.settings import Settings
from pilah.models import card_path


def create_app(engine: Engine, settings: Settings, metrics: Metrics) -> Gate:
    """Everything that the server answers."""
    held = Held()
    ready = Ready(engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(engine.start)
        LOG.info(
            "ready",
            extra={
                "said": {
                    "address": settings.address,
                    "port": settings.port,
                    "models": [*engine.models],
                }
            },
        )
        yield
        LOG.info("stopping", extra={"said": {"photos": engine.waiting}})
        await asyncio.to_thread(engine.close)

    app = FastAPI(
        title="pilah",
        version=__version__,
        description="Finds faces in photos, and the label that annotators would likely give them.",
        lifespan=lifespan,
        docs_url=None,  # its page loads a script from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )

    @app.post(
        "/v1/predict",
        response_model=None,
        responses={
            200: {
                "model": Predicted,
                "description": "Each photo's faces, or its error.",
                "content": {"application/json": {"example": EXAMPLE}},
            },
            **problems(400, 401, 408, 413, 415, 422, 429, 503),
        },
        openapi_extra={"requestBody": BODY},
    )
    async def predict(request: Request, options: Annotated[Options, Query()]) -> Response:
        """Find the faces of one or several photos, and say which label each would likely get."""
        started = time.perf_counter()
        ask = ask_for(engine, options)
        engine.check_room()
        with held.one() as share:
            photos = await read_photos(request, share)
            request.scope["trace"].photos = len(photos)
            engine.check_room(len(photos))
            read = time.perf_counter()
            answers = await answers_for(engine, photos, ask, request)
        said = {
            "model": {"name": ask.model.info.name, "version": ask.model.info.version},
            "min_confidence": ask.min_confidence,
            "photos": [
                photo_said(photo.name, answer)
                for photo, answer in zip(photos, answers, strict=True)
            ],
            "milliseconds": {
                "read": milliseconds(read - started),
                "total": milliseconds(time.perf_counter() - started),
            },
        }
        return Response(json.dumps(said), media_type="application/json")

    @app.head("/v1/models", include_in_schema=False)
    @app.get("/v1/models", responses=problems(401))
    async def models() -> dict[str, list[dict[str, Any]]]:
        """The models that answer, the default first."""
        return {"models": [_described(served, engine) for served in engine.models.values()]}

    @app.head("/v1/models/{name}", include_in_schema=False)
    @app.get("/v1/models/{name}", responses=problems(401, 404))
    async def model(name: str) -> dict[str, Any]:
        """One model: labels, thresholds, figures and its card."""
        if name not in engine.models:
            known = ", ".join(engine.models)
            raise Problem(404, "model", f"no model of that name; choose from {known}")
        served = engine.models[name]
        return {**_described(served, engine), **asdict(served.info), "card": _card(served)}

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the server runs."""
        return {"status": "ok"}

    @app.head("/readyz", include_in_schema=False)
    @app.get("/readyz", responses=problems(503))
    async def readyz() -> dict[str, str]:
        """Whether photos are answered: a tiny one was, by every model."""
        await ready.check()
        return {"status": "ready"}

    @app.head("/metrics", include_in_schema=False)
    @app.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {MEDIA_TYPE.partition(";")[0]: {}}}, **problems(401)},
    )
    async def figures() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type=MEDIA_TYPE)

    @app.exception_handler(Problem)
    async def problem(request: Request, problem: Problem) -> Response:
        return told(problem, request.scope["trace"])

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return told(_invalid(error), request.scope["trace"])

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        return told(_refused(error), request.scope["trace"])

    @app.exception_handler(ClientDisconnect)
    async def left(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=CLIENT_LEFT)  # for the log; nobody reads it

    @app.exception_handler(Exception)
    async def broken(request: Request, _: Exception) -> Response:
        return told(failed(), request.scope["trace"])

    describe(app, with_key=settings.key is not None)
    return Gate(app, settings, metrics)


def _invalid(error: RequestValidationError) -> Problem:
    wrong = [{"option": each["loc"][-1], "reason": each["msg"]} for each in error.errors()]
    known = ", ".join(Options.model_fields)
    return Problem(
        422,
        "option",
        f"an option of another name or value; the options are {known}",
        {"errors": wrong},
    )


def _refused(error: HTTPException) -> Problem:
    if error.status_code == 404:
        return Problem(404, "address", "no such address; /openapi.json lists them")
    return Problem(
        error.status_code,
        "method" if error.status_code == 405 else "request",
        "this address is not asked in this way; /openapi.json says how",
        headers=error.headers,
    )


def _described(served: Served, engine: Engine) -> dict[str, Any]:
    info = served.info
    return {
        "name": info.name,
        "version": info.version,
        "default": served is engine.default,
        "labels": list(info.labels),
        "min_confidence": info.min_confidence,
    }


def _card(served: Served) -> str | None:
    """What the model card says of this model, in Markdown; None for one of another place."""
    path = card_path(served.info.name)
    if path is None or not served.shipped:
        return None
    sections = path.read_text(encoding="utf-8").split("\n## ")
    return next(
        (f"## {text}" for text in sections if text.startswith(f"`{served.info.name}`")), None
    )
