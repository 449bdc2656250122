"""The table of the Study page: each run's figures, and below each the study's own."""

import html
from typing import Any

from pilah.app.language import text, words
from pilah.app.plain import visible
from pilah.app.results import RunFiles
from pilah.evaluation.published import STUDY, Published
from pilah.texts import translated

FIGURES = ("val_accuracy", "test_accuracy", "val_loss", "test_loss")
"""The columns after the run, as `Published` names them."""


def study_table(runs: list[RunFiles]) -> str:
    """The table as HTML: one row per run, ours as metrics.json has it, the study's below it.

    The study's networks that no run repeats have a row of their own.
    """
    repeated = {run.recipe["model"]["backbone"] for run in runs if run.recipe.get("repeats_study")}
    head = "".join(_cell("th", text(f"study.{name}"), "col") for name in ("run", *FIGURES))
    rows = [*map(_row, runs)]
    rows += [
        _lines(_name(text("study.published"), [backbone]), {}, figures)
        for backbone, figures in STUDY.items()
        if backbone not in repeated
    ]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table class="study"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _row(run: RunFiles) -> str:
    recipe = run.recipe["model"]
    backbone = recipe["backbone"]
    pretrained_on = recipe.get("pretrained_on")
    about = [backbone]
    if pretrained_on:
        about.append(text("study.from", data=visible(translated(pretrained_on, words()))))
    published = STUDY.get(backbone) if run.recipe.get("repeats_study") else None
    return _lines(_name(run.name, about), _ours(run.metrics), published)


def _ours(metrics: dict[str, Any]) -> dict[str, str]:
    """Our figures by column, as HTML; the accuracy of test faces with its interval."""
    ours = {}
    for split, short in (("validation", "val"), ("test", "test")):
        if numbers := metrics.get(split):
            rate = numbers["accuracy"]
            ours[f"{short}_accuracy"] = f"<b>{words().decimal(rate['value'])}</b>"
            ours[f"{short}_loss"] = f"<b>{words().decimal(numbers['loss'])}</b>"
            if split == "test":
                low, high = words().decimal(rate["low"]), words().decimal(rate["high"])
                ours["test_accuracy"] += f" ({text('study.range', low=low, high=high)})"
    return ours


def _lines(name: str, ours: dict[str, str], published: Published | None) -> str:
    """The cells of a row, each of one or two lines."""
    cells = []
    for column in FIGURES:
        lines = [ours[column]] if column in ours else []
        if published:
            value = words().decimal(getattr(published, column))
            lines.append(f"<small>{html.escape(text('study.theirs', value=value))}</small>")
        cells.append(f"<td>{''.join(f'<div>{line}</div>' for line in lines)}</td>")
    return name + "".join(cells)


def _name(name: str, about: list[str]) -> str:
    """A row's head; the code span keeps a name from being translated (see `interface.py`)."""
    code = f"<em><code>{html.escape(visible(name))}</code></em>"
    return f'<th scope="row">{code}<small>{html.escape(", ".join(about))}</small></th>'


def _cell(tag: str, words: str, scope: str) -> str:
    return f'<{tag} scope="{scope}">{html.escape(words)}</{tag}>'
