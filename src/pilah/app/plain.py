"""Names as they are: one function for every name, path and message that is not the app's own text.

Streamlit reads labels, captions, toasts, messages and table cells as Markdown with additions of its
own: colours, icons, emoji, formulas, arrows, links. A file may have any of them for a name, and a
picture `![x](https://…)` would be fetched by the visitor's browser.
"""

import re
import unicodedata

ICON = ":material/"
"""Streamlit rewrites this before it reads the Markdown, in code spans too."""


def plain(name: str) -> str:
    """A name as Markdown that shows it letter by letter and does nothing else.

    It is a code span, in which none of the additions apply; `style.css` gives it the letters of the
    text around it (`em > code`). In a sentence it needs a space or a punctuation mark on each side.
    What a page cannot show (control characters, bytes that are not UTF-8) becomes a visible sign.
    """
    first, *others = visible(name).split(ICON)
    spans = [first, *("/" + other for other in others)]
    return "*" + r"\:material".join(map(_code, spans)) + "*" if name else ""


def visible(name: str) -> str:
    """A name of which each character can be shown, for where nothing reads it as Markdown."""
    return "".join(map(_visible, name))


def _visible(character: str) -> str:
    match unicodedata.category(character):
        case "Cc" if ord(character) < 0x20:
            return chr(0x2400 + ord(character))  # its picture: ␀ to ␟
        case "Cc" | "Cs":
            return "\N{REPLACEMENT CHARACTER}"
        case _:
            return character


def _code(text: str) -> str:
    if not text:
        return ""
    ends = text[0] + text[-1]
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    # A code span loses one space at both ends, if it has one at both and something between.
    needed = "`" in ends or (ends == "  " and text.strip(" "))
    margin = " " if needed else ""
    return f"{fence}{margin}{text}{margin}{fence}"
