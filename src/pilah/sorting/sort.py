"""The sort, from its begin to its summary.

Run again with the same options it resumes: what the journal says is done is neither classified nor
touched again, so a person's corrections stay; what was interrupted is put back and done anew; what
is new or has changed is added; what was unreadable is tried again when what reads photos here has
changed.
"""

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pilah.errors import SortError
from pilah.journals import refuse_others
from pilah.sorting.again import new_photos, to_retry
from pilah.sorting.bins import BINS, By, bin_of
from pilah.sorting.journal import (
    SCRATCH,
    Journal,
    begin_journal,
    refuse_in_the_way,
    refuse_undone,
)
from pilah.sorting.origin import identities
from pilah.sorting.photos import photos_of
from pilah.sorting.placing import Placing
from pilah.sorting.records import JOURNAL, State, read_state
from pilah.sorting.summary import Counting, Summary
from pilah.sorting.transfer import Mode
from pilah.sorting.walk import Found, PhotoFile, find_photos, refuse_source_inside
from pilah.types import Result
from pilah.wording import reason_of, shown

ResultsOf = Callable[[Iterable[str]], Iterator[Result]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SortOptions:
    """How to sort.

    `by` says which faces of a photo decide its bin (`bins.py`). `tree` keeps sub-folders inside
    each bin. `faces` writes the crop of every face, each into the bin of its own label, instead of
    the photo. `model` describes what classifies, so that one target is never sorted by two models.
    `min_face` is the smallest height of a face that was asked for.
    """

    mode: Mode = "copy"
    by: By = "foreground"
    tree: bool = False
    faces: bool = False
    model: str = ""
    min_face: float | None = None

    def __post_init__(self) -> None:
        """Refuse what excludes each other."""
        if self.faces and self.mode != "copy":
            raise SortError(
                f"--faces writes new files, so --{self.mode} has no effect; leave it out"
            )


def sort_photos(
    sources: Iterable[str],
    target: Path,
    results_of: ResultsOf,
    options: SortOptions,
    *,
    model: dict[str, Any] | None = None,
    reports: Iterable[str] = (),
    progress: Progress | None = None,
) -> Summary:
    """Sort photos into the bins below `target`, or resume a sort that was stopped.

    Args:
        sources: files and folders.
        target: the folder that gets the bins; it is made if it is missing.
        results_of: gives one Result for each path, in the order of the paths, which it takes
            lazily.
        options: how to sort; the same each time for one target.
        model: the description of what classifies, for a later report.
        reports: names of files that will be written into the target after the sort.
        progress: called with (photos dealt with, photos in all) after each photo.

    Raises:
        SortError: the sort cannot start, or the target is full; what is done stays done.
    """
    sources = [os.fspath(source) for source in sources]
    target = Path(os.path.abspath(target))
    reports = tuple(reports)
    refuse(sources, target, options, reports)
    with begin_journal(target, asdict(options), sources) as journal:
        refuse_other(journal.state, target, options, reports)  # written since the first look
        if model is not None and journal.state.model is None:
            journal.append({"model": model})
        try:
            placing = Placing(
                journal, target, mode=options.mode, tree=options.tree, faces=options.faces
            )
            placing.take_out(to_retry(journal.state, sources, target, options.mode))
            found = find_photos(filter(os.path.lexists, sources), target)
            _note_walk(journal, sources, found)
            _clear_failures(journal, sources, found)
            added = _sort_new(found, journal, placing, results_of, options, progress)
        except OSError as error:
            raise _stop(error, journal, target) from None
        placing.close()
        counting = Counting()
        for photo in photos_of(target, journal.state):
            counting.add(photo)
    return counting.summary(found, added)


def refuse(sources: list[str], target: Path, options: SortOptions, reports: Iterable[str]) -> State:
    """Refuse what cannot be sorted before anything is made; give the state of the target.

    Raises:
        SortError: a source is not there or lies in the target, or see `refuse_other`.
    """
    refuse_source_inside(sources, target)
    journal = target / JOURNAL
    state = read_state(journal) if journal.is_file() else State()
    moved = {entry.source for entry in state.entries.values()}
    for source in sources:
        if not os.path.lexists(source) and os.path.abspath(source) not in moved:
            raise SortError(f"no photo or folder at {shown(source)}; give one that exists")
    refuse_other(state, target, options, reports)
    return state


def refuse_other(state: State, target: Path, options: SortOptions, reports: Iterable[str]) -> None:
    """Refuse a target that cannot be sorted into.

    Raises:
        DataError: another command wrote it.
        SortError: its sort had other options or is being undone, or a file is in the way.
    """
    refuse_others(target, "sort")
    refuse_undone(state, target)
    now, then = asdict(options), state.options or {}
    # Journals of earlier versions do not know every option
    if names := [name for name in now if then.get(name, now[name]) != now[name]]:
        was = ", ".join(f"{name} {then[name]!r}" for name in names)
        wish = ", ".join(f"{name} {now[name]!r}" for name in names)
        raise SortError(
            f"{shown(target)} was sorted with {was}, not {wish}; give the same options, another "
            "--to, or run `pilah undo` on it first"
        )
    for folder in (".", *BINS, os.path.dirname(JOURNAL), SCRATCH):
        path = target / folder
        if os.path.lexists(path) and not path.is_dir():
            raise SortError(
                f"{shown(path)} is a file, but the sort needs a folder there; move it away, or "
                "sort into another folder"
            )
    refuse_in_the_way(state, target, reports)


def _note_walk(journal: Journal, sources: list[str], found: Found) -> None:
    walked = [os.path.abspath(source) for source in sources]
    skipped = {"skipped": dict(found.skipped), "videos": found.videos}
    state, key = journal.state, tuple(walked)
    if {"skipped": state.walked.get(key), "videos": state.videos.get(key)} != skipped:
        roots = identities(walked)
        journal.append({"walked": walked, "roots": roots, **skipped}, durable=True)


def _clear_failures(journal: Journal, sources: list[str], found: Found) -> None:
    """Note which failures of earlier runs are no more: gone, a folder that opens, or sorted."""
    if not journal.state.failed:
        return
    roots = [os.path.abspath(source) for source in sources if os.path.lexists(source)]
    unopened = {path for path, _ in found.unopened}
    waiting = {photo.source for photo in new_photos(found, journal.state.newest)}
    known = {photo.source for photo in found.photos} - waiting
    for path in [path for path in journal.state.failed if path not in unopened]:
        is_over = path in known or os.path.isdir(path) or not os.path.lexists(path)
        if is_over and any(Path(path).is_relative_to(root) for root in roots):
            journal.append({"cleared": path})


def _sort_new(
    found: Found,
    journal: Journal,
    placing: Placing,
    results_of: ResultsOf,
    options: SortOptions,
    progress: Progress | None,
) -> int:
    photos = new_photos(found, journal.state.newest)
    waiting: deque[PhotoFile] = deque()  # asked for, not answered yet: the pipeline reads ahead

    def paths() -> Iterator[str]:
        for photo in photos:
            waiting.append(photo)
            yield photo.source

    for path, reason in found.unopened:
        placing.fail(path, reason)
    for count, result in enumerate(results_of(paths()), start=1):
        placing.put(waiting.popleft(), result, bin_of(result, by=options.by))
        if progress:
            progress(count, len(photos))
    return len(photos)


def _stop(error: OSError, journal: Journal, target: Path) -> SortError:
    free = shutil.disk_usage(target).free / 1e6
    done = len(journal.state.newest)
    return SortError(
        f"stopped after {done:,} {'photo' if done == 1 else 'photos'}: cannot write to "
        f"{shown(target)} ({reason_of(error)}; {free:,.1f} MB free); all other originals are "
        "untouched; make room and run the same command again to resume"
    )
