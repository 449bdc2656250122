"""What a visitor gives to be sorted, and how: photos, a .zip or a folder, and options."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import streamlit as st

from pilah import uploads
from pilah.app.access import knows_token
from pilah.app.caution import caution_steps, step_words
from pilah.app.language import text, words
from pilah.app.model import model_info, names
from pilah.app.settings import Settings
from pilah.formats import SUFFIXES
from pilah.sorting.bins import By
from pilah.uploads import NamedFile, Refused


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be sorted, uploaded files or a folder of this machine, and the options.

    `model` is None for the one that `pilah app` was started with, `min_confidence` None for what
    the model recommends; `by` and `tree` are as in `SortOptions`.
    """

    files: Sequence[NamedFile] = ()
    folder: str = ""
    model: str | None = None
    min_confidence: float | None = None
    by: By = "foreground"
    tree: bool = False

    def own_folder(self) -> Path | None:
        """The folder of this machine; None where files were uploaded.

        Raises:
            Refused: there is no such folder.
        """
        if self.files:
            return None
        try:
            folder = Path(self.folder).expanduser()
            there = folder.is_dir()
        except (OSError, RuntimeError):  # a name that is too long, or of a user who is not there
            there = False
        if not there:
            raise Refused("folder", name=self.folder)
        return folder


def ask() -> Wish | None:
    """Ask what to sort, and how; None until the visitor starts the sort."""
    own = Settings.from_arguments().own_machine
    kind = st.segmented_control(
        text("intake.what"),
        ["files", "directory", *(["own"] if own else [])],
        default="files",
        format_func=lambda kind: text(f"intake.from_{kind}"),
        required=True,
        label_visibility="collapsed",
        key="intake",
    )
    files: Sequence[NamedFile] = ()
    folder = ""
    if kind == "own":
        if knows_token():
            folder = st.text_input(text("intake.folder"), key="folder").strip()
            st.caption(text("intake.own_limits"))
    else:
        kinds = sorted(suffix[1:] for suffix in SUFFIXES) + (["zip"] if kind == "files" else [])
        files = st.file_uploader(
            text(f"intake.drop_{kind}"),
            type=kinds,
            accept_multiple_files=True if kind == "files" else "directory",
            key=f"given {kind}",
        )
        limits = {"photos": words().number(uploads.MAX_ZIP_PHOTOS), "size": uploads.MAX_UNPACKED_MB}
        st.caption(text("intake.limits", each=uploads.MAX_UPLOAD_MB, **limits))
    with st.expander(text("intake.options")):
        wish = _options(files, folder)
    started = st.button(text("sort.start"), type="primary", disabled=not (files or folder))
    return wish if started else None


def _options(files: Sequence[NamedFile], folder: str) -> Wish:
    model = st.selectbox(
        text("intake.model"), names(), format_func=lambda name: Path(name).stem, key="sort model"
    )
    info = model_info(model)
    min_confidence = st.select_slider(
        text("caution.minimum"),
        caution_steps(info),
        value=info.min_confidence,
        format_func=step_words,
        help=text("caution.help"),
        key=f"sort caution {model} {words().language}",
    )
    by: By = st.radio(
        text("intake.by"),
        get_args(By),
        format_func=lambda by: text(f"intake.by_{by}"),
        key=f"by {words().language}",
    )
    tree = st.checkbox(text("intake.tree"), key="tree")
    return Wish(files, folder, model, float(min_confidence), by, tree)
