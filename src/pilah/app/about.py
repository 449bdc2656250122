"""The About page: the model, its errors, what the label is and isn't, licence, privacy."""

import re
from pathlib import Path

import streamlit as st

from pilah.app.card import rate_words, sections, summary
from pilah.app.language import text, words
from pilah.app.model import model, model_info, started_with
from pilah.app.plain import plain
from pilah.models import card_path, model_names
from pilah.models.bundle import BundleInfo
from pilah.rate import wilson
from pilah.texts import translated
from pilah.types import LABELS

CARD_LANGUAGE = "en"

FAILURES = "Known failures"
"""The title of the card's part that everybody should read."""

PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<file>[\w.-]+)\)")

ANSWERS = (*LABELS, "unsure")


def show() -> None:
    """Show the page."""
    info = model().pilah.info
    st.header(text("about.model"))
    st.table(_facts(info), border="horizontal")
    st.subheader(text("about.errors"))
    st.markdown(text("about.errors_text", caution=words().percent(info.min_confidence)))
    st.table(error_rows(info), border="horizontal")
    st.caption(text("about.intervals"))
    path = card_path(started_with())
    parts = sections(path.read_text(encoding="utf-8")) if path else {}
    if path and FAILURES in parts:
        _show_failures(parts, path)
    st.header(text("about.privacy"))
    st.markdown(text("about.privacy_text"))
    st.header(text("about.label"))
    st.markdown(text("about.label_text"))
    st.header(text("about.card"))
    st.markdown(text("about.card_text") if path else text("about.no_card"))
    if path:
        _show_card(parts, path)
    st.header(text("about.licence"))
    licence = plain(translated(info.licence, words()))
    st.markdown(text("about.licence_text", licence=licence))


def _show_failures(parts: dict[str, str], card: Path) -> None:
    """The card's own words and picture, or a summary of them in another language."""
    st.header(text("about.failures"))
    st.markdown(text("about.failures_text"))
    if words().language == CARD_LANGUAGE:
        _show_section(parts.pop(FAILURES), card)
    elif picture := PICTURE.search(parts[FAILURES]):
        st.image(
            str(card.with_name(picture["file"])),
            caption=text("about.picture"),
            alt=text("about.picture"),
        )


def _show_card(parts: dict[str, str], card: Path) -> None:
    """The card, each part of it behind a click, below a summary if it is in another language."""
    if words().language != CARD_LANGUAGE:
        st.subheader(text("about.summary"))
        st.markdown(text("about.summary_text"))
        infos = {name: model_info(name) for name in model_names()}
        for title, part in summary(card.read_text(encoding="utf-8"), infos, words()).items():
            with st.expander(plain(title)):
                st.markdown(part)
        st.markdown(text("about.summary_all"))
        st.subheader(text("about.whole"))
    for title, part in parts.items():
        with st.expander(title):
            _show_section(part, card)


def _facts(info: BundleInfo) -> dict[str, str]:
    height, width = info.size_hw
    return {
        text("about.name"): plain(f"{info.name} {info.version}"),
        text("about.backbone"): plain(info.backbone),
        text("about.input"): f"{height} x {width}",
        text("about.trained_on"): plain(translated(info.trained_on, words())),
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
    return rate_words(wilson(number, total), words())


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
