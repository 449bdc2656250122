"""The files of an audit: audit.json holds everything, audit.md and two pictures show it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from pilah.audit.audit import Audit
from pilah.audit.cells import SMALL
from pilah.audit.gaps import LEVEL, TABLES
from pilah.audit.markdown import render
from pilah.audit.plot import draw_curves, draw_groups
from pilah.errors import DataError
from pilah.files import staged

FORMAT = "pilah audit 1"
FILES = ("audit.md", "audit.png", "risk_coverage.png", "audit.json")


@contextmanager
def audit_folder(to: Path) -> Iterator[Path]:
    """A scratch folder whose files of an audit are moved into `to` at the end, or none of them.

    It is made before the long work, so that a folder that cannot be written to is reported at once.

    Raises:
        DataError: `to` cannot be written into.
    """
    try:
        with staged(to, FILES) as scratch:
            yield scratch
    except OSError as error:
        raise DataError(
            f"the audit cannot be written into {to} ({error.strerror}); give --to a folder that "
            "can be written into"
        ) from None


def write_audit(audit: Audit, folder: Path) -> None:
    """Write the files into a folder."""
    values = {"format": FORMAT, "small": SMALL, "level": LEVEL, "tables": TABLES, **asdict(audit)}
    (folder / "audit.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    (folder / "audit.md").write_text(render("audit.md.jinja", audit=values), encoding="utf-8")
    draw_groups(audit, folder / "audit.png")
    draw_curves(audit, folder / "risk_coverage.png")
