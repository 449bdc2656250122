"""What all pages share: title, style, language, navigation."""

from pathlib import Path

import streamlit as st
from PIL import Image

from pilah.app import about, classify, sort, study
from pilah.app.language import choose_language, text


def show() -> None:
    """Show the page that the visitor is on."""
    st.set_page_config(page_title="pilah", page_icon=_icon(), layout="wide")
    st.html(Path(__file__).parent / "style.css")
    choose_language()
    pages = (
        (classify, "classify", ":material/face:"),
        (sort, "sort", ":material/folder_copy:"),
        (study, "study", ":material/bar_chart:"),
        (about, "about", ":material/info:"),
    )
    st.navigation(
        [
            st.Page(
                page.show,
                title=text(f"frame.{name}"),
                icon=icon,
                url_path=name,
                default=name == "classify",
            )
            for page, name, icon in pages
        ],
        position="top",
    ).run()


def _icon() -> Image.Image:
    """Two halves, in the report's two colours; drawn here, for a named icon would be fetched."""
    icon = Image.new("RGB", (32, 32), "#6c45b8")
    icon.paste("#0b7a75", (16, 0, 32, 32))
    return icon
