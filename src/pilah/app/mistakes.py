"""The wrong predictions of a run: their picture, and on request which parts of a face counted."""

import streamlit as st

from pilah.app.drawing import draw_change
from pilah.app.language import text, words
from pilah.app.plain import plain
from pilah.app.results import RunFiles
from pilah.errors import ImageError, PilahError
from pilah.evaluation.gallery import surest_mistakes
from pilah.pipeline import Pilah, load
from pilah.runs.folder import Run
from pilah.runs.tables import Scores, read_scores
from pilah.types import LABELS

MOST = 6
"""Mistakes whose parts are covered: each takes some seconds with the study's networks."""

IN_A_ROW = 3


def show_mistakes(run: RunFiles) -> None:
    """Show the picture; a run that was exported, and whose faces are there, can say more."""
    st.image(str(run.gallery), alt=text("study.wrong"))
    if run.model is None:
        return
    if st.button(text("mistakes.open"), key=f"mistakes {run.folder}"):
        try:
            scores = read_scores(Run(run.folder))[run.shown]
            predictor = load(run.model, workers=1)
        except PilahError as error:
            st.error(plain(str(error)))
        else:
            _show_parts(scores, predictor)


def _show_parts(scores: Scores, predictor: Pilah) -> None:
    mistakes = [int(index) for index in surest_mistakes(scores)[:MOST]]
    progress = st.progress(0.0, text("closer.covering"))
    places = st.columns(IN_A_ROW) * -(-len(mistakes) // IN_A_ROW)
    for done, (index, place) in enumerate(zip(mistakes, places, strict=False), start=1):
        try:
            occlusion = predictor.occlusion(predictor.crop(scores.paths[index], crops=True))
        except ImageError:
            place.info(text("mistakes.gone"))
        else:
            label = text(f"label.{LABELS[scores.labels[index]]}")
            share = words().confidence(occlusion.p_male)
            place.image(
                draw_change(occlusion), caption=text("mistakes.face", label=label, share=share)
            )
        progress.progress(done / len(mistakes), text("closer.covering"))
    progress.empty()
    st.caption(text("mistakes.colours"))
    st.markdown(text("closer.not_shown"))
    st.caption(text("closer.method"))
