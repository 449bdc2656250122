"""How charts look: colours that mean the same on every page, words that can be read on any."""

from typing import Any

import altair as alt
import streamlit as st

from pilah.app.language import words

BIN_COLOURS = {
    **{"female": "#7d5ac4", "male": "#1b948d", "mixed": "#4f77a8"},
    **{"unsure": "#c07f14", "no_face": "#7d818b", "unreadable": "#7d818b"},
}
"""By bin, or by label; seen on a light and on a dark page."""

RUN_COLOURS = ("#2b7bba", "#d55e00", "#009e73", "#c563a0", "#b98200", "#7d818b")
"""Near Okabe and Ito's, distinct with every kind of colour vision."""

INK = {"light": "#3d4048", "dark": "#c9c6bd"}
"""Of axes and legends: Streamlit's own is too faint to be read easily."""


LOCALES = {"id": {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["Rp", ""]}}
"""How a language writes numbers (as d3-format reads it), where not as English does."""


def show_chart(chart: Any, place: Any = st) -> None:
    """Show a chart in its place, with words in the ink of the visitor's theme."""
    ink = INK["dark" if st.context.theme.type == "dark" else "light"]
    colours = {"labelColor": ink, "titleColor": ink}
    locale = LOCALES.get(words().language)
    place.altair_chart(
        chart.configure(locale={"number": locale} if locale else alt.Undefined)
        .configure_axis(**colours)
        .configure_legend(**colours)
        .configure_title(color=ink)
    )


def legend(symbol: str = "square", *, columns: int = 1) -> alt.Legend:
    """A legend below the chart, narrow enough for a phone."""
    return alt.Legend(
        orient="bottom", columns=columns, symbolType=symbol, symbolSize=200, labelLimit=300
    )
