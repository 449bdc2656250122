"""The test of a gap against scipy and exact enumeration; Holm's correction by its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, hypergeom

from pilah.audit.cells import measure_cell
from pilah.audit.gaps import TABLES, gaps, holm, independence

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def exact(cases, sizes):
    """P-value of two groups: the probability of all tables at least as far from even."""
    total, n = sum(cases), sum(sizes)
    possible = np.arange(max(0, total - sizes[1]), min(total, sizes[0]) + 1)
    distance = np.abs(possible - total * sizes[0] / n)
    observed = abs(cases[0] - total * sizes[0] / n)
    return hypergeom(n, total, sizes[0]).pmf(possible[distance >= observed - 1e-9]).sum()


@settings(max_examples=50)
@given(st.tuples(st.integers(0, 40), st.integers(0, 40)), st.integers(1, 30), st.integers(1, 30))
def test_two_groups_as_enumerated(cases, more, others):
    sizes = (cases[0] + more, cases[1] + others)
    p_value = independence(np.array(cases), np.array(sizes))
    expected = exact(cases, sizes) if sum(cases) else 1.0
    # five standard errors of a share of TABLES draws
    assert p_value == pytest.approx(expected, abs=5 * 0.5 / TABLES**0.5)


@pytest.mark.parametrize(
    ("cases", "sizes"),
    [((30, 45, 62), (900, 1000, 1100)), ((20, 21, 60, 30), (500, 500, 600, 500))],
)
def test_many_faces_as_the_chi_squared_distribution_has_it(cases, sizes):
    table = np.array([cases, np.array(sizes) - np.array(cases)])
    expected = chi2_contingency(table, correction=False).pvalue
    assert independence(np.array(cases), np.array(sizes)) == pytest.approx(expected, abs=0.02)


def test_chance_alone_is_rarely_called_more():
    random = np.random.default_rng(5)
    sizes = np.array([12, 40, 150, 300])
    p_values = [independence(random.binomial(sizes, 0.05), sizes) for _ in range(300)]
    assert np.mean(np.array(p_values) < 0.05) < 0.09


def test_nothing_to_test_is_chance():
    assert independence(np.array([3]), np.array([9])) == 1
    assert independence(np.array([0, 0]), np.array([9, 9])) == 1
    assert independence(np.array([9, 9]), np.array([9, 9])) == 1


@given(P_VALUES, st.floats(0.001, 0.999))
def test_holm_rejects_step_by_step(p_values, level):
    """As Holm put it: from the smallest on, up to the first above level / (tests left)."""
    rejected = set()
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if not p_values[index] * (len(p_values) - rank) <= level:
            break
        rejected.add(index)
    corrected = holm(p_values)
    assert {index for index, p in enumerate(corrected) if p <= level} == rejected
    assert all(p <= after <= 1 for p, after in zip(p_values, corrected, strict=True))


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def cell(name, right, wrong):
    p_male, labels = np.array([0.9] * (right + wrong)), np.array([1] * right + [0] * wrong)
    return measure_cell({"race": name}, p_male, labels, 0.8, curve=False)


def test_the_gap_is_between_groups_that_are_not_small():
    groups = [cell("a", 90, 10), cell("b", 70, 30), cell("c", 1, 9)]
    (gap,) = gaps([groups], lambda cell: cell.accuracy)
    assert (gap.least, gap.most, gap.points) == ("b", "a", pytest.approx(0.2))
    assert gap.more_than_chance and gap.p_value == gap.p_holm
    first, second = gaps([groups, [cell("a", 9, 1), cell("b", 9, 1)]], lambda cell: cell.accuracy)
    assert first.p_holm == 2 * first.p_value
    assert (second.least, second.points, second.p_holm) == (None, None, 1)
