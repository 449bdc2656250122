"""Portions are answered by actors of Ray Data, on this machine or on a cluster.

A round is one data set: some portions for each actor, whose rows are portions (the paths of their
photos, never pixels) and whose answers are finished shards, which the caller writes. Ray gives what
a killed actor had under way to another, for ever; `Tries` counts how often a portion was begun, and
after `MOST_TRIES` its photos are asked one by one: those that still end their actor become rows
with an error.
"""

import os
import pickle
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from pilah.cluster import shards
from pilah.cluster.answer import Asked, answered
from pilah.cluster.listing import Portion
from pilah.errors import PilahError
from pilah.types import Result

MOST_TRIES = 3
"""How often a portion, or a photo by itself, is begun whose actor ended."""

ROUND = 64
"""Portions of an actor in one round: the paths of a round lie in the object store at once."""

AT_ONCE = 2
"""Portions that an actor has under way: its worker would wait between one and the next. Photos that
are asked one by one are under way alone, so that none counts as tried for another's sake."""

WHOLE = -1
"""Instead of a photo's index: the task is the whole portion."""

ANSWER = pa.schema(
    [
        ("portion", pa.int64()),
        ("photo", pa.int64()),
        ("answer", pa.binary()),
        ("refusal", pa.string()),
    ]
)

ENDED = "reading it ended its process, several times: damaged, too large, or not enough memory"


class Tries:
    """How often each task was begun without an end; it runs in an actor of its own."""

    def __init__(self) -> None:
        """Begin with none."""
        self._begun: Counter[tuple[int, int]] = Counter()

    def begin(self, task: tuple[int, int]) -> int:
        """Count that a task is begun, and say how often it has been."""
        self._begun[task] += 1
        return self._begun[task]

    def end(self, task: tuple[int, int]) -> None:
        """Forget a task that is done."""
        self._begun.pop(task, None)


@dataclass
class Actor:
    """What runs in an actor: the stage of `answer.py`, with a worker process of its own."""

    asked: Asked
    tries: Any
    home: str | None

    def __post_init__(self) -> None:
        """Load the model once; why it cannot be is told by the first answer, not by a restart."""
        if self.home:  # the user's, with their credentials; Ray was started with another
            os.environ["HOME"] = self.home
        self._refusal = ""
        try:
            self._predictor = self.asked.load(workers=1)
        except PilahError as error:
            self._refusal = str(error)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Answer tasks: `answer` is a shard, or a pickled Result, or null after too many tries."""
        return pa.Table.from_pylist([self._done(row) for row in batch.to_pylist()], ANSWER)

    def _done(self, task: dict[str, Any]) -> dict[str, Any]:
        import ray

        name = task["portion"], task["photo"]
        answer = None
        if not self._refusal and ray.get(self.tries.begin.remote(name)) <= MOST_TRIES:
            answer = self._answer(
                Portion(task["portion"], pickle.loads(task["photos"])), task["photo"]
            )
        self.tries.end.remote(name)
        return {"portion": name[0], "photo": name[1], "answer": answer, "refusal": self._refusal}

    def _answer(self, portion: Portion, photo: int) -> bytes:
        ((_, results),) = answered([portion], self._predictor)
        if photo == WHOLE:
            return shards.encoded(results, self._predictor.info)
        return pickle.dumps(results[0])


@dataclass
class Rounds:
    """Answers portions round by round, by `workers` actors.

    `encode` makes a shard of Results. `home` is the home of actors on this machine, None where they
    have their own.
    """

    asked: Asked
    workers: int
    encode: Callable[[list[Result]], bytes]
    home: str | None

    def answered(self, portions: Iterator[Portion]) -> Generator[tuple[Portion, bytes]]:
        """Give each portion with its shard, in any order.

        Raises:
            PilahError: an actor cannot use the model.
        """
        while due := list(islice(portions, ROUND * self.workers)):
            by_number = {portion.number: portion for portion in due}
            ended = []
            for row in self._round([_task(portion, WHOLE) for portion in due], AT_ONCE):
                portion = by_number[row["portion"]]
                if row["answer"] is None:
                    ended.append(portion)
                else:
                    yield portion, row["answer"]
            for portion in ended:
                yield portion, self._one_by_one(portion)

    def _one_by_one(self, portion: Portion) -> bytes:
        results = [Result(photo.path, error=ENDED) for photo in portion.photos]
        for row in self._round([_task(portion, photo) for photo in range(len(results))], 1):
            if row["answer"] is not None:
                results[row["photo"]] = pickle.loads(row["answer"])
        return self.encode(results)

    def _round(self, tasks: list[dict[str, Any]], at_once: int) -> Iterator[dict[str, Any]]:
        """Have tasks done by actors, each as a block of its own: one that dies takes no other."""
        import ray
        from ray.data import ActorPoolStrategy

        tries = ray.remote(Tries).options(num_cpus=0, max_restarts=-1).remote()
        done = ray.data.from_arrow([pa.Table.from_pylist([task]) for task in tasks]).map_batches(
            Actor,
            fn_constructor_args=(self.asked, tries, self.home),
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(
                size=min(self.workers, len(tasks)),
                max_concurrent_calls_per_actor=at_once,
                enable_true_multi_threading=at_once > 1,
            ),
            num_cpus=1,
        )
        for batch in done.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for row in batch.to_pylist():
                if row["refusal"]:
                    raise PilahError(row["refusal"])
                yield row


def _task(portion: Portion, photo: int) -> dict[str, Any]:
    """What an actor is given at once: a portion's photos, or the one of that index alone."""
    photos = portion.photos if photo == WHOLE else (portion.photos[photo],)
    return {"portion": portion.number, "photo": photo, "photos": pickle.dumps(photos)}
