"""The Study page: runs beside the published study, from the files that they left."""

import json
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pilah.app.charts import BIN_COLOURS, RUN_COLOURS, legend, show_chart
from pilah.app.language import text, words
from pilah.app.plain import plain
from pilah.app.results import SHIPPED, RunFiles, read_runs
from pilah.app.settings import Settings
from pilah.evaluation.published import STUDY, Published
from pilah.types import LABELS


def show() -> None:
    """Show the page."""
    st.markdown(text("study.lead"))
    own, unusable = read_runs(Settings.from_arguments().runs)
    shipped, _ = read_runs([SHIPPED], prefix="pilah/")
    runs = shipped + own
    for folder in unusable:
        st.warning(text("study.unusable", name=plain(folder.name)))
    st.header(text("study.table"))
    st.table(study_table(runs).set_index(text("study.run")), border="horizontal")
    st.caption(text("study.table_note"))
    if not shipped:
        st.info(text("study.none_shipped"))
    if not own:
        st.info(text("study.none_own"))
    if not runs:
        return
    st.header(text("study.curves"))
    for quantity, column in zip(("accuracy", "loss"), st.columns(2), strict=True):
        show_chart(_curves(runs, quantity), column)
    st.caption(text("study.styles"))
    st.header(text("study.labels"))
    st.caption(text("study.labels_note"))
    shared = by_data(runs)
    for group, column in zip(shared, _columns(len(shared)), strict=True):
        column.caption(", ".join(plain(run.name) for run in group))
        show_chart(_label_bars(group[0]), column)
    st.header(text("study.confusion"))
    st.caption(text("study.confusion_note"))
    for run, column in zip(runs, _columns(len(runs)), strict=True):
        show_chart(_confusion(run), column)
    pictures = [run for run in runs if run.gallery]
    if pictures:
        st.header(text("study.wrong"))
        for run in pictures:
            with st.expander(plain(run.name)):
                st.image(str(run.gallery))


def study_table(runs: list[RunFiles]) -> pd.DataFrame:
    """One row per run: our figures as metrics.json has them, the study's beside them.

    The study's networks that no run repeats have a row of their own; a column that would be empty
    is left out.
    """
    rows = [_row(run) for run in runs]
    repeated = {run.recipe["model"]["backbone"] for run in runs if run.recipe.get("repeats_study")}
    rows += [
        {
            text("study.run"): text("study.published"),
            text("study.backbone"): plain(backbone),
            **_published(figures),
        }
        for backbone, figures in STUDY.items()
        if backbone not in repeated
    ]
    columns = [
        text(f"study.{name}")
        for name in (
            *("run", "backbone", "pretrained_on", "val_accuracy", "study_val_accuracy", "val_loss"),
            *("study_val_loss", "test_accuracy", "study_test_accuracy", "interval"),
            *("test_loss", "study_test_loss"),
        )
    ]
    return pd.DataFrame(rows, columns=columns).dropna(axis="columns", how="all").fillna("")


def _row(run: RunFiles) -> dict[str, Any]:
    validation, test = run.metrics.get("validation"), run.metrics.get("test")
    backbone = run.recipe["model"]["backbone"]
    published = STUDY.get(backbone) if run.recipe.get("repeats_study") else None
    row: dict[str, Any] = {
        text("study.run"): plain(run.name),
        text("study.backbone"): plain(backbone),
        text("study.pretrained_on"): plain(run.recipe["model"].get("pretrained_on", "")) or None,
    }
    if validation:
        row[text("study.val_accuracy")] = words().decimal(validation["accuracy"]["value"])
        row[text("study.val_loss")] = words().decimal(validation["loss"])
    if test:
        rate = test["accuracy"]
        row[text("study.test_accuracy")] = words().decimal(rate["value"])
        row[text("study.interval")] = text(
            "study.range", low=words().decimal(rate["low"]), high=words().decimal(rate["high"])
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
    """One column per chart, three in a row."""
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
        alt.Chart(pd.concat(parts), title=text(f"study.{quantity}"), height=320 + 22 * len(runs))
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", title=text("study.epoch"), axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            color=alt.Color(
                "run:N",
                title=None,
                sort=None,
                legend=legend("stroke"),
                scale=alt.Scale(domain=[run.name for run in runs], range=RUN_COLOURS),
            ),
            strokeDash=alt.StrokeDash("split:N", title=None, sort=None, legend=None),
            tooltip=[
                alt.Tooltip("run:N", title=text("study.run")),
                alt.Tooltip("split:N", title=text("study.split")),
                alt.Tooltip("epoch:Q", title=text("study.epoch")),
                alt.Tooltip("value:Q", title=text(f"study.{quantity}"), format=".4f"),
            ],
        )
    )


def by_data(runs: list[RunFiles]) -> list[list[RunFiles]]:
    """The runs in groups: those that were trained on the same faces, split alike, together."""
    groups: dict[str, list[RunFiles]] = {}
    for run in runs:
        counts = {split: list(map(sum, each["confusion"])) for split, each in run.metrics.items()}
        data = (run.environment.get("data_digest"), counts)
        groups.setdefault(json.dumps(data, sort_keys=True), []).append(run)
    return list(groups.values())


def _label_bars(run: RunFiles) -> Any:
    """How many faces of each label every split holds."""
    rows = [
        {"split": text(f"split.{split}"), "label": text(f"label.{label}"), "n": sum(counts)}
        for split, numbers in run.metrics.items()
        for label, counts in zip(LABELS, numbers["confusion"], strict=True)
    ]
    return (
        alt.Chart(pd.DataFrame(rows), height=130 + 50 * len(run.metrics))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("n:Q", title=text("study.faces")),
            y=alt.Y("split:N", title=None, sort=None),
            yOffset=alt.YOffset("label:N", sort=None),
            color=alt.Color(
                "label:N",
                title=None,
                sort=None,
                legend=legend(columns=len(LABELS)),
                scale=alt.Scale(
                    domain=[text(f"label.{label}") for label in LABELS],
                    range=[BIN_COLOURS[label] for label in LABELS],
                ),
            ),
            tooltip=[
                alt.Tooltip("split:N", title=text("study.split")),
                alt.Tooltip("label:N", title=text("study.label")),
                alt.Tooltip("n:Q", title=text("study.faces")),
            ],
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
