"""The Study page: runs beside the published study, from the files that they left."""

from typing import Any

import streamlit as st

from pilah.app.charts import show_chart
from pilah.app.language import text
from pilah.app.mistakes import show_mistakes
from pilah.app.plain import plain
from pilah.app.results import SHIPPED, read_runs
from pilah.app.settings import Settings
from pilah.app.study_charts import by_data, confusion, curves, label_bars, strokes
from pilah.app.study_table import study_table
from pilah.evaluation.published import ADDRESS, AUTHOR, TITLE


def show() -> None:
    """Show the page."""
    st.markdown(text("study.lead"))
    st.markdown(text("study.cited", title=TITLE, author=AUTHOR, address=ADDRESS))
    own, unusable = read_runs(Settings.from_arguments().runs)
    shipped, _ = read_runs([SHIPPED], prefix="pilah/")
    runs = shipped + own
    for folder in unusable:
        st.warning(text("study.unusable", name=plain(folder.name)))
    st.header(text("study.table"))
    st.html(study_table(runs))
    st.caption(text("study.table_note"))
    if not shipped:
        st.info(text("study.none_shipped"))
    if not own:
        st.info(text("study.none_own"))
    if not runs:
        return
    st.header(text("study.curves"))
    st.html(strokes())
    for quantity, column in zip(("accuracy", "loss"), st.columns(2), strict=True):
        show_chart(curves(runs, quantity), column)
    st.header(text("study.labels"))
    st.caption(text("study.labels_note"))
    shared = by_data(runs)
    for group, column in zip(shared, _columns(len(shared)), strict=True):
        column.caption(", ".join(plain(run.name) for run in group))
        show_chart(label_bars(group[0]), column)
    st.header(text("study.confusion"))
    st.caption(text("study.confusion_note"))
    for run, column in zip(runs, _columns(len(runs)), strict=True):
        show_chart(confusion(run), column)
    pictures = [run for run in runs if run.gallery]
    if pictures:
        st.header(text("study.wrong"))
        for run in pictures:
            with st.expander(plain(run.name)):
                show_mistakes(run)


def _columns(number: int) -> list[Any]:
    """One column per chart, three in a row."""
    rows = [st.columns(3) for _ in range(-(-number // 3))]
    return [column for row in rows for column in row][:number]
