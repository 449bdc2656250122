"""The About page: the model, its errors, what the label is and isn't, licence, privacy."""

import re
from pathlib import Path

import streamlit as st

from pilah.app.language import text, words
from pilah.app.model import model
from pilah.app.plain import plain
from pilah.app.settings import Settings
from pilah.models import DEFAULT_MODEL, card_path
from pilah.models.bundle import BundleInfo
from pilah.rate import wilson
from pilah.types import LABELS

FAILURES = "Known failures"
"""The title of the card's part that everybody should read."""

PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<file>[\w.-]+)\)")

ANSWERS = (*LABELS, "unsure")


def show() -> None:
    """Show the page."""
    st.header(text("about.label"))
    st.markdown(text("about.label_text"))
    info = model().pilah.info
    st.header(text("about.model"))
    st.table(_facts(info), border="horizontal")
    st.header(text("about.errors"))
    st.markdown(text("about.errors_text", caution=words().percent(info.min_confidence)))
    st.table(error_rows(info), border="horizontal")
    st.caption(text("about.intervals"))
    card = card_path(Settings.from_arguments().model or DEFAULT_MODEL)
    parts = sections(card.read_text(encoding="utf-8")) if card else {}
    if card and (failures := parts.pop(FAILURES, None)):
        st.header(text("about.failures"))
        st.markdown(text("about.failures_text"))
        if words().language == "en":  # the card's own language; others have a summary in the text
            _show_section(failures, card)
    st.header(text("about.privacy"))
    st.markdown(text("about.privacy_text"))
    st.header(text("about.card"))
    st.markdown(text("about.card_text") if card else text("about.no_card"))
    if card:
        for title, part in parts.items():
            with st.expander(title):
                _show_section(part, card)
    st.header(text("about.licence"))
    st.markdown(text("about.licence_text", licence=plain(info.licence)))


def _facts(info: BundleInfo) -> dict[str, str]:
    height, width = info.size_hw
    return {
        text("about.name"): plain(f"{info.name} {info.version}"),
        text("about.backbone"): plain(info.backbone),
        text("about.input"): f"{height} x {width}",
        text("about.trained_on"): plain(info.trained_on),
        text("about.digest"): plain(info.data_digest[:16]),
        text("about.temperature"): words().decimal(info.temperature),
        text("about.caution"): words().percent(info.min_confidence),
    }


def error_rows(info: BundleInfo) -> dict[str, list[str]]:
    """One row per annotated label: how its validation faces were answered, with intervals."""
    rows: dict[str, list[str]] = {
        text("about.annotated"): [],
        text("about.faces"): [],
        **{text(f"label.{answer}"): [] for answer in ANSWERS},
    }
    for label, counts in info.validation.items():
        total = counts.female + counts.male + counts.unsure
        rows[text("about.annotated")].append(text(f"label.{label}"))
        rows[text("about.faces")].append(words().number(total))
        for answer in ANSWERS:
            rows[text(f"label.{answer}")].append(_rate(getattr(counts, answer), total))
    return rows


def _rate(number: int, total: int) -> str:
    if total == 0:
        return "—"
    rate = wilson(number, total)
    return text(
        "about.rate",
        share=words().percent(rate.value),
        low=words().percent(rate.low),
        high=words().percent(rate.high),
    )


def sections(card: str) -> dict[str, str]:
    """The parts of a model card, in Markdown, by their titles; the first is named by the card's."""
    (first, *others) = re.split(r"^## ", card, flags=re.MULTILINE)
    parts = [first.removeprefix("# ").strip(), *others]
    return {_title(part): part.partition("\n")[2].strip() for part in parts}


def _title(part: str) -> str:
    """A part's first line, without what Markdown makes of it."""
    return part.partition("\n")[0].replace("`", "").strip()


def _show_section(part: str, card: Path) -> None:
    """A part of a card; its pictures lie beside it, where Markdown does not find them."""
    begins = 0
    for picture in PICTURE.finditer(part):
        st.markdown(part[begins : picture.start()])
        path = card.with_name(picture["file"])
        if path.is_file():
            st.image(str(path), alt=picture["alt"])
        begins = picture.end()
    st.markdown(part[begins:])
