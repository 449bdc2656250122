"""A closer look at one photo: what each model says of a face, and which of its parts count."""

import html
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import streamlit as st

from pilah.answers import label_of
from pilah.app.drawing import CHANGES, Seen, draw_change
from pilah.app.language import text, words
from pilah.app.model import model, names
from pilah.app.plain import plain
from pilah.occlusion import Occlusion
from pilah.types import Face


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found out about a photo while its dialog is open.

    `faces` are those of each model, from left to right; `occlusions` are by the face's number.
    """

    seen: Seen
    photo: bytes
    caution: float
    faces: dict[str, tuple[Face, ...]] = field(default_factory=dict)
    occlusions: dict[int, Occlusion] = field(default_factory=dict)


def look_closer(seen: Seen, photo: bytes, caution: float) -> None:
    """Open a dialog about a photo with faces; they are answered from this confidence upwards."""
    st.dialog(text("closer.title"), width="medium")(_show)(_Look(seen, photo, caution))


def _show(look: _Look) -> None:
    st.markdown(f"__{plain(look.seen.name)}__")
    number = 1
    if len(look.seen.faces) > 1:
        number = st.pills(
            text("closer.face"), range(1, len(look.seen.faces) + 1), default=1, required=True
        )
    st.subheader(text("closer.models"), anchor=False)
    _ask_models(look)
    st.table(_answers(look, number).set_index(text("closer.model")), border="horizontal")
    st.caption(text("closer.models_text", minimum=words().percent(look.caution)))
    st.subheader(text("closer.parts"), anchor=False)
    if number not in look.occlusions:
        with st.spinner(text("closer.covering")):
            at = look.seen.result.faces.index(look.seen.faces[number - 1])
            look.occlusions[number] = model().occlusion(look.photo, at)
    _show_parts(look.occlusions[number])


def _ask_models(look: _Look) -> None:
    """Ask each model that was not asked yet; the page's own has answered already."""
    own, *others = names()
    look.faces[own] = look.seen.faces
    for name in others:
        if name not in look.faces:
            with st.spinner(text("closer.asking", name=plain(name))):
                seen = Seen(look.seen.name, model(name).predict(look.photo), None)
            look.faces[name] = seen.at_caution(look.caution).faces


def _answers(look: _Look, number: int) -> pd.DataFrame:
    """One row for each model: its label for a face, and how sure it is."""
    rows = [(name, faces[number - 1]) for name, faces in look.faces.items()]
    return pd.DataFrame(
        {
            text("closer.model"): [plain(Path(name).stem) for name, _ in rows],
            text("closer.label"): [text(f"label.{face.label or 'unsure'}") for _, face in rows],
            text("closer.confidence"): [words().confidence(face.confidence) for _, face in rows],
        }
    )


def _show_parts(occlusion: Occlusion) -> None:
    """The map of one face, what its colours mean, and what it does not show."""
    label = label_of(occlusion.p_male, 0.5)
    covered = occlusion.lowest if label == "male" else occlusion.highest
    before, after = (p if label == "male" else 1 - p for p in (occlusion.p_male, covered))
    name = text(f"label.{label}")
    picture, meaning = st.columns([2, 3], gap="medium")
    picture.image(draw_change(occlusion), alt=text("closer.alt", label=name))
    with meaning:
        st.html(
            "".join(
                f'<div class="change"><i style="background:{colour}"></i>'
                f"{html.escape(text(f'closer.{kind}', label=name))}</div>"
                for kind, colour in CHANGES.items()
            )
        )
        share = {"before": words().confidence(before), "after": words().confidence(after)}
        st.markdown(text("closer.strongest", label=name, **share))
        st.markdown(text("closer.not_shown"))
    st.caption(text("closer.method"))
