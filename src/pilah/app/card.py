"""The model card, taken apart, and summed up in a language that is not the card's.

Its figures are those of the card and of the models' own descriptions; only the words are ours.
"""

import re
from collections.abc import Iterator

from pilah.models.bundle import BundleInfo
from pilah.rate import Rate, wilson
from pilah.texts import Texts, translated

RATE = re.compile(r"(\d+\.\d)% \((\d+\.\d) to (\d+\.\d)\)")
"""A share and its interval, as `audit/markdown.py` writes them."""

GAPS = ("column", "lowest accuracy")
"""How the table of gaps between groups begins."""

Table = list[list[str]]


def sections(card: str, level: int = 2) -> dict[str, str]:
    """The parts of a model card, in Markdown, by their titles; the first is named by its own."""
    first, *others = re.split(rf"^{'#' * level} ", card, flags=re.MULTILINE)
    parts = [first.lstrip("# ").strip(), *others]
    return {_title(part): part.partition("\n")[2].strip() for part in parts}


def summary(card: str, infos: dict[str, BundleInfo], say: Texts) -> dict[str, str]:
    """What a card says of each model, in Markdown in the language of `say`, by the part's title.

    Args:
        card: the card in Markdown.
        infos: the models' descriptions by their names.
        say: the texts of the language.
    """
    found = {}
    for title, part in sections(card).items():
        if info := infos.get(title.split()[0]):
            lines = [*_of_model(info, say), *_of_audits(part, say)]
            found[title] = "\n".join(f"- {line}" for line in lines)
    return found


def _title(part: str) -> str:
    """A part's first line, without what Markdown makes of it."""
    return part.partition("\n")[0].replace("`", "").strip()


def _of_model(info: BundleInfo, say: Texts) -> Iterator[str]:
    """What a model's own description says."""
    height, width = info.size_hw
    yield say(
        "card.trained",
        backbone=f"`{info.backbone}`",
        height=height,
        width=width,
        data=translated(info.trained_on, say),
        licence=translated(info.licence, say),
    )
    counts = info.validation.values()
    faces = sum(each.female + each.male + each.unsure for each in counts)
    clear = sum(each.female + each.male for each in counts)
    right = sum(getattr(each, label) for label, each in info.validation.items())
    if clear:
        yield say(
            "card.validation",
            faces=say.number(faces),
            answered=rate_words(wilson(clear, faces), say),
            right=rate_words(wilson(right, clear), say),
            minimum=say.percent(info.min_confidence),
        )
    if info.ece_before is not None and info.ece_after is not None:
        yield say(
            "card.calibration",
            before=say.decimal(info.ece_before, digits=4),
            after=say.decimal(info.ece_after, digits=4),
            temperature=say.decimal(info.temperature, digits=2),
        )
    if info.int8_cost is not None:
        yield say("card.bits", points=say.decimal(100 * info.int8_cost, digits=2))
    if info.from_photos and info.face_heights:
        least = info.face_heights[0]
        yield say(
            "card.photos",
            photos=say.number(info.from_photos.photos),
            right=rate_words(wilson(info.from_photos.right, info.from_photos.photos), say),
            height=f"{least.height:g}",
            least=rate_words(wilson(least.counts.right, least.counts.photos), say),
        )


def _of_audits(part: str, say: Texts) -> Iterator[str]:
    """What was measured on whole data sets: each audit of a model's part of the card."""
    for title, audit in list(sections(part, level=3).items())[1:]:
        overall, *others = _tables(audit)
        _, faces, share = overall[1]
        error_women, error_men, unsure = (
            _localised(row[2], say)
            for begins in ("error, women", "error, men", "unsure")
            for row in overall
            if row[0].startswith(begins)
        )
        yield say(
            "card.audit",
            title=translated(title, say),
            faces=translated(faces, say),
            right=_localised(share, say),
            women=error_women,
            men=error_men,
            unsure=unsure,
        )
        gaps = next((table for table in others if tuple(table[0][:2]) == GAPS), [])
        said = [_gap(row, say) for row in gaps[1:] if row[4].endswith("*")]
        if said:
            yield say("card.gaps", gaps="; ".join(said))


def _gap(row: list[str], say: Texts) -> str:
    column, lowest, highest, points = row[:4]
    return say(
        "card.gap",
        column=translated(column, say),
        low=translated(lowest, say),
        high=translated(highest, say),
        points=say.decimal(float(points), digits=1),
    )


def _tables(markdown: str) -> list[Table]:
    """The tables of a text, each as rows of cells, without the line below the head."""
    blocks = re.findall(r"(?:^\|.*\n?)+", markdown, flags=re.MULTILINE)
    return [
        [
            [cell.strip().replace("\\", "") for cell in row.strip("|").split(" |")]
            for row in block.splitlines()
            if not row.startswith("|---")
        ]
        for block in blocks
    ]


def _localised(cell: str, say: Texts) -> str:
    """A share and its interval, or whatever else a cell holds."""
    if found := RATE.fullmatch(cell):
        value, low, high = (float(number) / 100 for number in found.groups())
        return rate_words(Rate(value, low, high, 0), say)
    return cell


def rate_words(rate: Rate, say: Texts) -> str:
    """A share with its 95% confidence interval."""
    value, low, high = (say.percent(share) for share in (rate.value, rate.low, rate.high))
    return say("about.rate", share=value, low=low, high=high)
