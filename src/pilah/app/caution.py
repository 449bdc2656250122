"""The minimum confidence that a visitor chooses, and what it costs: fewer answers, fewer errors."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from pilah.app.language import text, words
from pilah.models.bundle import BundleInfo
from pilah.rate import wilson
from pilah.types import LABELS


def choose_caution(info: BundleInfo) -> float:
    """The slider of the lowest confidence that is answered, and what it costs."""
    steps = caution_steps(info)
    chosen = st.session_state.get("min_confidence", info.min_confidence)
    with st.container(border=True):
        left, right = st.columns([3, 2], vertical_alignment="center", gap="medium")
        caution: Any = left.select_slider(
            text("caution.minimum"),
            steps,
            value=chosen if chosen in steps else info.min_confidence,
            format_func=step_words,
            help=text("caution.help"),
            # Streamlit takes a slider with other words for another one, and would begin anew.
            key=f"caution {words().language}",
        )
        st.session_state["min_confidence"] = caution
        risk = risk_at(info, caution)
        if risk:
            with right.container(horizontal=True):
                st.metric(text("caution.coverage"), _coverage_words(risk.coverage))
                st.metric(text("caution.error"), _error_words(risk), help=_interval_words(risk))
        left.caption(text("caution.measured"))
    return float(caution)


def caution_steps(info: BundleInfo) -> list[float]:
    """The slider's steps: those that were measured, and the recommended one instead of its like."""
    recommended = step_words(info.min_confidence)
    measured = {0.5, *(point.min_confidence for point in info.risk_coverage)}
    others = {step for step in measured if step_words(step) != recommended}
    return sorted({*others, info.min_confidence})


def step_words(share: float) -> str:
    """As the model card writes it, but for whole numbers."""
    whole = share < 0.99 and round(1000 * share) % 10 == 0
    return words().percent(share, digits=0 if whole else 1)


@dataclass(frozen=True, slots=True)
class Risk:
    """What a minimum confidence costs, on `faces` validation faces that get a label (0: unknown).

    `error` is the share of them whose label is wrong, `coverage` that of all faces with a label.
    """

    coverage: float
    error: float
    faces: int


def risk_at(info: BundleInfo, min_confidence: float) -> Risk | None:
    """What was measured at this confidence, or at the nearest below it; None if nothing was.

    The recommended confidence has counts of its own, which About and the model card show too.
    """
    counts = list(info.validation.values())
    faces = sum(each.female + each.male + each.unsure for each in counts)
    if min_confidence == info.min_confidence and set(info.validation) == set(LABELS):
        answered = faces - sum(each.unsure for each in counts)
        wrong = info.validation["female"].male + info.validation["male"].female
        if answered:
            return Risk(answered / faces, wrong / answered, answered)
    below = [point for point in info.risk_coverage if point.min_confidence <= min_confidence]
    point = max(below, key=lambda point: point.min_confidence, default=None)
    if point is None:
        return None
    return Risk(point.coverage, point.error, round(point.coverage * faces))


def _coverage_words(coverage: float) -> str:
    return text("caution.all") if coverage == 1 else words().percent(coverage)


def _error_words(risk: Risk) -> str:
    """The share of wrong labels; where none was seen, the most that there may be."""
    if risk.error == 0 and risk.faces:
        return f"<{words().percent(wilson(0, risk.faces).high)}"
    return words().percent(risk.error)


def _interval_words(risk: Risk) -> str | None:
    if not risk.faces:
        return None
    rate = wilson(round(risk.error * risk.faces), risk.faces)
    low, high = words().percent(rate.low), words().percent(rate.high)
    return text("caution.interval", low=low, high=high, faces=words().number(risk.faces))
