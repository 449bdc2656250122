"""The About page: the figures of the model's own file."""

import re
import sys

import pytest

import pilah
from pilah.app.about import FAILURES
from pilah.app.card import RATE, sections, summary
from pilah.models import DEFAULT_MODEL, card_path, model_names, model_path
from pilah.models.bundle import open_bundle
from pilah.rate import wilson
from pilah.texts import texts, translated

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
    assert cell == f"{rate.value:.1%} ({rate.low:.1%}–{rate.high:.1%})"  # noqa: RUF001
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
    # Model, failures with their picture and privacy come first
    assert [header.value for header in page.header][:3] == [
        SAY(f"about.{part}") for part in ("model", "failures", "privacy")
    ]
    assert len(page.get("image")) == 1


def test_the_failures_are_summarised_in_indonesian_with_their_picture(shipped):
    say = texts("id")
    page = shipped("id")
    markdown = [part.value for part in page.markdown]
    assert say("about.failures_text") in markdown
    assert len(page.get("image")) == 2  # once more in the whole card
    titles = [expander.label for expander in page.expander]
    assert FAILURES in titles
    assert len([title for title in titles if "pilah-small-fairface" in title]) == 3


def test_the_indonesian_summary_has_the_cards_figures_and_no_english_word():
    card = card_path(DEFAULT_MODEL).read_text("utf-8")
    infos = {name: open_bundle(model_path(name)).info for name in model_names()}
    say = texts("id")
    found = summary(card, infos, say)
    assert [title.split()[0] for title in found] == model_names()
    for title, part in found.items():
        ours, cards = set(re.findall(r"\d+,\d%", part)), sections(card)[title]
        shares = {f"{share}%" for match in RATE.findall(cards) for share in match}
        info = infos[title.split()[0]]
        assert {share.replace(",", ".") for share in ours} <= shares | {
            f"{info.min_confidence:.1%}"
        }
        assert part.count("**") == 2 * len(re.findall("^### ", cards, flags=re.MULTILINE))
        words = set(re.findall("[a-z]+", part.lower()))
        assert not words & {"the", "of", "and", "faces", "women", "no", "yes", "black", "age", "px"}


def test_the_glossary_changes_whole_words_only():
    say = texts("id")
    assert translated("1,234 faces of pilah-of-all, no px", say) == (
        "1.234 wajah dari pilah-of-all, tidak piksel"
    )
    assert translated("1,234 faces", texts("en")) == "1,234 faces"


def test_a_card_is_taken_apart_at_its_titles():
    card = "# Card: `a`\nintro\n## One\ntext\n### Deeper\nmore\n## Known failures\nbad\n"
    assert sections(card) == {
        "Card: a": "intro",
        "One": "text\n### Deeper\nmore",
        "Known failures": "bad",
    }
