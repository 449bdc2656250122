"""Portions are answered by actors of Ray Data, on this machine or on a cluster.

A round is one data set: some portions for each actor, whose rows are portions (the paths of their
photos, never pixels) and whose answers are finished shards, which the caller writes. Ray gives what
a killed actor had under way to another, for ever; `Tries` counts how often a portion was begun, and
after `MOST_TRIES` its photos are asked one by one: those that still end their actor become rows
with an error.
"""

import logging
import os
import pickle
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from pilah.cluster import shards
from pilah.cluster.answer import Asked, answered
from pilah.cluster.listing import Portion
from pilah.cores import usable_cores
from pilah.errors import MissingExtra, PilahError
from pilah.types import Result

MOST_TRIES = 3
"""How often a portion, or a photo by itself, is begun whose actor ended."""

ROUND = 64
"""Portions of an actor in one round: the paths of a round lie in the object store at once."""

OBJECT_STORE = 256 * 2**20
"""Bytes of shared memory: a round's paths and shards, some 100 bytes a photo; no pixels."""

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

STDERR = 2

SOCKET = 40
"""Characters that a folder's path may have so that Ray's sockets fit into it (107 on Linux)."""


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

    def __post_init__(self) -> None:
        """Load the model once; why it cannot be is told by the first answer, not by a restart."""
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
            answer = self._answer(Portion(task["portion"], pickle.loads(task["photos"])), task["photo"])
        self.tries.end.remote(name)
        return {"portion": name[0], "photo": name[1], "answer": answer, "refusal": self._refusal}

    def _answer(self, portion: Portion, photo: int) -> bytes:
        ((_, results),) = answered([portion], self._predictor)
        if photo == WHOLE:
            return shards.encoded(results, self._predictor.info)
        return pickle.dumps(results[0])


@contextmanager
def ray_running(workers: int | None) -> Iterator[int]:
    """Connect to the cluster that `RAY_ADDRESS` names, or run one on this machine; give its CPUs.

    What runs here listens on loopback only, sends no usage statistics, and writes its logs into a
    temporary folder that is deleted.

    Raises:
        MissingExtra: Ray is not installed.
        PilahError: the cluster does not start, does not answer, or fails.
    """
    # read as Ray is imported
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_BACKEND_LOG_LEVEL"] = "fatal"
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        # what Ray calls this: a machine that is a cluster of its own, and listens on loopback only
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtra("Ray", "cluster") from None
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    scratch = None if address else _scratch()
    here = {
        "address": "local",
        "num_cpus": workers or usable_cores(),
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE,
        "_node_ip_address": "127.0.0.1",
        "_temp_dir": str(scratch),
    }
    try:
        try:
            with _silent():
                ray.init(**quiet, **({"address": address} if address else here))
        except (ConnectionError, ValueError, RuntimeError) as error:
            where = f"the Ray cluster at {address} does not answer" if address else "Ray cannot start"
            reason = " ".join(str(error).split())
            raise PilahError(f"{where} ({reason}); see docs/SCALE.md, or leave --engine out") from None
        try:
            yield int(ray.cluster_resources().get("CPU", 1))
        except ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())
            raise PilahError(
                f"the Ray cluster failed ({reason}); run the same command again to resume"
            ) from None
    finally:
        with suppress(Exception):
            ray.shutdown()
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep from standard error what Ray's C++ prints there about its log level as it starts."""
    sys.stderr.flush()
    kept = os.dup(STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)


def _scratch() -> Path:
    """A folder for Ray's logs and sockets, whose path is short enough for a socket."""
    short = tempfile.gettempdir() if len(tempfile.gettempdir()) < SOCKET else "/tmp"
    return Path(tempfile.mkdtemp(prefix="pilah-ray-", dir=short))


@dataclass
class Rounds:
    """Answers portions round by round, by `workers` actors; `encode` makes a shard of Results."""

    asked: Asked
    workers: int
    encode: Callable[[list[Result]], bytes]

    def answered(self, portions: Iterator[Portion]) -> Iterator[tuple[Portion, bytes]]:
        """Give each portion with its shard, in any order.

        Raises:
            PilahError: an actor cannot use the model.
        """
        while due := list(islice(portions, ROUND * self.workers)):
            by_number = {portion.number: portion for portion in due}
            ended = []
            for row in self._round([_task(portion, WHOLE) for portion in due]):
                portion = by_number[row["portion"]]
                if row["answer"] is None:
                    ended.append(portion)
                else:
                    yield portion, row["answer"]
            for portion in ended:
                yield portion, self._one_by_one(portion)

    def _one_by_one(self, portion: Portion) -> bytes:
        results = [Result(photo.path, error=ENDED) for photo in portion.photos]
        for row in self._round([_task(portion, photo) for photo in range(len(results))]):
            if row["answer"] is not None:
                results[row["photo"]] = pickle.loads(row["answer"])
        return self.encode(results)

    def _round(self, tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Have tasks done by actors, each as a block of its own: one that dies takes no other."""
        import ray
        from ray.data import ActorPoolStrategy

        tries = ray.remote(Tries).options(num_cpus=0, max_restarts=-1).remote()
        done = ray.data.from_arrow([pa.Table.from_pylist([task]) for task in tasks]).map_batches(
            Actor,
            fn_constructor_args=(self.asked, tries),
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(size=min(self.workers, len(tasks))),
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
