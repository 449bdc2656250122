"""The Study page: runs beside the published study, from the files that they left."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pilah.app.language import text, words
from pilah.app.results import SHIPPED, RunFiles, read_runs
from pilah.app.settings import Settings
from pilah.evaluation.published import STUDY, Published
from pilah.types import LABELS


def show() -> None:
    """Show the page."""
    st.title(text("study.title"))
    st.markdown(text("study.lead"))
    runs, unusable = read_runs([*Settings.from_arguments().runs, SHIPPED])
    for folder in unusable:
        st.warning(text("study.unusable", name=folder.name))
    st.subheader(text("study.table"))
    st.table(study_table(runs).set_index(text("study.run")), border="horizontal")
    st.caption(text("study.table_note"))
    if not runs:
        st.info(text("study.empty"))
        return
    st.subheader(text("study.curves"))
    accuracy, loss = st.columns(2)
    accuracy.altair_chart(_curves(runs, "accuracy"))
    loss.altair_chart(_curves(runs, "loss"))
    st.subheader(text("study.labels"))
    st.altair_chart(_label_bars(runs[0]))
    st.subheader(text("study.confusion"))
    st.caption(text("study.confusion_note"))
    for run, column in zip(runs, _columns(len(runs)), strict=True):
        column.altair_chart(_confusion(run))
    pictures = [run for run in runs if run.gallery]
    if pictures:
        st.subheader(text("study.wrong"))
        for run in pictures:
            with st.expander(run.name):
                st.image(str(run.gallery))


def study_table(runs: list[RunFiles]) -> pd.DataFrame:
    """One row a run: our figures as metrics.json has them, the study's beside them.

    The study's networks that no run repeats have a row of their own.
    """
    rows = [_row(run) for run in runs]
    repeated = {run.recipe["model"]["backbone"] for run in runs if run.recipe.get("repeats_study")}
    rows += [
        {text("study.run"): "-", text("study.backbone"): backbone, **_published(figures)}
        for backbone, figures in STUDY.items()
        if backbone not in repeated
    ]
    columns = [
        text(f"study.{name}")
        for name in (
            *("run", "backbone", "val_accuracy", "study_val_accuracy", "val_loss"),
            *("study_val_loss", "test_accuracy", "study_test_accuracy", "interval"),
            *("test_loss", "study_test_loss"),
        )
    ]
    return pd.DataFrame(rows, columns=columns).fillna("")


def _row(run: RunFiles) -> dict[str, Any]:
    validation, test = run.metrics.get("validation"), run.metrics.get("test")
    backbone = run.recipe["model"]["backbone"]
    published = STUDY.get(backbone) if run.recipe.get("repeats_study") else None
    row: dict[str, Any] = {text("study.run"): run.name, text("study.backbone"): backbone}
    if validation:
        row[text("study.val_accuracy")] = words().decimal(validation["accuracy"]["value"])
        row[text("study.val_loss")] = words().decimal(validation["loss"])
    if test:
        rate = test["accuracy"]
        row[text("study.test_accuracy")] = words().decimal(rate["value"])
        row[text("study.interval")] = " - ".join(
            words().decimal(rate[edge]) for edge in ("low", "high")
        )
        row[text("study.test_loss")] = words().decimal(test["loss"])
    return row | (_published(published) if published else {})


def _published(figures: Published) -> dict[str, str]:
    return {
        text("study.study_val_accuracy"): words().decimal(figures.val_accuracy),
        text("study.study_val_loss"): words().decimal(figures.val_loss),
        text("study.study_test_accuracy"): words().decimal(figures.test_accuracy),
        text("study.study_test_loss"): words().decimal(figures.test_loss),
    }


def _columns(number: int) -> list[Any]:
    """A column a chart, three in a row."""
    rows = [st.columns(3) for _ in range(-(-number // 3))]
    return [column for row in rows for column in row][:number]


def _curves(runs: list[RunFiles], quantity: str) -> Any:
    parts = []
    for run in runs:
        for column, split in ((quantity, "train"), (f"val_{quantity}", "validation")):
            part = run.history[["epoch"]].assign(
                run=run.name, split=text(f"split.{split}"), value=run.history[column]
            )
            parts.append(part)
    return (
        alt.Chart(pd.concat(parts), title=text(f"study.{quantity}"))
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", title=text("study.epoch"), axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            color=alt.Color("run:N", title=None, legend=alt.Legend(orient="bottom")),
            strokeDash=alt.StrokeDash("split:N", title=None, legend=alt.Legend(orient="bottom")),
            tooltip=["run", "split", "epoch", alt.Tooltip("value:Q", format=".4f")],
        )
    )


def _label_bars(run: RunFiles) -> Any:
    """How many faces of each label every split holds."""
    rows = [
        {"split": text(f"split.{split}"), "label": text(f"label.{label}"), "n": sum(counts)}
        for split, numbers in run.metrics.items()
        for label, counts in zip(LABELS, numbers["confusion"], strict=True)
    ]
    return (
        alt.Chart(pd.DataFrame(rows), title=run.name)
        .mark_bar()
        .encode(
            x=alt.X("n:Q", title=text("study.faces")),
            y=alt.Y("split:N", title=None, sort=None),
            yOffset="label:N",
            color=alt.Color("label:N", title=None, legend=alt.Legend(orient="bottom")),
            tooltip=["split", "label", "n"],
        )
    )


def _confusion(run: RunFiles) -> Any:
    rows = [
        {
            "annotated": text(f"label.{annotated}"),
            "predicted": text(f"label.{predicted}"),
            "n": n,
            "share": n / max(1, sum(counts)),
            "shown": f"{words().number(n)} ({words().percent(n / max(1, sum(counts)))})",
        }
        for annotated, counts in zip(LABELS, run.metrics[run.shown]["confusion"], strict=True)
        for predicted, n in zip(LABELS, counts, strict=True)
    ]
    title = f"{run.name} · {text(f'split.{run.shown}')}"
    base = alt.Chart(pd.DataFrame(rows), title=title, height=220).encode(
        x=alt.X(
            "predicted:N", title=text("study.predicted"), sort=None, axis=alt.Axis(labelAngle=0)
        ),
        y=alt.Y("annotated:N", title=text("study.annotated"), sort=None),
    )
    shade = base.mark_rect().encode(
        color=alt.Color("share:Q", legend=None, scale=alt.Scale(scheme="blues", domain=[0, 1]))
    )
    dark = alt.condition("datum.share > 0.5", alt.value("white"), alt.value("black"))
    return shade + base.mark_text(fontSize=13).encode(text="shown:N", color=dark)
