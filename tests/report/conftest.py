"""Sorted folders of fabricated answers: files and journal are real, the faces are not."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from fabricated import MIN_CONFIDENCE, Sort
from PIL import Image

from pilah.models.bundle import BundleInfo, Frame, LabelCounts, RiskPoint
from pilah.sorting import bin_of
from pilah.sorting.journal import begin_journal
from pilah.sorting.records import Entry, Placed
from pilah.types import Result


@pytest.fixture
def info() -> BundleInfo:
    return BundleInfo(
        name="tiny",
        version="1.2.3",
        size_hw=(32, 32),
        backbone="none",
        frame=Frame(0.0, 0.0, 1.5),
        min_confidence=MIN_CONFIDENCE,
        risk_coverage=(RiskPoint(0.8, 0.01, 0.97),),
        validation={"female": LabelCounts(930, 20, 50), "male": LabelCounts(30, 920, 50)},
        temperature=1.0,
        trained_on="fabricated faces",
        data_digest="none",
        licence="MIT",
    )


@pytest.fixture
def sort(tmp_path: Path) -> Sort:
    def make(results: dict[str, Result]) -> Path:
        source, target = tmp_path / "in", tmp_path / "sorted"
        source.mkdir()
        with begin_journal(target, {"faces": False}, [str(source)]) as journal:
            for number, (name, result) in enumerate(results.items(), start=1):
                path = os.path.join(source, name)
                if result.error is None:
                    Image.new("RGB", (64, 48), "tan").save(path, "JPEG")
                result = replace(result, path=path)
                bin = bin_of(result)
                placed = Placed(f"{bin}/{name}", 1, 1, None)
                journal.append(Entry(number, path, 1, 1, bin, (placed,)).to_line(result))
                journal.append({"done": number})
        return target

    return make
