"""What was in a sorted folder?

rates.py       the share of women, corrected for the model's known errors
tally.py       every photo, counted once as it streams by
tables.py      results.csv, results.parquet and corrections.csv
thumbnails.py  the few photos that the page shows
page.py        report.html, from page.html.jinja
build.py       all files, made whole or not at all
"""

from pilah.report.build import NAMES, Report, build_report, write_report
from pilah.report.rates import Estimate, Share
from pilah.report.tables import recorded_info
from pilah.report.tally import Tally

__all__ = [
    "NAMES",
    "Estimate",
    "Report",
    "Share",
    "Tally",
    "build_report",
    "recorded_info",
    "write_report",
]
