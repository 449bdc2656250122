"""Numbers against hand-made cases, published values and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score

from pilah.answers import label_of
from pilah.errors import DataError
from pilah.evaluation.calibrate import apply_temperature, fit_temperature
from pilah.evaluation.metrics import (
    best_supported,
    cross_entropy,
    measure,
    min_confidence_for_error,
    risk_coverage,
)
from pilah.rate import wilson
from pilah.types import LABELS

FACES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=60)


def arrays(faces):
    return np.array([p for p, _ in faces]), np.array([label for _, label in faces])


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)],
)
def test_wilson_gives_newcombes_published_intervals(successes, n, low, high):
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    rate = wilson(successes, n)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(1, 5000), st.data())
def test_wilson_agrees_with_scipy(n, data):
    successes = data.draw(st.integers(0, n))
    rate = wilson(successes, n)
    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert (rate.low, rate.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1


def test_calibration_error_by_hand():
    # Two bins of two: 0.9 sure and half right, 0.6 sure and all right.
    numbers = measure(np.array([0.9, 0.9, 0.6, 0.4]), np.array([1, 0, 1, 0]))
    assert numbers.ece == pytest.approx((0.4 + 0.4) / 2)
    assert [bin.accuracy.n for bin in numbers.reliability] == [2, 2]


def test_numbers_by_hand():
    numbers = measure(np.array([0.2, 0.7, 0.8, 0.9]), np.array([0, 0, 1, 1]))
    assert numbers.confusion == ((1, 1), (0, 2))
    assert numbers.accuracy.value == 0.75
    assert numbers.per_class["male"].precision.value == pytest.approx(2 / 3)
    assert numbers.per_class["female"].recall.value == 0.5
    assert numbers.roc_auc == 1


def test_loss_is_clipped_as_keras_clips():
    assert cross_entropy(np.array([0.0]), np.array([1])) == pytest.approx(-np.log(1e-7))


def test_one_label_only_leaves_the_undefined_undefined():
    numbers = measure(np.array([0.1, 0.2]), np.array([0, 0]))
    assert numbers.roc_auc is None
    assert numbers.per_class["male"].recall is None
    assert numbers.per_class["male"].precision is None
    assert numbers.per_class["male"].f1 is None


@given(FACES)
def test_agrees_with_scikit_learn(faces):
    p_male, labels = arrays(faces)
    numbers = measure(p_male, labels)
    clipped = np.clip(p_male, 1e-7, 1 - 1e-7)
    assert numbers.loss == pytest.approx(log_loss(labels, clipped, labels=[0, 1]), abs=1e-9)
    _, _, f1, counts = precision_recall_fscore_support(
        labels, p_male >= 0.5, labels=[0, 1], zero_division=np.nan
    )
    for index, part in enumerate(numbers.per_class.values()):
        assert sum(numbers.confusion[index]) == counts[index]
        assert part.f1 == pytest.approx(f1[index]) if part.f1 is not None else np.isnan(f1[index])
    if 0 < labels.sum() < len(labels):
        assert numbers.roc_auc == pytest.approx(roc_auc_score(labels, p_male))
    assert sum(bin.accuracy.n for bin in numbers.reliability) == numbers.n
    # a mean of equal numbers may come out a rounding below them
    assert all(bin.low - 1e-12 < bin.confidence <= bin.high + 1e-12 for bin in numbers.reliability)


@given(FACES)
def test_coverage_falls_from_one(faces):
    points = risk_coverage(*arrays(faces))
    coverage = [point.coverage for point in points]
    assert coverage[0] == 1
    assert coverage == sorted(coverage, reverse=True)


@pytest.mark.parametrize("p_male", [0.0, np.nextafter(0.5, 0), 0.5, np.nextafter(0.5, 1), 1.0])
def test_what_is_measured_is_what_a_user_is_answered(p_male):
    answer = label_of(p_male, 0.5)
    numbers = measure(np.array([p_male]), np.array([LABELS.index(answer)]))
    assert numbers.accuracy.value == 1


@given(FACES, st.floats(0, 0.5))
def test_threshold_keeps_its_promise(faces, target):
    p_male, labels = arrays(faces)
    try:
        threshold = min_confidence_for_error(p_male, labels, target)
    except DataError:
        every = risk_coverage(p_male, labels, tuple(np.maximum(p_male, 1 - p_male)))
        assert min(point.error for point in every) > target
    else:
        assert risk_coverage(p_male, labels, (threshold,))[0].error <= target


def test_the_best_supported_minimum_rests_on_many_faces():
    # The surest face is wrong, so no minimum reaches 1%; the 60 after it hold one mistake.
    p_male = np.concatenate([[0.99], np.full(60, 0.9), np.full(39, 0.6)])
    labels = np.concatenate([[0], np.ones(59), [0], np.zeros(10), np.ones(29)]).astype(np.int64)
    with pytest.raises(DataError):
        min_confidence_for_error(p_male, labels, 0.01)
    point = best_supported(p_male, labels)
    assert point.min_confidence == pytest.approx(0.9)
    assert (point.coverage, point.error) == pytest.approx((0.61, 2 / 61))


def test_threshold_by_hand():
    p_male, labels = np.array([0.6, 0.3, 0.8, 0.95]), np.array([0, 0, 1, 1])
    assert min_confidence_for_error(p_male, labels, 0.25) == 0.5
    assert min_confidence_for_error(p_male, labels, 0) == pytest.approx(0.7)


@pytest.mark.parametrize("temperature", [0.5, 1, 2.5])
def test_a_known_temperature_is_recovered(temperature):
    random = np.random.default_rng(0)
    honest = 1 / (1 + np.exp(-random.normal(0, 2, 50_000)))
    labels = (random.random(honest.size) < honest).astype(np.int64)
    claimed = apply_temperature(honest, 1 / temperature)
    assert fit_temperature(claimed, labels) == pytest.approx(temperature, rel=0.03)
    # What was claimed beyond Keras' clipping, 1e-7, comes back as 1e-7 does.
    assert apply_temperature(claimed, temperature) == pytest.approx(honest, abs=2e-3)


def test_temperature_changes_no_label_and_stays_finite_without_mistakes():
    p_male, labels = np.array([0.1, 0.4, 0.6, 1.0]), np.array([0, 0, 1, 1])
    temperature = fit_temperature(p_male, labels)
    assert temperature == pytest.approx(0.1, rel=0.01)
    assert ((apply_temperature(p_male, temperature) > 0.5) == labels).all()


def test_nothing_to_calibrate_on():
    with pytest.raises(DataError, match="validation split"):
        fit_temperature(np.array([]), np.array([], dtype=np.int64))
