"""The About page: the model, its errors, what the label is and isn't, licence, privacy."""

import streamlit as st

from pilah.app.language import text, words
from pilah.app.model import model
from pilah.bundle import BundleInfo
from pilah.types import LABELS


def show() -> None:
    """Show the page."""
    st.title(text("about.title"))
    st.subheader(text("about.label"))
    st.markdown(text("about.label_text"))
    info = model().pilah.info
    st.subheader(text("about.model"))
    st.table(_facts(info), border="horizontal")
    st.subheader(text("about.errors"))
    st.markdown(text("about.errors_text", caution=words().percent(info.min_confidence)))
    st.table(_error_rows(info), border="horizontal")
    st.subheader(text("about.licence"))
    st.markdown(text("about.licence_text", licence=info.licence))
    st.subheader(text("about.privacy"))
    st.markdown(text("about.privacy_text"))


def _facts(info: BundleInfo) -> dict[str, str]:
    height, width = info.size_hw
    return {
        text("about.name"): f"{info.name} {info.version}",
        text("about.backbone"): info.backbone,
        text("about.input"): f"{height} x {width}",
        text("about.trained_on"): info.trained_on,
        text("about.digest"): info.data_digest[:16],
        text("about.temperature"): words().decimal(info.temperature),
        text("about.caution"): words().percent(info.min_confidence),
    }


def _error_rows(info: BundleInfo) -> dict[str, list[str]]:
    """One row an annotated label: how its validation faces were answered."""
    rows: dict[str, list[str]] = {
        text("about.annotated"): [],
        **{text(f"label.{answer}"): [] for answer in (*LABELS, "unsure")},
        text("about.faces"): [],
    }
    for label, counts in info.validation.items():
        total = counts.female + counts.male + counts.unsure
        rows[text("about.annotated")].append(text(f"label.{label}"))
        for answer in (*LABELS, "unsure"):
            share = getattr(counts, answer) / max(1, total)
            rows[text(f"label.{answer}")].append(words().percent(share))
        rows[text("about.faces")].append(words().number(total))
    return rows
