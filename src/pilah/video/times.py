"""Times that go on, whatever a file says of them.

What a file says is kept to the last digit as long as it goes on: a gap may last an hour. Where it
does not, the file was joined from several, or it is damaged:

- A leap back of more than `BACK`, or ahead of more than `AHEAD`, is a join: the next picture
  follows the last one, and what the file says counts from there.
- Times that lie ahead, and that one of the next `RUN` takes back, are wrong: they are put between
  those around them.
- A smaller step back is no time at all: what has it is left out.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Generic, TypeVar

from pilah.wording import counted

BACK = Fraction(1, 2)
AHEAD = Fraction(12 * 3600)
"""Seconds; MPEG-TS wraps its times after 26.5 hours, and so does what a join takes back."""

RUN = 16
"""Items; some MPEG files say the time of one frame of so many, and what is wrong there spreads."""

Item = TypeVar("Item")


class Times(Generic[Item]):
    """Gives items, in the order in which they come, with times that grow.

    `offsets` are what each joined part's times are moved by, in seconds; the first is 0. An item is
    held back until the next one says that its time is right, after a leap ahead until `RUN` do.
    """

    def __init__(self) -> None:
        """Begin."""
        self.offsets = [Fraction(0)]
        self._last: Fraction | None = None
        self._held: list[tuple[Fraction, Fraction, int, Item]] = []
        self._leapt = False
        self._wrong: list[Fraction] = []
        self._left_out = 0

    def add(
        self, said: Fraction | None, lasts: Fraction, item: Item
    ) -> Iterator[tuple[Fraction, int, Item]]:
        """Add an item; give the time, the part, and the item of those that have become certain.

        Args:
            said: what the file says of its time, None where it says nothing.
            lasts: how many seconds it lasts.
            item: the item.
        """
        if not self._held:
            self._held = [(said or Fraction(0), lasts, 0, item)]
            return
        before, lasted, *_ = self._held[-1]
        after = before + lasted
        time = after if said is None else said + self.offsets[-1]
        leapt = False
        if time < self._held[0][0] and (self._last is None or time > self._last):
            self._put_right(time)
        elif not -BACK <= time - before <= AHEAD:
            self.offsets.append(self.offsets[-1] + after - time)
            time = after
        elif time <= before:
            self._left_out += 1
            return
        elif self._leapt and len(self._held) < RUN:
            self._held.append((time, lasts, len(self.offsets) - 1, item))
            return
        else:
            leapt = time - before > BACK
        yield from self.end()
        self._held, self._leapt = [(time, lasts, len(self.offsets) - 1, item)], leapt

    def end(self) -> Iterator[tuple[Fraction, int, Item]]:
        """Give what is held back."""
        for time, _, part, item in self._held:
            self._last = time
            yield time, part, item
        self._held = []

    def _put_right(self, time: Fraction) -> None:
        """Put what is held back before this time."""
        number = len(self._held) + 1
        begin = time - number * self._held[0][1] if self._last is None else self._last
        self._held = [
            (begin + index * (time - begin) / number, lasts, part, item)
            for index, (_, lasts, part, item) in enumerate(self._held, start=1)
        ]
        self._wrong.append(self._held[0][0])

    def notes(self) -> Iterator[str]:
        """Say what was wrong."""
        if self._left_out:
            yield f"{counted(self._left_out, 'frame')} left out: their times go back"
        if self._wrong:
            yield f"times jump, first at {float(self._wrong[0]):.1f} s"
