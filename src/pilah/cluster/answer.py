"""Portions of photos become shards: the stage that runs on one machine and inside each actor."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from pilah.cluster.fetch import FetchError, photos_of
from pilah.cluster.listing import Portion
from pilah.pipeline import Pilah, load
from pilah.types import Result

AHEAD = 8
"""Photos a worker that are taken ahead of need: they may be bytes, so fewer than paths could be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How photos are answered; it travels to every machine. See `pipeline.load`."""

    model: str
    min_confidence: float
    min_face: float | None
    device: str

    def load(self, workers: int) -> Pilah:
        """Load the model, which has to be where `model` says on this machine too.

        Raises:
            PilahError: it cannot be used.
        """
        return load(
            self.model,
            min_confidence=self.min_confidence,
            min_face=self.min_face,
            device=self.device,
            workers=workers,
        )


@dataclass(slots=True)
class _UnderWay:
    """A portion with its Results so far; `left` photos have none."""

    portion: Portion
    results: list[Result]
    left: int

    def put(self, index: int, result: Result) -> None:
        self.results[index] = replace(result, path=self.portion.photos[index].path)
        self.left -= 1


def answered(
    portions: Iterable[Portion], predictor: Pilah, done: Callable[[], None] = lambda: None
) -> Iterator[tuple[Portion, list[Result]]]:
    """Give each portion with the Results of its photos, in order, as soon as they are complete.

    Photos of several portions are under way at once, so no worker waits where one ends. A photo is
    read by a worker process only: one that ends its process costs that photo alone.

    Args:
        portions: they are taken as they are needed.
        predictor: answers the photos.
        done: called after each photo.
    """
    under_way: dict[int, _UnderWay] = {}
    coming, more = iter(portions), True

    def keyed() -> Iterator[tuple[tuple[int, int], str | bytes]]:
        nonlocal more
        for portion in coming:
            size = len(portion.photos)
            made = under_way[portion.number] = _UnderWay(portion, [Result(None)] * size, size)
            for index, photo in enumerate(photos_of(portion.photos)):
                if isinstance(photo, FetchError):
                    made.put(index, Result(None, error=str(photo)))
                    done()
                else:
                    yield (portion.number, index), photo
            if not made.left:  # no photo of it could be fetched: give it before the next
                return
        more = False

    def complete() -> Iterator[tuple[Portion, list[Result]]]:
        for made in [made for made in under_way.values() if not made.left]:
            yield made.portion, under_way.pop(made.portion.number).results

    while more:
        for (number, index), result in predictor.predict_stream(keyed(), ahead=AHEAD, apart=True):
            under_way[number].put(index, result)
            done()
            yield from complete()
        yield from complete()
