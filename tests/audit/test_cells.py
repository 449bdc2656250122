"""The figures of a group against scikit-learn, and the division into groups."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, recall_score

from pilah.audit.cells import SMALL, groups_of, intersections, measure_cell, whole

PHOTOS = st.lists(
    st.tuples(
        st.one_of(st.floats(0, 1), st.just(float("nan"))),
        st.sampled_from(["female", "male"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["x", "y"]),
    ),
    min_size=1,
    max_size=80,
)


def table(photos):
    return pd.DataFrame(photos, columns=["p_male", "label", "first", "second"])


@given(PHOTOS, st.floats(0.5, 1))
def test_agrees_with_scikit_learn(photos, min_confidence):
    cell = whole(table(photos), min_confidence)
    found = table(photos).dropna()
    assert (cell.photos, cell.faces) == (len(photos), len(found))
    assert cell.small == (len(found) < SMALL)
    if not len(found):
        assert cell.accuracy is cell.unsure is cell.ece is None
        assert cell.no_face.value == 1 and cell.accuracy_of_photos.value == 0
        return
    truth, guess = found["label"] == "male", found["p_male"] >= 0.5
    assert cell.accuracy.value == pytest.approx(accuracy_score(truth, guess))
    for label, error in ((False, cell.error_of_women), (True, cell.error_of_men)):
        if error is None:
            assert not (truth == label).any()
        else:
            recall = recall_score(truth, guess, pos_label=label)
            assert error.value == pytest.approx(1 - recall)
    right = int((truth == guess).sum())
    assert cell.accuracy_of_photos.value == pytest.approx(right / len(photos))
    sure = np.maximum(found["p_male"], 1 - found["p_male"]) >= min_confidence
    assert cell.unsure.value == pytest.approx(1 - sure.mean())
    if cell.clear_error is not None:
        assert cell.clear_error.value == pytest.approx((truth != guess)[sure].mean())
    for rate in (cell.accuracy, cell.unsure, cell.no_face):
        assert rate.low - 1e-12 <= rate.value <= rate.high + 1e-12


@given(PHOTOS)
def test_groups_and_intersections_divide_the_whole(photos):
    frame = table(photos)
    names = ["label", "first", "second"]
    for name in names:
        cells = groups_of(frame, name, 0.8)
        assert sum(cell.photos for cell in cells) == len(photos)
        assert {cell.group[name] for cell in cells} == set(frame[name])
    crossed = intersections(frame, names, 0.8)
    assert sum(cell.photos for cell in crossed) == 3 * len(photos)
    assert all(len(cell.group) == 2 and cell.photos for cell in crossed)


@given(PHOTOS)
def test_the_worst_come_first_and_small_cells_last(photos):
    order = [(cell.small, -cell.error) for cell in groups_of(table(photos * 3), "first", 0.8)]
    assert order == sorted(order)


def test_abstention_at_each_threshold_is_told_by_group():
    p_male, labels = np.array([0.6, 0.9, 0.2, 0.45]), np.array([0, 1, 0, 0])
    cell = measure_cell({"race": "a"}, p_male, labels, 0.8, curve=True)
    points = {point.min_confidence: (point.error, point.coverage) for point in cell.risk_coverage}
    assert points[0.5] == (0.25, 1)
    assert points[0.7] == (0, 0.5)
    assert measure_cell({}, p_male, labels, 0.8, curve=False).risk_coverage == ()
