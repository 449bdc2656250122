"""What all pages share: style, navigation, title and language."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import streamlit as st
from PIL import Image

from pilah.app import visits
from pilah.app.access import hide_token
from pilah.app.interface import translate_streamlit
from pilah.app.language import choose_language, set_language, text

PAGES = {
    "classify": ":material/face:",
    "sort": ":material/folder_copy:",
    "study": ":material/bar_chart:",
    "about": ":material/info:",
}
"""The module of each page, and its icon."""


def show() -> None:
    """Show the page that the visitor is on."""
    visits.welcome()
    hide_token()
    st.logo(_icon())
    st.html(Path(__file__).parent / "style.css")
    set_language()
    pages = {
        st.Page(
            _page(name),
            title=text(f"frame.{name}"),
            icon=icon,
            url_path=name,
            default=name == "classify",
        ): name
        for name, icon in PAGES.items()
    }
    page = st.navigation(list(pages), position="top")
    title = f"{text(f'frame.{pages[page]}')} · pilah"
    st.set_page_config(page_title=title, page_icon=_icon(), layout="wide")
    # Here and not on the page, whose widgets are forgotten when another one is opened.
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(text(f"{pages[page]}.title"), anchor=False)
        choose_language()
    translate_streamlit()
    page.run()
    visits.show_address()


def apologise(_: Exception) -> bool:
    """Show a visitor that something went wrong here, in their language and without a traceback."""
    st.error(text("frame.broken"))
    return True


def _page(name: str) -> Callable[[], None]:
    """A page, imported when it is opened: the first answer need not wait for pandas and Altair."""

    def show_page() -> None:
        import_module(f"pilah.app.{name}").show()

    return show_page


def _icon() -> Image.Image:
    """Two halves, in the report's two colours; drawn here, for a named icon would be fetched."""
    icon = Image.new("RGB", (32, 32), "#6c45b8")
    icon.paste("#0b7a75", (16, 0, 32, 32))
    return icon
