"""The sort, from its begin to its summary.

Run again with the same options it goes on: what the journal says is done is neither classified nor
touched again, what was interrupted is put back and done anew, what is new is added.
"""

import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pilah.errors import SortError
from pilah.sorting.bins import BINS, Bin, By, bin_of
from pilah.sorting.journal import JOURNAL, Journal, begin_journal, read_results
from pilah.sorting.placing import Placing
from pilah.sorting.records import State, read_state
from pilah.sorting.transfer import Mode
from pilah.sorting.walk import Found, Photo, find_photos, reason_of, refuse_source_inside, shown
from pilah.types import Result

ResultsOf = Callable[[Iterable[str]], Iterator[Result]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SortOptions:
    """How to sort.

    `by` says which faces of a photo decide its bin (`bins.py`). `tree` keeps sub-folders inside
    each bin. `faces` writes the crop of every face, each into the bin of its own label, instead of
    the photo. `model` describes what classifies, so that one target is never sorted by two models.
    """

    mode: Mode = "copy"
    by: By = "foreground"
    tree: bool = False
    faces: bool = False
    model: str = ""

    def __post_init__(self) -> None:
        """Refuse what makes no sense together."""
        if self.faces and self.mode != "copy":
            raise SortError(
                f"--faces writes new files, so --{self.mode} has no sense; leave it out"
            )


@dataclass(frozen=True, slots=True)
class Summary:
    """What a sort (all runs of it together) came to.

    `counts` are photos by bin, `failed` the unreadable ones with the reason, `added` how many
    photos this run dealt with, `ignored` how many files are not photos.
    """

    counts: dict[Bin, int]
    failed: tuple[tuple[str, str], ...]
    added: int
    ignored: int


def sort_photos(
    sources: Iterable[str],
    target: Path,
    results_of: ResultsOf,
    options: SortOptions,
    *,
    progress: Progress | None = None,
) -> Summary:
    """Sort photos into the bins below `target`, or go on with a sort that was stopped.

    Args:
        sources: files and folders.
        target: the folder that gets the bins; it is made if it is missing.
        results_of: gives one Result a path, in the order of the paths, which it takes lazily.
        options: how to sort; the same each time for one target.
        progress: called with (photos dealt with, photos in all) after each photo.

    Raises:
        SortError: nothing can be begun, or the target is full; what is done stays done.
    """
    sources = [os.fspath(source) for source in sources]
    target = Path(os.path.abspath(target))
    _refuse(sources, target, options)
    with begin_journal(target, asdict(options), sources) as journal:
        _refuse_other(journal.state, target, options)  # written since the first look
        try:
            placing = Placing(
                journal, target, mode=options.mode, tree=options.tree, faces=options.faces
            )
            found = find_photos(filter(os.path.lexists, sources), target)
            added = _sort_new(found, journal, placing, results_of, options, progress)
        except OSError as error:
            raise _stop(error, journal, target) from None
        placing.close()
    counts: Counter[Bin] = Counter()
    failed = []
    for photo in read_results(target):
        counts[photo.bin] += 1
        if photo.bin == "unreadable":
            failed.append((photo.source, photo.result.error or ""))
    return Summary({bin: counts[bin] for bin in BINS}, tuple(failed), added, found.ignored)


def plan_photos(
    sources: Iterable[str],
    target: Path,
    results_of: ResultsOf,
    options: SortOptions,
    *,
    progress: Progress | None = None,
) -> Summary:
    """What `sort_photos` would add, writing nothing; the arguments and errors are the same."""
    sources = [os.fspath(source) for source in sources]
    target = Path(os.path.abspath(target))
    state = _refuse(sources, target, options)
    found = find_photos(filter(os.path.lexists, sources), target)
    paths = [photo.source for photo in _new(found, state)]
    counts: Counter[Bin] = Counter({"unreadable": len(found.unopened)})
    failed = list(found.unopened)
    for count, result in enumerate(results_of(iter(paths)), start=1):
        counts[bin_of(result, by=options.by)] += 1
        if result.error is not None:
            failed.append((paths[count - 1], result.error))
        if progress:
            progress(count, len(paths))
    return Summary({bin: counts[bin] for bin in BINS}, tuple(failed), len(paths), found.ignored)


def _refuse(sources: list[str], target: Path, options: SortOptions) -> State:
    """Refuse what cannot be sorted before anything is made; give the state of the target."""
    refuse_source_inside(sources, target)
    journal = target / JOURNAL
    state = read_state(journal) if journal.is_file() else State()
    moved = {entry.source for entry in state.entries.values()}
    for source in sources:
        if not os.path.lexists(source) and os.path.abspath(source) not in moved:
            raise SortError(f"no photo or folder at {shown(source)}; give one that exists")
    _refuse_other(state, target, options)
    return state


def _refuse_other(state: State, target: Path, options: SortOptions) -> None:
    """Refuse to go on with a sort that had other options, or that is being undone."""
    if state.undone:
        raise SortError(
            f"an undo of {shown(target)} was begun; let `pilah undo` finish, or sort into "
            "another folder"
        )
    if state.options is not None and state.options != asdict(options):
        now = asdict(options)
        names = [name for name in now if now[name] != state.options.get(name)]
        was = ", ".join(f"{name} {state.options.get(name)!r}" for name in names)
        wish = ", ".join(f"{name} {now[name]!r}" for name in names)
        raise SortError(
            f"{shown(target)} was sorted with {was}, not {wish}; give the same options, another "
            "--to, or run `pilah undo` on it first"
        )


def _new(found: Found, state: State) -> list[Photo]:
    known = {entry.key for number, entry in state.entries.items() if number in state.done}
    return [photo for photo in found.photos if photo.key not in known]


def _sort_new(
    found: Found,
    journal: Journal,
    placing: Placing,
    results_of: ResultsOf,
    options: SortOptions,
    progress: Progress | None,
) -> int:
    photos = _new(found, journal.state)
    waiting: deque[Photo] = deque()  # asked for, not answered yet: the pipeline reads ahead

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
    return SortError(
        f"stopped after {len(journal.state.done):,} photos: cannot write to {shown(target)} "
        f"({reason_of(error)}; {free:,.1f} MB free); all other originals are untouched; make room "
        "and run the same command again to go on"
    )
