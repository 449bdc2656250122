"""The run: list what is new, answer what has no shard, count all of it."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal

from pilah.cluster import shards
from pilah.cluster.answer import Asked, answered
from pilah.cluster.listing import Listing, Portion
from pilah.cluster.lists import plain
from pilah.cluster.remote import is_uri
from pilah.cluster.sources import Sources
from pilah.cluster.summary import MODEL, NAME, Run, Summary, summarize, write_summary
from pilah.errors import DataError
from pilah.files import write_text
from pilah.journals import refuse_others
from pilah.pipeline import Pilah
from pilah.sorting.transfer import digest_of
from pilah.sorting.walk import refuse_source_inside
from pilah.wording import reason_of, shown

Engine = Literal["local", "ray"]

Progress = Callable[[str, int, int | None], None]
"""Called with what is done, how many photos are, and how many there are where that is known."""


@dataclass(frozen=True, slots=True)
class Classified:
    """What a run did.

    `skipped` counts files that are no photos by kind, `earlier` are folders left out because pilah
    made them, `done` is how many photos were answered.
    """

    summary: Summary
    skipped: dict[str, int]
    earlier: list[str]
    done: int
    seconds: float


def classify(
    sources: Sequence[str],
    target: Path,
    predictor: Pilah,
    asked: Asked,
    *,
    engine: Engine = "local",
    workers: int | None = None,
    progress: Progress = lambda doing, done, total: None,
) -> Classified:
    """Answer every photo of the sources, and write shards and `summary.json` into a folder.

    What an earlier run has answered stays; photos that are new in the sources are added.

    Args:
        sources: folders, patterns, photos, lists; see `sources.py`.
        target: the folder; it is made if it is missing.
        predictor: the model, loaded as `asked` says.
        asked: how photos are answered.
        engine: `local`, by worker processes of this machine, or `ray`.
        workers: how many actors Ray runs; None is one a CPU of its cluster.
        progress: see `Progress`.

    Raises:
        DataError: a source cannot be listed, or the folder is in use or has other answers.
        MissingExtra: Ray is asked for and not installed.
        PilahError: Ray, or the model on one of its machines, cannot be used.
    """
    sources = [_plain(source) for source in sources]
    refuse_source_inside([source for source in sources if not is_uri(source)], target)
    _refuse_target(target)
    found = Sources(sources, target)
    found.check()
    info = predictor.info
    face = "" if asked.min_face is None else f", faces {asked.min_face:g}"
    # a file of one name and version may be another model
    digest = f" ({digest_of(asked.model)[:8]})" if os.path.isfile(asked.model) else ""
    described = f"{info.name} {info.version}{digest} at {asked.min_confidence:g}{face}"
    is_new = not target.exists() or not shards.finished(target)
    with Listing(target, described, may_begin=is_new) as listing:
        try:
            progress("listing", 0, None)
            for number in listing.add(found.listed()):
                progress("listing", number, None)
            write_text(target / MODEL, info.to_json())
            return _answer_missing(
                listing, target, predictor, asked, engine, workers, progress, found
            )
        except sqlite3.Error as error:
            raise listing.refused(error) from None
        except OSError as error:
            raise DataError(
                f"cannot write into {shown(target)} ({reason_of(error)}); make room or give "
                "another --to, then run the same command again to resume"
            ) from None


def _answer_missing(
    listing: Listing,
    target: Path,
    predictor: Pilah,
    asked: Asked,
    engine: Engine,
    workers: int | None,
    progress: Progress,
    found: Sources,
) -> Classified:
    began = time.monotonic()
    there = shards.finished(target)
    missing = listing.portions(without=there)
    first = next(missing, None)
    if first is None and (target / NAME).is_file():
        return Classified(summarize(target), dict(found.skipped), found.earlier, 0, 0.0)
    (target / NAME).unlink(missing_ok=True)  # it says what is true of all shards, or is not there
    done = 0
    total = listing.photos_of(without=there)

    def count(photos: int) -> None:
        nonlocal done
        done += photos
        progress("answering", done, total)

    todo = chain([first] if first else [], missing)
    progress("answering", 0, total)
    if engine == "ray":
        used = _with_ray(todo, target, predictor, asked, workers, count)
    else:
        used = predictor.workers
        for portion, results in answered(todo, predictor, lambda: count(1)):
            shards.write(target, portion.number, shards.encoded(results, predictor.info))
    run = Run(engine, used, time.monotonic() - began)
    summary = write_summary(target, run)
    return Classified(summary, dict(found.skipped), found.earlier, done, run.seconds)


def _plain(source: str) -> str:
    try:
        return plain(source)
    except ValueError as error:
        raise DataError(f"{shown(source)} is no URI ({error}); give a path") from None


def _refuse_target(target: Path) -> None:
    """Refuse a folder that shards cannot go to.

    Raises:
        DataError: it is a file, a URI, or of another command.
    """
    head = target.parts[0] if target.parts else ""
    if head.endswith(":") and len(head) > 2 and not os.path.lexists(head):
        raise DataError(
            f"{shown(target)} is no folder of this machine; give one with --to, and copy the "
            "shards from there"
        )
    if target.exists() and not target.is_dir():
        raise DataError(f"{shown(target)} is a file; give a folder with --to")
    refuse_others(target, "classify")


def _with_ray(
    todo: Iterator[Portion],
    target: Path,
    predictor: Pilah,
    asked: Asked,
    workers: int | None,
    count: Callable[[int], None],
) -> int:
    from pilah.cluster.on_ray import Rounds
    from pilah.cluster.start_ray import ray_running

    with ray_running(workers) as cpus:
        home = None if os.environ.get("RAY_ADDRESS") else os.environ.get("HOME")
        encode = partial(shards.encoded, info=predictor.info)
        rounds = Rounds(asked, workers or cpus, encode, home)
        with closing(rounds.answered(todo)) as answers:
            for portion, shard in answers:
                shards.write(target, portion.number, shard)
                count(len(portion.photos))
        return rounds.workers
