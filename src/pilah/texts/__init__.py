"""Every text of the web app and of report.html, one TOML file a language beside this one.

A text about a number may have two forms, with a bar between them: for one, and for other numbers.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "id": "Bahasa Indonesia"}
"""Code of each language, and its own name for itself."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language; call it with a key such as `classify.title`."""

    language: str
    by_key: dict[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """The text, with `{name}` replaced by each value."""
        return self.by_key[key].format(**values)

    def form(self, key: str, number: int | None) -> str:
        """The text as it is for that number, its values not filled in yet."""
        one, _, other = self.by_key[key].partition("|")
        return other if other and number != 1 else one

    def number(self, number: int) -> str:
        """A whole number with the language's thousands mark."""
        return self._localised(f"{number:,}")

    def percent(self, share: float, *, digits: int = 1) -> str:
        """A share (0 to 1) as percent, with the language's decimal mark.

        What is not none reads `<0.1%` and not 0.0%, what is not all `>99.9%`.
        """
        if share in (0, 1):
            return f"{share:.0%}"
        least = 10.0 ** -(digits + 2)
        if share < least / 2:
            return self._localised(f"<{least:.{digits}%}")
        if share >= 1 - least / 2:
            return self._localised(f">{1 - least:.{digits}%}")
        return self._localised(f"{share:.{digits}%}")

    def confidence(self, probability: float, *, digits: int = 1) -> str:
        """A model's confidence as percent: no model is quite sure, even where it computes 1."""
        return self.percent(min(probability, 1 - 1e-9), digits=digits)

    def decimal(self, number: float, *, digits: int = 3) -> str:
        """A number with the language's decimal mark."""
        return self._localised(f"{number:.{digits}f}")

    def _localised(self, written: str) -> str:
        return written.translate({44: ".", 46: ","}) if self.language == "id" else written


REASONS = {
    "not an image": "not_an_image",
    "empty file": "empty",
    "cut off": "cut_off",
    "damaged": "damaged",
    "too large": "too_large",
    "a HEIC photo": "heic",
}
"""How a reason of `pilah.images` begins, and the text `unreadable.NAME` that says it kindly."""


def unreadable(error: str, say: Texts) -> str | None:
    """Why a photo cannot be read, in the language of `say`; None where there is no text for it."""
    name = next((name for begins, name in REASONS.items() if error.startswith(begins)), None)
    return say(f"unreadable.{name}") if name else None


def translated(english: str, say: Texts) -> str:
    """Words of a model's description or of its card, by the glossary, longest first."""
    words = _glossary(say.language)
    if not words:
        return english
    either = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    other = re.sub(rf"(?<![\w-])(?:{either})(?![\w-])", lambda found: words[found[0]], english)
    return re.sub(r"\d{1,3}(?:,\d{3})+", lambda n: say.number(int(n[0].replace(",", ""))), other)


@cache
def _glossary(language: str) -> dict[str, str]:
    english, here = texts("en").by_key, texts(language).by_key
    keys = [key for key in english if key.startswith("glossary.")]
    return {english[key]: here[key] for key in keys if english[key] != here[key]}


@cache
def texts(language: str) -> Texts:
    """The texts of a language of `LANGUAGES`."""
    path = Path(__file__).parent / f"{language}.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return Texts(
        language,
        {f"{part}.{name}": text for part, table in tables.items() for name, text in table.items()},
    )
