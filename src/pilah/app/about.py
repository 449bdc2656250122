"""The About page: the model, its errors, what the label is and isn't, licence, privacy."""

from pathlib import Path

import streamlit as st

from pilah.app.language import text, words
from pilah.app.model import model
from pilah.app.plain import plain
from pilah.app.settings import Settings
from pilah.evaluation.rate import wilson
from pilah.models import DEFAULT_MODEL, card_path
from pilah.models.bundle import BundleInfo
from pilah.types import LABELS

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
    _show_card(card_path(Settings.from_arguments().model or DEFAULT_MODEL))
    st.header(text("about.licence"))
    st.markdown(text("about.licence_text", licence=plain(info.licence)))
    st.header(text("about.privacy"))
    st.markdown(text("about.privacy_text"))


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


def _show_card(card: Path | None) -> None:
    """The shipped model's card; of a model of the visitor's own, nothing more is known."""
    if card is None:
        st.markdown(text("about.no_card"))
        return
    st.markdown(text("about.card_text"))
    with st.expander(text("about.card")):
        _, _, below_title = card.read_text(encoding="utf-8").partition("\n")
        st.markdown(below_title)
