"""What a model file says of itself: read again, of earlier and later formats, and its promises."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pilah.errors import BundleError
from pilah.models.bundle import FORMAT, BundleInfo, open_bundle


@pytest.fixture
def info(tiny_bundle: Path) -> BundleInfo:
    return open_bundle(tiny_bundle).info


def test_a_description_is_read_as_it_was_written(info: BundleInfo) -> None:
    told = replace(info, ece_before=0.05, ece_after=0.01, int8_cost=-0.001)
    assert BundleInfo.from_json(told.to_json()) == told


def test_format_1_knows_no_calibration_error(info: BundleInfo) -> None:
    raw = {**json.loads(info.to_json()), "format": 1}
    del raw["ece_before"], raw["ece_after"]
    assert BundleInfo.from_json(json.dumps(raw)).ece_after is None


def test_a_later_format_asks_for_a_later_pilah(info: BundleInfo) -> None:
    later = replace(info, format=FORMAT + 1)
    with pytest.raises(BundleError, match="upgrade pilah"):
        BundleInfo.from_json(later.to_json())


def test_a_maximum_error_takes_the_first_threshold_that_keeps_it(info: BundleInfo) -> None:
    assert info.point_for(0.1).min_confidence == 0.5
    assert info.point_for(0.09).min_confidence == 0.8
    with pytest.raises(BundleError, match=r"cannot promise .* \(its least is 5.00%\)"):
        info.point_for(0.049)
    with pytest.raises(BundleError, match="its errors are not known"):
        replace(info, risk_coverage=()).point_for(0.5)
