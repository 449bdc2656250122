"""What people call the two labels, in tables and as names of folders."""

import pandas as pd

from pilah.errors import DataError
from pilah.types import LABELS

_FEMALE = ("female", "f", "woman", "women", "girl", "girls", "perempuan", "wanita")
_MALE = ("male", "m", "man", "men", "boy", "boys", "laki-laki", "pria")
WORDS: dict[str, str] = {
    word: label for label, words in zip(LABELS, (_FEMALE, _MALE), strict=True) for word in words
}
"""Each word, in lower case, and the label that it means."""

COUNTED = ("0", "1", "-1")
"""Values that mean a label only where the column says which label is 1."""


def label_of(word: str) -> str | None:
    """The label that a word or a folder's name means; None if it means none."""
    return WORDS.get(word.strip().lower())


def counted_label(column: str) -> str | None:
    """The label that a 1 means in a column of this name, such as `male` or `is_female`."""
    return label_of(column.strip().lower().removeprefix("is_"))


def read_labels(column: "pd.Series[str]", source: object) -> "pd.Series[str]":
    """The labels of a table's column.

    A column whose name is a word for a label (`male`, `Female`, `is_male`) counts: 1 is that label,
    0 or -1 the other one. Elsewhere numbers mean nothing: some data sets have women as 0, others as
    1.

    Args:
        column: words, or numbers, as text.
        source: the table, for the message of an error.

    Raises:
        DataError: a value means no label; the first one is named.
    """
    values = column.str.strip().str.lower().str.removesuffix(".0")
    words = WORDS
    if one := counted_label(str(column.name)):
        (other,) = set(LABELS) - {one}
        words = {**WORDS, "1": one, "0": other, "-1": other, "true": one, "false": other}
    labels: pd.Series[str] = values.map(words)
    unknown = labels.isna()
    if unknown.any():
        row = int(unknown.to_numpy().argmax())
        first = f"{source}, line {row + 2}: {column.name} {column.iloc[row]!r}"
        if values.iloc[row] in COUNTED:
            raise DataError(
                f"{first} does not say who it is; rename the column to male (if 1 is male) or "
                "female (if 1 is female), or write female and male"
            )
        raise DataError(f"{first} is not one of {', '.join(LABELS)}, M, F, man, woman; correct it")
    return labels
