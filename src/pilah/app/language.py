"""Which language does this visitor read?"""

import streamlit as st

from pilah.texts import LANGUAGES, Texts, texts

KEY = "language"


def set_language() -> None:
    """Set a new visitor's language: the address (`?language=id`) or the browser decides."""
    if KEY not in st.session_state:
        st.session_state[KEY] = _wished()


def _wished() -> str:
    wished = st.query_params.get(KEY) or (st.context.locale or "").split("-")[0]
    return wished if wished in LANGUAGES else "en"


def choose_language() -> None:
    """Let the visitor switch the language, and keep the choice in the address for a reload."""
    st.segmented_control(
        "Language · Bahasa",
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key=KEY,
        required=True,
        label_visibility="collapsed",
        width="content",
    )
    chosen = st.session_state[KEY]
    if KEY in st.query_params or chosen != _wished():
        st.query_params[KEY] = chosen


def words() -> Texts:
    """The texts in the visitor's language."""
    return texts(st.session_state.get(KEY, "en"))


def text(key: str, /, **values: object) -> str:
    """One text in the visitor's language."""
    return words()(key, **values)
