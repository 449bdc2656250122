"""Numbers of a two-class model from its probabilities: arrays in, frozen values out.

Everywhere `p_male` is a float array of shape (N,), the probability of the label `male`, and
`labels` an integer array of shape (N,), 0 for female and 1 for male, as in `pilah.types.LABELS`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, roc_auc_score

from pilah.answers import confidence_of, likelier
from pilah.errors import DataError
from pilah.models.bundle import RiskPoint
from pilah.rate import Rate, wilson
from pilah.types import LABELS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLIP = 1e-7
"""Keras keeps probabilities this far from 0 and 1 before it takes a logarithm."""

BINS = 15
"""Equal-width confidence bins of the calibration error, as in Guo et al. 2017."""

MIN_CONFIDENCES = (*(percent / 100 for percent in range(50, 100)), 0.995, 0.999)
"""Minimum confidences of the risk-coverage curve."""


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """How well one label is found; None where the data leaves the number undefined."""

    precision: Rate | None
    recall: Rate | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The answers with a confidence above `low` and up to `high`: claim and truth."""

    low: float
    high: float
    confidence: float
    accuracy: Rate


@dataclass(frozen=True, slots=True)
class Metrics:
    """All numbers of one split.

    `confusion` has one row an annotated label and one column a predicted label, both in the order
    of `LABELS`. `roc_auc` is None where only one label is present.
    """

    n: int
    loss: float
    accuracy: Rate
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, int], tuple[int, int]]
    roc_auc: float | None
    ece: float
    reliability: tuple[ReliabilityBin, ...]
    risk_coverage: tuple[RiskPoint, ...]


def measure(p_male: Floats, labels: Ints) -> Metrics:
    """Every number of one split; there must be at least one face."""
    matrix = confusion_matrix(labels, likelier(p_male), labels=[0, 1])
    bins = reliability(p_male, labels)
    return Metrics(
        n=len(labels),
        loss=cross_entropy(p_male, labels),
        accuracy=wilson(int(np.trace(matrix)), len(labels)),
        per_class={name: _class_metrics(matrix, index) for index, name in enumerate(LABELS)},
        confusion=(tuple(matrix[0].tolist()), tuple(matrix[1].tolist())),
        roc_auc=float(roc_auc_score(labels, p_male)) if len(set(labels.tolist())) == 2 else None,
        ece=expected_calibration_error(bins),
        reliability=bins,
        risk_coverage=risk_coverage(p_male, labels),
    )


def cross_entropy(p_male: Floats, labels: Ints) -> float:
    """Mean categorical cross-entropy in nats, probabilities clipped as Keras clips them (`CLIP`).

    The losses in history.csv are not clipped, for Keras finds the logits before the softmax: one
    face that is wrong with great confidence makes them larger than this.
    """
    p_label = np.where(labels == 1, p_male, 1 - p_male)
    return float(-np.log(np.clip(p_label, CLIP, 1 - CLIP)).mean())


def reliability(p_male: Floats, labels: Ints) -> tuple[ReliabilityBin, ...]:
    """Group the answers by confidence into `BINS` equal-width bins over (0, 1].

    A bin holds its upper edge, as in Guo et al. 2017; empty bins are left out. Of two labels the
    likelier has a confidence of at least 0.5, so that only the upper half of the bins can fill.
    """
    sure, right = confidence_of(p_male), likelier(p_male) == labels
    edges = np.linspace(0, 1, BINS + 1)
    which = np.digitize(sure, edges[1:-1], right=True)
    return tuple(
        ReliabilityBin(
            low=float(edges[index]),
            high=float(edges[index + 1]),
            confidence=float(sure[which == index].mean()),
            accuracy=wilson(int(right[which == index].sum()), int((which == index).sum())),
        )
        for index in np.unique(which)
    )


def expected_calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """ECE: the mean gap between confidence and accuracy over the bins, weighted by their faces.

    Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML 2017, equation 3.
    """
    n = sum(bin.accuracy.n for bin in bins)
    return sum(bin.accuracy.n / n * abs(bin.accuracy.value - bin.confidence) for bin in bins)


def risk_coverage(
    p_male: Floats, labels: Ints, min_confidences: tuple[float, ...] = MIN_CONFIDENCES
) -> tuple[RiskPoint, ...]:
    """What answering only from a confidence upwards does: error among the answered, share answered.

    El-Yaniv, Wiener: On the Foundations of Noise-free Selective Classification, JMLR 2010. A
    minimum that nothing reaches has no error and is left out.
    """
    sure, wrong = confidence_of(p_male), likelier(p_male) != labels
    return tuple(
        RiskPoint(least, float(wrong[answered].mean()), float(answered.mean()))
        for least in min_confidences
        if (answered := sure >= least).any()
    )


def min_confidence_for_error(p_male: Floats, labels: Ints, target: float) -> float:
    """The lowest confidence from which upwards at most the share `target` of answers is wrong.

    Raises:
        DataError: no confidence reaches the target.
    """
    points = _every_point(p_male, labels)
    for point in points:
        if point.error <= target:
            return point.min_confidence
    raise DataError(
        f"no confidence brings the error down to {target:g} on {len(labels)} faces (lowest: "
        f"{min(point.error for point in points):.4f}); ask for a larger error"
    )


def best_supported(p_male: Floats, labels: Ints) -> RiskPoint:
    """The point whose error is lowest with certainty: by the upper end of its 95% interval.

    The lowest error itself may be that of a handful of faces, and mean nothing.
    """

    def upper_end(point: RiskPoint) -> float:
        answered = round(point.coverage * len(labels))
        return wilson(round(point.error * answered), answered).high

    return min(_every_point(p_male, labels), key=upper_end)


def _every_point(p_male: Floats, labels: Ints) -> tuple[RiskPoint, ...]:
    """The curve at every minimum that makes a difference.

    Whatever lies between two confidences that occur answers the same faces as the upper one.
    """
    candidates = (0.5, *np.unique(confidence_of(p_male)).tolist())
    return risk_coverage(p_male, labels, candidates)


def _class_metrics(matrix: Ints, index: int) -> ClassMetrics:
    hits = int(matrix[index, index])
    annotated, predicted = int(matrix[index].sum()), int(matrix[:, index].sum())
    return ClassMetrics(
        precision=wilson(hits, predicted) if predicted else None,
        recall=wilson(hits, annotated) if annotated else None,
        f1=2 * hits / (annotated + predicted) if annotated + predicted else None,
    )
