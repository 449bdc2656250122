"""How Markdown is written from measured values; the texts are in the two templates beside."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2

from pilah.rate import wilson

Json = dict[str, Any]


def render(template: str, **values: Any) -> str:
    """Fill one of the templates; an audit is given as its audit.json holds it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "text": _text,
        "rate": _rate,
        "percent": lambda share: "-" if share is None else f"{share:.1%}",
        "points": lambda share: "-" if share is None else f"{100 * share:.1f}",
        "number": lambda value: "-" if value is None else f"{value:.4f}",
        "count": lambda value: f"{value:,}",
        "p": lambda p: "< 0.001" if p < 0.001 else f"{p:.3f}",
        "cell": _cell_name,
        "right_of": lambda counts: asdict(wilson(counts.right, counts.photos)),
    }
    return environment.get_template(template).render(values)


def _text(value: str) -> str:
    """A value of somebody's table on one line, without meaning in Markdown or HTML."""
    one_line = "".join(c if c.isprintable() else " " for c in value)
    for mark in "\\`*_[]<>|":
        one_line = one_line.replace(mark, f"\\{mark}")
    return one_line.replace("&", "&amp;")


def _rate(rate: Json | None) -> str:
    if rate is None:
        return "-"
    return f"{rate['value']:.1%} ({100 * rate['low']:.1f} to {100 * rate['high']:.1f})"


def _cell_name(cell: Json) -> str:
    return ", ".join(f"{_text(name)}: {_text(value)}" for name, value in cell["group"].items())
