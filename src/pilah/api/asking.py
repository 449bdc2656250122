"""Options and photos of a request go to the engine; answers come back while the client waits."""

import asyncio
import time
from collections.abc import Sequence

from starlette.requests import ClientDisconnect, Request

from pilah.api.engine import Engine
from pilah.api.limits import ANSWER_SECONDS
from pilah.api.problems import Problem, over
from pilah.api.schema import Options
from pilah.api.served import Answer, Ask
from pilah.api.upload import Upload
from pilah.errors import PilahError
from pilah.models.confidence import confidence_asked

READY_SECONDS = 10
"""In which the tiny photo must be answered, and for which that answer is good."""


def ask_for(engine: Engine, options: Options) -> Ask:
    """What the options ask about each photo.

    Raises:
        Problem: there is no such model, or it cannot keep the error asked for.
    """
    served = engine.models.get(options.model) if options.model else engine.default
    if served is None:
        known = ", ".join(engine.models)
        raise Problem(422, "option", f"no model of that name; choose from {known}")
    try:
        min_confidence = confidence_asked(served.info, options.min_confidence, options.max_error)
    except PilahError as error:
        raise Problem(422, "option", str(error)) from None
    return Ask(served, min_confidence, options.crops, options.max_faces)


async def answers_for(
    engine: Engine, photos: Sequence[Upload], ask: Ask, request: Request
) -> list[Answer]:
    """Have photos answered, in order; those that no one waits for any more are taken back.

    Raises:
        Problem: one photo is refused, or there is no answer in time.
        ClientDisconnect: the client has gone.
    """
    futures = [asyncio.wrap_future(engine.submit(photo.data, ask)) for photo in photos]
    answers = asyncio.gather(*futures)
    leaving = asyncio.create_task(_leaves(request))
    try:
        await asyncio.wait(
            (answers, leaving), timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if answers.done():
            return answers.result()
        if leaving.done():
            raise ClientDisconnect
        raise over(
            "seconds",
            ANSWER_SECONDS,
            "seconds",
            f"no answer in {ANSWER_SECONDS} s; send fewer photos, or smaller ones",
            status=503,
        )
    finally:
        leaving.cancel()
        answers.add_done_callback(_forget)
        answers.cancel()
        for future in futures:
            future.cancel()


def _forget(answers: asyncio.Future[list[Answer]]) -> None:
    """Look at an outcome that nobody waits for, so that it is no error of asyncio's."""
    if not answers.cancelled():
        answers.exception()


async def _leaves(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Ready:
    """Whether photos are answered: a real answer to a tiny one, asked for at most now and then."""

    def __init__(self, engine: Engine) -> None:
        """Nothing is known yet."""
        self._engine = engine
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def check(self) -> None:
        """Wait for the answer to a tiny photo, by every model.

        Raises:
            Problem: there is none in time.
        """
        async with self._lock:
            if time.monotonic() < self._until:
                return
            probes = asyncio.gather(*map(asyncio.wrap_future, self._engine.probe()))
            try:
                answers = await asyncio.wait_for(probes, READY_SECONDS)
            except TimeoutError:
                raise Problem(503, "not-ready", f"no answer in {READY_SECONDS} s") from None
            if any(answer.result.error for answer in answers):
                raise Problem(503, "not-ready", "a photo that is not damaged was not read")
            self._until = time.monotonic() + READY_SECONDS
