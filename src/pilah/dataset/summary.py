"""What `pilah prepare` found, for a person to read: a text, and a bar plot of the labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from pilah.figures import Figure
from pilah.runs.splits import SPLITS
from pilah.types import LABELS
from pilah.wording import counted

USES = {
    "train": "there is nothing to learn from",
    "validation": "training cannot see when to stop, and the model cannot be calibrated",
    "test": "the model is measured on validation images, which chose it",
}
"""What a split is for, said when it lacks images of a label."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was found and decided.

    `manifest` has one row per image; `left_out` maps the path of an image that is not used to the
    reason; `near` lists the groups of near duplicates by path; `how` says how the split was made.
    """

    source: str
    how: str
    digest: str
    manifest: pd.DataFrame
    left_out: dict[str, str]
    near: Sequence[Sequence[str]] = field(default=())

    def text(self, *, names: int | None = None) -> str:
        """The whole summary; each list of images is cut after `names` entries (None: never)."""
        return "\n".join(self._lines(names)) + "\n"

    def headline(self) -> str:
        """One line, such as `5,017 images, 17 duplicates, 5,000 kept`."""
        rows, kept = len(self.manifest), len(self._kept())
        out = f"{len(self.left_out):,} left out, " if self.left_out else ""
        images = counted(rows + len(self.left_out), "image")
        return f"{images}, {out}{counted(rows - kept, 'duplicate')}, {kept:,} kept"

    def _kept(self) -> pd.DataFrame:
        return self.manifest[self.manifest["duplicate_of"] == ""]

    def _lines(self, names: int | None) -> Iterable[str]:
        kept = self._kept()
        yield self.headline()
        yield f"source: {self.source}"
        yield f"split:  {self.how}"
        yield f"digest: {self.digest}"
        yield ""
        yield f"{'':<12}" + "".join(f"{title:>10}" for title in (*LABELS, "all"))
        for title, part in [(s, kept[kept["split"] == s]) for s in SPLITS] + [("all", kept)]:
            cells = [int((part["label"] == label).sum()) for label in LABELS]
            yield f"{title:<12}" + "".join(f"{cell:>10,}" for cell in (*cells, sum(cells)))
        for split, use in USES.items():
            missing = [label for label in LABELS if not _has(kept, split, label)]
            if missing:
                yield f"No {' and no '.join(missing)} images in {split}: {use}."

        repeats = self.manifest[self.manifest["duplicate_of"] != ""]
        yield from _listed(
            "Duplicates (the same pixels), not used:",
            [
                f"{path} repeats {original}"
                for path, original in zip(repeats["path"], repeats["duplicate_of"], strict=True)
            ],
            names,
        )
        split_of = dict(zip(kept["path"], kept["split"], strict=True))
        yield from _listed(
            "Near duplicates (they look alike), kept and only reported:",
            [" ".join(group) for group in self.near],
            names,
        )
        yield from _listed(
            "Near duplicates in more than one split, as the source's own split has them:",
            [" ".join(group) for group in self.near if len({split_of[p] for p in group}) > 1],
            names,
        )
        yield from _listed(
            "People with both labels (label noise, or more than one person):",
            list(_both_labels(kept)),
            names,
        )
        yield from _listed(
            "Images left out:",
            [f"{path}: {reason}" for path, reason in self.left_out.items()],
            names,
        )


def _has(kept: pd.DataFrame, split: str, label: str) -> bool:
    return bool(((kept["split"] == split) & (kept["label"] == label)).any())


def _both_labels(kept: pd.DataFrame) -> Iterable[str]:
    known = kept[kept["identity"] != ""]
    counts = pd.crosstab(known["identity"], known["label"])
    if len(counts.columns) == len(LABELS):
        for identity, row in counts[(counts > 0).all(axis=1)].iterrows():
            yield f"{identity}: " + ", ".join(f"{row[label]} {label}" for label in LABELS)


def _listed(title: str, entries: Sequence[str], names: int | None) -> Iterable[str]:
    if not entries:
        return
    yield ""
    yield f"{title} {len(entries):,}"
    yield from (f"  {entry}" for entry in entries[:names])
    if names is not None and len(entries) > names:
        yield f"  ... and {len(entries) - names:,} more, all in summary.txt"


def plot_labels(manifest: pd.DataFrame, path: Path) -> None:
    """Write a PNG with a bar for each label's images, duplicates not counted."""
    labels = manifest.loc[manifest["duplicate_of"] == "", "label"]
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    bars = axes.bar(LABELS, [int((labels == label).sum()) for label in LABELS], width=0.6)
    axes.bar_label(bars, fmt="{:,.0f}")
    axes.margins(y=0.1)
    axes.set(ylabel="images", title="Images by annotated label")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
