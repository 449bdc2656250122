import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilah.models.bundle import LabelCounts
from pilah.report.rates import ClearFaces, share_of_women

GOOD = {"female": LabelCounts(950, 20, 30), "male": LabelCounts(40, 930, 30)}


def one_face_photos(women: int, men: int) -> ClearFaces:
    clear = ClearFaces()
    for _ in range(women):
        clear.add(women=1, men=0)
    for _ in range(men):
        clear.add(women=0, men=1)
    return clear


def test_the_correction_solves_the_equation() -> None:
    # 10,000 faces, 30% women, answered at exactly h = 0.9 and a = 0.2: 2,700 + 1,400 "female"
    validation = {"female": LabelCounts(900, 100, 7), "male": LabelCounts(200, 800, 9)}
    share = share_of_women(one_face_photos(4100, 5900), unsure=0, validation=validation)
    assert share is not None and share.corrected is not None
    assert share.raw.value == pytest.approx(0.41)
    assert share.corrected.value == pytest.approx(0.30)
    assert share.corrected.low < 0.30 < share.corrected.high


@given(
    share=st.floats(0, 1),
    hit=st.floats(0.7, 1),
    false_alarm=st.floats(0, 0.3),
)
def test_the_correction_recovers_any_share(share: float, hit: float, false_alarm: float) -> None:
    faces, validation_faces = 1_000_000, 1_000_000
    women = round(faces * (share * hit + (1 - share) * false_alarm))
    # the sums of a million photos with one face each
    clear = ClearFaces(faces, women, faces, women, women, faces)
    h, a = round(validation_faces * hit), round(validation_faces * false_alarm)
    validation = {
        "female": LabelCounts(h, validation_faces - h, 0),
        "male": LabelCounts(a, validation_faces - a, 0),
    }
    found = share_of_women(clear, unsure=0, validation=validation)
    assert found is not None and found.corrected is not None
    assert found.corrected.value == pytest.approx(share, abs=1e-5)


@given(
    photos=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=30),
    unsure=st.integers(0, 20),
    counts=st.lists(st.integers(0, 50), min_size=6, max_size=6),
)
def test_whatever_is_counted_the_numbers_are_shares(
    photos: list[tuple[int, int]], unsure: int, counts: list[int]
) -> None:
    clear = ClearFaces()
    for women, men in photos:
        clear.add(women=women, men=men)
    validation = {"female": LabelCounts(*counts[:3]), "male": LabelCounts(*counts[3:])}
    share = share_of_women(clear, unsure=unsure, validation=validation)
    if not clear.faces:
        assert share is None
        return
    assert share is not None
    for estimate in (share.raw, share.corrected):
        if estimate is not None:
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert 0 <= share.bounds[0] <= share.bounds[1] <= 1
    assert 0 < share.effective_faces <= clear.faces


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    truth, hit, false_alarm, rounds = 0.35, 0.96, 0.06, 200
    held = held_by_raw = 0
    for _ in range(rounds):
        clear = ClearFaces()
        for size in random.choice([1, 1, 2, 6], 250):
            # faces of one photo are alike: each photo has a share of its own
            women = random.binomial(size, random.beta(truth * 2, (1 - truth) * 2))
            said = random.binomial(women, hit) + random.binomial(size - women, false_alarm)
            clear.add(women=int(said), men=int(size - said))
        h, a = (int(random.binomial(400, rate)) for rate in (hit, false_alarm))
        validation = {"female": LabelCounts(h, 400 - h, 0), "male": LabelCounts(a, 400 - a, 0)}
        share = share_of_women(clear, unsure=0, validation=validation)
        assert share is not None and share.corrected is not None
        held += share.corrected.low <= truth <= share.corrected.high
        held_by_raw += share.raw.low <= truth <= share.raw.high
    assert 0.91 <= held / rounds <= 0.99
    assert held_by_raw < held


def test_alike_faces_in_a_photo_widen_the_interval() -> None:
    teams = ClearFaces()
    for number in range(40):
        teams.add(women=10 * (number % 2), men=10 * (1 - number % 2))
    alone = one_face_photos(200, 200)
    assert teams.effective == pytest.approx(40, rel=0.03)
    assert alone.effective == pytest.approx(400, rel=0.01)
    wide = share_of_women(teams, unsure=0, validation=GOOD)
    narrow = share_of_women(alone, unsure=0, validation=GOOD)
    assert wide is not None and narrow is not None
    assert wide.raw.value == narrow.raw.value
    assert wide.raw.high - wide.raw.low > 2.5 * (narrow.raw.high - narrow.raw.low)


@pytest.mark.parametrize(("women", "men"), [(30, 0), (0, 30)])
def test_photos_that_all_agree_count_once_each(women: int, men: int) -> None:
    clear = ClearFaces()
    clear.add(women=women, men=men)
    clear.add(women=women, men=men)
    assert clear.effective == 2


def test_few_validation_faces_widen_the_interval() -> None:
    few = {"female": LabelCounts(19, 1, 0), "male": LabelCounts(1, 19, 0)}
    many = {"female": LabelCounts(19_000, 1_000, 0), "male": LabelCounts(1_000, 19_000, 0)}
    clear = one_face_photos(500, 500)
    widths = []
    for validation in (few, many):
        share = share_of_women(clear, unsure=0, validation=validation)
        assert share is not None and share.corrected is not None
        widths.append(share.corrected.high - share.corrected.low)
    assert widths[0] > 1.5 * widths[1]


@pytest.mark.parametrize(
    "validation",
    [
        {},
        {"female": LabelCounts(90, 10, 0)},
        {"female": LabelCounts(0, 0, 50), "male": LabelCounts(1, 99, 0)},
        {"female": LabelCounts(50, 50, 0), "male": LabelCounts(50, 50, 0)},
    ],
    ids=["unknown", "one label", "always unsure", "chance"],
)
def test_no_correction_where_the_error_rates_do_not_allow_one(
    validation: dict[str, LabelCounts],
) -> None:
    share = share_of_women(one_face_photos(30, 70), unsure=0, validation=validation)
    assert share is not None
    assert share.corrected is None
    assert share.raw.value == pytest.approx(0.3)


def test_unsure_faces_are_bounded_not_guessed() -> None:
    share = share_of_women(one_face_photos(30, 50), unsure=20, validation={})
    assert share is not None
    assert share.bounds == pytest.approx((0.30, 0.50))
