"""The About page: the figures of the model's own file."""

import sys

import pilah
from pilah.app.texts import texts
from pilah.evaluation.rate import wilson
from pilah.models import DEFAULT_MODEL, card_path

SAY = texts("en")


def test_the_models_figures_are_shown(page_alone, tiny_bundle):
    page = page_alone("about")
    assert not page.exception
    facts, errors = (table.value for table in page.table)
    shown = facts.to_string()
    for word in ("tiny 1", "brightness", "32 x 24", "nothing", "80.0%"):
        assert word in shown
    info = pilah.load(tiny_bundle, workers=1).info
    counts = info.validation["female"]
    total = counts.female + counts.male + counts.unsure
    rate = wilson(counts.male, total)
    cell = errors[SAY("label.male")].iloc[0]
    assert cell == f"{rate.value:.1%} ({rate.low:.1%} – {rate.high:.1%})"  # noqa: RUF001
    assert SAY("about.no_card") in [markdown.value for markdown in page.markdown]


def test_the_shipped_models_card_is_shown(page_alone, monkeypatch):
    page = page_alone("about")
    monkeypatch.setattr(sys, "argv", ["main.py"])
    page.run()
    assert [expander.label for expander in page.expander] == [SAY("about.card")]
    _, below_title = card_path(DEFAULT_MODEL).read_text("utf-8").split("\n", 1)
    assert below_title.strip() in [markdown.value for markdown in page.expander[0].markdown]
