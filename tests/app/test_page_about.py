"""The About page: the figures of the model's own file."""

import re
import sys

import pytest

import pilah
from pilah.app.about import FAILURES, sections
from pilah.app.texts import texts
from pilah.models import DEFAULT_MODEL, card_path
from pilah.rate import wilson

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


@pytest.fixture
def shipped(page_alone, monkeypatch):
    page_alone("about")
    monkeypatch.setattr(sys, "argv", ["main.py"])

    def shipped(language: str):
        page = page_alone("about", language=language)
        monkeypatch.setattr(sys, "argv", ["main.py"])
        return page.run()

    return shipped


def test_the_shipped_models_card_is_shown_in_parts(shipped):
    page = shipped("en")
    assert not page.exception
    card = card_path(DEFAULT_MODEL).read_text("utf-8")
    titles = re.findall("^##? (.*)$", card, flags=re.MULTILINE)
    shown = [expander.label for expander in page.expander]
    assert [*shown, FAILURES] == [title.replace("`", "") for title in titles]
    lines = [line for part in page.markdown for line in part.value.splitlines()]
    missing = [line for line in card.splitlines() if line not in lines]
    assert {line[:2] for line in missing} <= {"# ", "##", "!["}
    # The failures come before the card, with their picture
    assert [header.value for header in page.header][3] == SAY("about.failures")
    assert len(page.get("image")) == 1


def test_the_failures_are_summarised_in_indonesian(shipped):
    say = texts("id")
    markdown = [part.value for part in shipped("id").markdown]
    assert say("about.failures_text") in markdown


def test_a_card_is_taken_apart_at_its_titles():
    card = "# Card: `a`\nintro\n## One\ntext\n### Deeper\nmore\n## Known failures\nbad\n"
    assert sections(card) == {
        "Card: a": "intro",
        "One": "text\n### Deeper\nmore",
        "Known failures": "bad",
    }
