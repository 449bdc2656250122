"""The charts of the Study page: curves, labels and confusion matrices of runs."""

import html
import json
from typing import Any

import altair as alt
import pandas as pd

from pilah.app.charts import BIN_COLOURS, RUN_COLOURS, legend
from pilah.app.language import text, words
from pilah.app.results import RunFiles
from pilah.types import LABELS

STROKES = {"train": [1, 0], "validation": [6, 4]}
"""Lengths of a line's dashes and of the gaps between them, by split."""


def strokes() -> str:
    """The legend of the curves' line styles, as HTML."""
    return "".join(
        f'<span class="stroke {split}">{html.escape(text(f"split.{split}"))}</span>'
        for split in STROKES
    )


def curves(runs: list[RunFiles], quantity: str) -> Any:
    """Accuracy or loss of each epoch, in training and in validation."""
    parts = []
    for run in runs:
        for split, column in zip(STROKES, (quantity, f"val_{quantity}"), strict=True):
            part = run.history[["epoch"]].assign(
                run=run.name, split=text(f"split.{split}"), value=run.history[column]
            )
            parts.append(part)
    return (
        alt.Chart(pd.concat(parts), title=text(f"study.{quantity}"), height=400 + 24 * len(runs))
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
            strokeDash=alt.StrokeDash(
                "split:N",
                title=None,
                sort=None,
                legend=None,  # Vega draws it without strokes; `strokes` is one
                scale=alt.Scale(
                    domain=[text(f"split.{split}") for split in STROKES],
                    range=list(STROKES.values()),
                ),
            ),
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
        data = (run.environment.get("data_digest"), run.labels)
        groups.setdefault(json.dumps(data, sort_keys=True), []).append(run)
    return list(groups.values())


def label_bars(run: RunFiles) -> Any:
    """How many faces of each label every split holds."""
    rows = [
        {"split": text(f"split.{split}"), "label": text(f"label.{label}"), "n": counts[label]}
        for split, counts in run.labels.items()
        for label in LABELS
    ]
    return (
        alt.Chart(pd.DataFrame(rows), height=130 + 50 * len(run.labels))
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


def confusion(run: RunFiles) -> Any:
    """How the faces of the split that is looked at were annotated, and predicted."""
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
