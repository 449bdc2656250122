"""Every text that the app and the report ask for is there in every language, and no other."""

import ast
import re
import string
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import pilah.app
import pilah.report
import pilah.texts
import pilah.uploads
from pilah.texts import LANGUAGES, REASONS, texts

SOURCES = [
    *sorted(Path(pilah.app.__file__).parent.glob("*.py")),
    Path(pilah.texts.__file__),
]
REPORT = Path(pilah.report.__file__).with_name("page.html.jinja")
KEY = re.compile(r"[a-z_]+\.[a-z_]+")


def literal_keys() -> set[str]:
    """Text keys in the source: whole ones, and `part.{…}` as the pattern `part.*`."""
    keys = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else "texts"
                if name not in ("text", "texts", "say") or not node.args:
                    continue
                key = node.args[0]
                if isinstance(key, ast.Constant) and KEY.fullmatch(str(key.value)):
                    keys.add(key.value)
                elif isinstance(key, ast.JoinedStr):
                    parts = (getattr(part, "value", "*") for part in key.values)
                    keys.add("".join(p if isinstance(p, str) else "*" for p in parts))
    return keys


def report_keys() -> set[str]:
    """Text keys in the report's template; `say("part_" ~ …)` is the pattern `part_*`."""
    asked = re.findall(r"say\(([^,)]*)", REPORT.read_text("utf-8"))
    keys = {key for part in asked for key in re.findall(r'"(\w+)"', part)}
    return {f"report.{key}" + "*" * key.endswith("_") for key in keys}


def matches(key: str, asked: set[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in asked)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing_and_none_unused(language: str) -> None:
    there, asked = set(texts(language).by_key), literal_keys() | report_keys()
    assert {key for key in asked if "*" not in key} - there == set()
    # interface.py takes all of Streamlit's words together, card.py the glossary.
    unused = {key for key in there if not matches(key, asked | {"streamlit.*", "glossary.*"})}
    assert unused == set()


def test_the_texts_named_by_parts_are_there() -> None:
    named = {f"unreadable.{name}" for name in REASONS.values()}
    refusals = {
        f"limits.{why}"
        for path in [*SOURCES, Path(pilah.uploads.__file__)]
        for why in re.findall(r'Refused\(\s*"(\w+)"', path.read_text("utf-8"))
    }
    assert refusals
    there = set(texts("en").by_key)
    assert {key for key in there if key.startswith(("unreadable.", "limits."))} == named | refusals


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_languages_have_the_same_texts_with_the_same_values() -> None:
    english, *others = (texts(language).by_key for language in LANGUAGES)
    for other in others:
        assert {key: fields(text) for key, text in english.items()} == {
            key: fields(text) for key, text in other.items()
        }
        assert [key for key, text in other.items() if not text.strip()] == []


def test_numbers_are_written_as_the_language_does() -> None:
    assert texts("en").number(12345) == "12,345"
    assert texts("id").number(12345) == "12.345"
    assert texts("id").percent(0.1234) == "12,3%"


def test_no_share_is_rounded_to_all_or_none() -> None:
    say = texts("en")
    assert [say.percent(share) for share in (0, 0.0004, 0.0006, 0.9994, 0.9996, 1)] == [
        *("0%", "<0.1%", "0.1%", "99.9%", ">99.9%", "100%"),
    ]
    assert say.percent(0.998, digits=0) == ">99%"
    assert texts("id").confidence(1.0) == ">99,9%"
