"""Times that go on, whatever a file says of them.

What a file says is kept to the last digit as long as it goes on: a gap may last an hour. Where it
does not, the file was joined from several, or it is damaged:

- A leap back of more than `BACK`, or ahead of more than `AHEAD`, is a join: the next picture
  follows the last one, and what the file says counts from there.
- A time that the next one takes back is wrong: it is put between those around it.
- A smaller step back is no time at all: what has it is left out.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Generic, TypeVar

from pilah.wording import counted

BACK = Fraction(1, 2)
AHEAD = Fraction(12 * 3600)
"""Seconds; MPEG-TS wraps its times after 26.5 hours, and so does what a join takes back."""

Item = TypeVar("Item")


class Times(Generic[Item]):
    """Gives items, in the order in which they come, with times that grow.

    `offsets` are what each joined part's times are moved by, in seconds; the first is 0. The last
    item given is held back until the next one says that its time is right.
    """

    def __init__(self) -> None:
        """Begin."""
        self.offsets = [Fraction(0)]
        self._last: Fraction | None = None
        self._held: tuple[Fraction, Fraction, int, Item] | None = None
        self._wrong: list[Fraction] = []
        self._left_out = 0

    def add(
        self, said: Fraction | None, lasts: Fraction, item: Item
    ) -> Iterator[tuple[Fraction, int, Item]]:
        """Add an item; give the time, the part, and the item before, once they are certain.

        Args:
            said: what the file says of its time, None where it says nothing.
            lasts: how many seconds it lasts; more than 0.
            item: the item.
        """
        if self._held is None:
            self._held = (said or Fraction(0), lasts, 0, item)
            return
        before, lasted, part, held = self._held
        after = before + lasted
        time = after if said is None else said + self.offsets[-1]
        if time < before and (self._last is None or time > self._last):
            before = time - lasted if self._last is None else (self._last + time) / 2
            self._wrong.append(before)
        elif not -BACK <= time - before <= AHEAD:
            self.offsets.append(self.offsets[-1] + after - time)
            time = after
        elif time <= before:
            self._left_out += 1
            return
        self._last, self._held = before, (time, lasts, len(self.offsets) - 1, item)
        yield before, part, held

    def end(self) -> Iterator[tuple[Fraction, int, Item]]:
        """Give the last one."""
        if self._held is not None:
            time, _, part, item = self._held
            self._held = None
            yield time, part, item

    def notes(self) -> Iterator[str]:
        """Say what was wrong."""
        if self._left_out:
            yield f"{counted(self._left_out, 'frame')} left out: their times go back"
        if self._wrong:
            yield f"times jump, first at {float(self._wrong[0]):.1f} s"
