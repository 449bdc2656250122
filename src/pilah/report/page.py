"""report.html: one page that needs no network, no script and no other file."""

from collections.abc import Sequence
from functools import partial
from importlib.metadata import metadata
from pathlib import Path, PurePath

import jinja2
from markupsafe import Markup

from pilah.models.bundle import BundleInfo, LabelCounts
from pilah.report.rates import Share
from pilah.report.tally import CONFIDENCE_STEPS, Tally
from pilah.report.thumbnails import thumbnail
from pilah.sorting.photos import SortedPhoto
from pilah.texts import texts, translated, unreadable
from pilah.wording import shown


def render_page(
    tally: Tally,
    share: Share | None,
    *,
    info: BundleInfo,
    folder: str,
    language: str = "en",
    below: Path | None = None,
) -> str:
    """The whole page as HTML text.

    Args:
        tally: what was counted.
        share: the share of women among clear faces, None where no face is clear.
        info: the description of the model that answered.
        folder: the name of the sorted folder, for the heading.
        language: of `pilah.texts`.
        below: a folder that is left out of the paths in it, for where it is not known.
    """
    words = texts(language)

    def say(key: str, number: int | None = None, **values: object) -> Markup:
        if number is not None:
            values["number"] = words.number(number)
        return Markup(words.form(f"report.{key}", number)).format(**values)

    def place(path: str) -> str:
        pure = PurePath(path)
        return shown(str(pure.relative_to(below) if below and pure.is_relative_to(below) else path))

    def reason(photo: SortedPhoto) -> str:
        error = photo.not_placed or photo.result.error or ""
        kindly = unreadable(error, words) if language != "en" else None
        return kindly or error

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": shown,
        "place": place,
        "reason": reason,
        "translated": lambda english: translated(english, words),
        "file_name": lambda path: shown(PurePath(path).name),
        "count": words.number,
        "percent": words.percent,
        "whole_percent": partial(words.percent, digits=0),
    }
    return environment.get_template("page.html.jinja").render(
        say=say,
        label=lambda name: words(f"label.{name}"),
        language=language,
        tally=tally,
        share=share,
        info=info,
        folder=folder,
        steps=_steps(tally.confidence),
        error_rates={label: _error_rates(counts) for label, counts in info.validation.items()},
        unsure=((photo, thumbnail(*_places(photo))) for photo in tally.unsure),
        card_url=_card_url(),
    )


def _steps(confidence: dict[str, list[int]]) -> list[dict[str, float]]:
    """The histogram's columns: where each begins and ends, its counts, and its heights (0 to 1)."""
    counts = list(zip(*confidence.values(), strict=True))
    highest = max(map(sum, counts)) or 1
    return [
        {
            "number": step,
            "low": 0.5 + 0.5 * step / CONFIDENCE_STEPS,
            "high": 0.5 + 0.5 * (step + 1) / CONFIDENCE_STEPS,
            "total": sum(column),
            **dict(zip(confidence, column, strict=True)),
            "height": sum(column) / highest,
        }
        for step, column in enumerate(counts)
    ]


def _error_rates(counts: LabelCounts) -> dict[str, float]:
    """The shares of each answer among validation faces of one annotated label."""
    total = counts.female + counts.male + counts.unsure or 1
    return {
        "female": counts.female / total,
        "male": counts.male / total,
        "unsure": counts.unsure / total,
    }


def _places(photo: SortedPhoto) -> Sequence[str | None]:
    """Where the photo may be now: after a move only the first, with `--faces` only the second."""
    return photo.destination, photo.source


def _card_url() -> str | None:
    """Address of the model card, from the package's own project addresses."""
    urls = metadata("pilah").get_all("Project-URL") or []
    return next((url.split(", ", 1)[1] for url in urls if url.startswith("Model card, ")), None)
