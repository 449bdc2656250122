"""A report of corrected folders that dies before any one of its system calls loses nothing."""

import os

from fabricated import Sort, photo

from dying import dies
from pilah.models.bundle import BundleInfo
from pilah.report import build_report
from pilah.sorting import undo_sort


def test_death_at_every_step(sort: Sort, info: BundleInfo) -> None:
    target = sort({"w.jpg": photo(0.02), "m.jpg": photo(0.97), "x.jpg": photo(0.97)})
    build_report(target, info=info)
    os.rename(target / "male/m.jpg", target / "female/m.jpg")
    originals = {path.name: path.read_bytes() for path in (target.parent / "in").iterdir()}
    at = 0
    while dies(lambda: build_report(target), at):
        page = (target / "report.html").read_text()
        assert page.endswith("</html>"), at
        made = build_report(target)
        assert (made.tally.corrected, made.tally.bins["female"]) == (1, 2), at
        at += 1
    assert at > 10
    assert (target / "corrections.csv").read_text() == "path,label\nfemale/m.jpg,female\n"
    assert undo_sort(target).left == ()
    assert not target.exists() or sorted(os.listdir(target)) == []
    assert {p.name: p.read_bytes() for p in (target.parent / "in").iterdir()} == originals
