"""What do all shards of a folder say? Counts, and the share of women with its interval."""

import json
import os
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pilah.cluster.listing import NAME as LISTING
from pilah.cluster.shards import finished, rows
from pilah.errors import BundleError, DataError
from pilah.files import write_text
from pilah.models.bundle import BundleInfo
from pilah.report.rates import ClearFaces, Share, share_of_women
from pilah.types import LABELS
from pilah.wording import shown

NAME = "summary.json"
MODEL = ".pilah/model.json"

MOST_KINDS = 20
"""Kinds of errors that are counted by name; the others are counted together."""

OTHER = "other errors"


@dataclass(frozen=True, slots=True)
class Run:
    """How the shards were last added to: by which engine, with how many workers, in how long."""

    engine: str
    workers: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What the shards of a folder hold.

    `errors` counts photos by kind of error, `no_face` those without a face; `faces` is by label,
    `unsure` among them. `share` is None without a clear face. `run` is None where the last run was
    not finished.
    """

    photos: int
    errors: dict[str, int]
    no_face: int
    faces: dict[str, int]
    share: Share | None
    model: str
    shards: int
    run: Run | None

    @property
    def failed(self) -> int:
        """Photos with an error."""
        return sum(self.errors.values())

    def to_json(self) -> dict[str, Any]:
        """The summary, for machines."""
        return asdict(self)


def is_classified(folder: Path) -> bool:
    """Whether `pilah classify` wrote into a folder."""
    return (folder / LISTING).is_file()


def listed_in(folder: Path) -> int | None:
    """How many photos the list of a folder has; None where it cannot be read, as during a run."""
    try:
        name = quote(os.fsencode(folder / LISTING))
        with closing(sqlite3.connect(f"file:{name}?mode=ro", timeout=0, uri=True)) as base:
            found = base.execute("SELECT coalesce(max(number), 0) FROM photos").fetchone()
    except sqlite3.Error:
        return None
    return int(found[0])


def summarize(folder: Path) -> Summary:
    """Count what the shards of a folder hold; memory does not grow with their number.

    Raises:
        DataError: a shard cannot be read, or the folder does not say which model answered.
    """
    try:
        info = BundleInfo.from_json((folder / MODEL).read_text(encoding="utf-8"))
    except (OSError, ValueError, BundleError):
        raise DataError(
            f"{shown(folder)} does not say which model answered ({MODEL} is missing or damaged); "
            "run the same `pilah classify` again"
        ) from None
    photos = no_face = 0
    errors: Counter[str] = Counter()
    faces = dict.fromkeys((*LABELS, "unsure"), 0)
    clear = ClearFaces()
    for batch in rows(folder, ["error", "faces"]):
        photos += len(batch)
        labels = batch.column("faces").flatten().field("label").to_pylist()
        lengths = batch.column("faces").value_lengths().to_pylist()
        start = 0
        for error, length in zip(batch.column("error").to_pylist(), lengths, strict=True):
            of_photo = labels[start : start + length]
            start += length
            for label in of_photo:
                faces[label or "unsure"] += 1
            clear.add(women=of_photo.count("female"), men=of_photo.count("male"))
            if error is not None:
                _count(errors, error)
            else:
                no_face += not of_photo
    share = share_of_women(clear, unsure=faces["unsure"], validation=info.validation)
    model = f"{info.name} {info.version}"
    shards = len(finished(folder))
    run = _run(folder)
    return Summary(photos, dict(errors.most_common()), no_face, faces, share, model, shards, run)


def write_summary(folder: Path, run: Run) -> Summary:
    """Count the shards, and write `summary.json`; it is written last, so all else is there.

    Raises:
        OSError: it cannot be written.
        DataError: see `summarize`.
    """
    made = Summary(**{**_fields(summarize(folder)), "run": run})
    write_text(folder / NAME, json.dumps(made.to_json(), indent=2) + "\n")
    return made


def _fields(summary: Summary) -> dict[str, Any]:
    return {name: getattr(summary, name) for name in Summary.__slots__}


def _run(folder: Path) -> Run | None:
    try:
        return Run(**json.loads((folder / NAME).read_text(encoding="utf-8"))["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _count(errors: Counter[str], error: str) -> None:
    """Count an error by its kind: what it says before it quotes a name or a number."""
    kind = error.split("; ")[0].split(": ")[0].split(" (")[0]
    if kind not in errors and len(errors) >= MOST_KINDS:
        kind = OTHER
    errors[kind] += 1
