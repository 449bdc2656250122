"""Portions are answered by actors of Ray Data, on this machine or on a cluster.

A round is one data set: some portions for each actor, whose rows are portions (the paths of their
photos, never pixels) and whose answers are finished shards, which the caller writes. Ray repeats
what a killed actor had under way, `RETRIES` times. What is still missing after a round was under
way each time that an actor ended, so its photos are asked one by one; those that end their actor
again become rows with an error.
"""

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from pilah.cluster import shards
from pilah.cluster.answer import Asked, answered
from pilah.cluster.listing import Listed, Portion
from pilah.errors import MissingExtra, PilahError
from pilah.types import Result

RETRIES = 2
"""How often a portion is given to an actor again whose process ended."""

ROUND = 64
"""Portions of an actor in one round: the paths of a round lie in the object store at once."""

OBJECT_STORE = 256 * 2**20
"""Bytes of shared memory: a round's paths and shards, some 100 bytes a photo; no pixels."""

ENDED = "reading it ended its process, several times: damaged, too large, or not enough memory"

SOCKET = 40
"""Characters that a folder's path may have so that Ray's sockets fit into it (107 on Linux)."""


@dataclass
class Actor:
    """What runs in an actor: the stage of `answer.py`, with a worker process of its own."""

    asked: Asked

    def __post_init__(self) -> None:
        """Load the model once; why it cannot be is told by the first answer, not by a restart."""
        self._refusal = ""
        try:
            self._predictor = self.asked.load(workers=1)
        except PilahError as error:
            self._refusal = str(error)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Answer portions; each row's `answer` is a shard, or a pickled list of Results."""
        made = []
        for number, first, whole, content in zip(
            *(batch.column(name).to_pylist() for name in ("number", "first", "whole", "photos")),
            strict=True,
        ):
            portion = Portion(number, pickle.loads(content))
            made.append(
                {
                    "number": number,
                    "first": first,
                    "photos": len(portion.photos),
                    "answer": b"" if self._refusal else self._answer(portion, whole),
                    "refusal": self._refusal,
                }
            )
        return pa.Table.from_pylist(made)

    def _answer(self, portion: Portion, whole: bool) -> bytes:
        ((_, results),) = answered([portion], self._predictor)
        return shards.encoded(results, self._predictor.info) if whole else pickle.dumps(results)


@contextmanager
def ray_running(workers: int | None) -> Iterator[int]:
    """Connect to the cluster that `RAY_ADDRESS` names, or run one on this machine; give its CPUs.

    What runs here listens on loopback only, sends no usage statistics, and writes its logs into a
    temporary folder that is deleted.

    Raises:
        MissingExtra: Ray is not installed.
        PilahError: the cluster does not answer.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtra("Ray", "cluster") from None
    address = os.environ.get("RAY_ADDRESS")
    quiet = {"log_to_driver": False, "logging_level": "CRITICAL"}
    scratch = None
    try:
        if address:
            ray.init(address=address, **quiet)
        else:
            scratch = _scratch()
            ray.init(
                address="local",
                num_cpus=workers,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE,
                _node_ip_address="127.0.0.1",
                _temp_dir=str(scratch),
                **quiet,
            )
        yield int(ray.cluster_resources().get("CPU", 1))
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise PilahError(f"Ray does not start or answer ({reason}); see docs/SCALE.md") from None
    finally:
        with suppress(Exception):
            ray.shutdown()
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def _scratch() -> Path:
    """A folder for Ray's logs and sockets, whose path is short enough for a socket."""
    short = tempfile.gettempdir() if len(tempfile.gettempdir()) < SOCKET else "/tmp"
    return Path(tempfile.mkdtemp(prefix="pilah-", dir=short))


@dataclass
class Rounds:
    """Answers portions round by round, with `workers` actors; `answered` gives their shards."""

    asked: Asked
    workers: int
    encode: Callable[[list[Result]], bytes]
    _lost: list[Portion] = field(default_factory=list)

    def answered(self, portions: Iterator[Portion]) -> Iterator[tuple[int, bytes, int]]:
        """Give each portion's number, shard, and number of photos, in any order.

        Raises:
            PilahError: an actor cannot use the model.
        """
        while due := list(islice(portions, ROUND * self.workers)):
            left = {portion.number: portion for portion in due}
            tasks = [_Task(portion.number, 0, True, portion.photos) for portion in due]
            for row in self._round(tasks):
                portion = left.pop(row["number"])
                yield portion.number, row["answer"], len(portion.photos)
            for portion in left.values():
                yield portion.number, self._one_by_one(portion), len(portion.photos)

    def _one_by_one(self, portion: Portion) -> bytes:
        results = [Result(photo.path, error=ENDED) for photo in portion.photos]
        tasks = [
            _Task(portion.number, index, False, (photo,))
            for index, photo in enumerate(portion.photos)
        ]
        for row in self._round(tasks):
            (results[row["first"]],) = pickle.loads(row["answer"])
        return self.encode(results)

    def _round(self, tasks: list["_Task"]) -> Iterator[dict[str, Any]]:
        """Have tasks done by actors; one that ended its actor each time is left out."""
        import ray
        from ray.data import ActorPoolStrategy, DataContext

        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1  # what is missing is noticed here, and asked again
        context.print_on_execution_start = False
        blocks = [pa.Table.from_pylist([task.row()]) for task in tasks]
        done = ray.data.from_arrow(blocks).map_batches(
            Actor,
            fn_constructor_args=(self.asked,),
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(size=min(self.workers, len(tasks))),
            num_cpus=1,
            max_task_retries=RETRIES,
        )
        for batch in done.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for row in batch.to_pylist():
                if row["refusal"]:
                    raise PilahError(row["refusal"])
                yield row


@dataclass(frozen=True, slots=True)
class _Task:
    """What an actor is given at once: a portion's photos from `first` on, the whole of it or not."""

    number: int
    first: int
    whole: bool
    photos: tuple[Listed, ...]

    def row(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "first": self.first,
            "whole": self.whole,
            "photos": pickle.dumps(self.photos),
        }
