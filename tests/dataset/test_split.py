import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilah.dataset.split import (
    parse_fractions,
    quotas,
    split_identity,
    split_official,
    split_random,
)
from pilah.errors import DataError
from pilah.runs.splits import SPLITS

FRACTIONS = st.sampled_from([(0.7, 0.2, 0.1), (0.9, 0.1, 0.0), (0.5, 0.25, 0.25), (1.0, 0.0, 0.0)])
LABEL_LISTS = st.lists(st.sampled_from(["female", "male"]), min_size=10, max_size=120)


def frame_of(labels, people=None):
    return pd.DataFrame({"label": labels, "identity": people or [""] * len(labels)})


@given(st.integers(0, 5000), st.integers(0, 5000), FRACTIONS)
def test_quotas_use_every_image_and_stay_within_one_of_the_exact_share(women, men, fractions):
    counts = quotas([women, men], fractions)
    total = women + men
    assert counts.sum(axis=1).tolist() == [women, men]
    assert (counts >= 0).all()
    assert (np.abs(counts - np.outer([women, men], fractions)) < 1 + 1e-6).all()
    assert (np.abs(counts.sum(axis=0) - total * np.array(fractions)) < 1 + 1e-6).all()


def test_the_studys_split_is_exact():
    assert quotas([2765, 2235], (0.7, 0.2, 0.1)).sum(axis=0).tolist() == [3500, 1000, 500]


@given(LABEL_LISTS, FRACTIONS, st.integers(0, 9))
def test_random_split_meets_its_quotas_exactly(labels, fractions, seed):
    frame = frame_of(labels)
    split = split_random(frame, np.arange(len(labels)), fractions=fractions, seed=seed)
    table = pd.crosstab(frame["label"], split).reindex(
        index=["female", "male"], columns=list(SPLITS), fill_value=0
    )
    wanted = quotas([labels.count("female"), labels.count("male")], fractions)
    assert table.to_numpy().tolist() == wanted.tolist()


@given(st.data(), LABEL_LISTS, FRACTIONS, st.integers(0, 9))
def test_no_near_duplicates_and_no_person_straddle_splits(data, labels, fractions, seed):
    numbers = st.lists(st.integers(0, 30), min_size=len(labels), max_size=len(labels))
    near = np.array(data.draw(numbers))
    people = ["" if number == 0 else str(number) for number in data.draw(numbers)]
    frame = frame_of(labels, people)
    by_chance = split_random(frame, near, fractions=fractions, seed=seed)
    assert (by_chance.groupby(near).nunique() == 1).all()
    if any(people):
        by_person = split_identity(frame, near, fractions=fractions, seed=seed)
        assert (by_person.groupby(near).nunique() == 1).all()
        known = frame["identity"] != ""
        assert (by_person[known].groupby(frame["identity"][known]).nunique() == 1).all()


def test_people_of_many_images_are_split_in_proportion():
    people = [str(index // 5) for index in range(1000)]
    labels = ["male" if index // 5 % 3 else "female" for index in range(1000)]
    split = split_identity(
        frame_of(labels, people), np.arange(1000), fractions=(0.7, 0.2, 0.1), seed=0
    )
    counts = split.value_counts()
    sizes = [counts[name] for name in SPLITS]
    assert sizes == pytest.approx([700, 200, 100], abs=5)


@given(LABEL_LISTS, st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_split(labels, seed):
    near = np.arange(len(labels))
    first, again = (
        split_random(frame_of(labels), near, fractions=(0.7, 0.2, 0.1), seed=seed) for _ in range(2)
    )
    assert first.equals(again)


def test_another_seed_gives_another_split():
    frame = frame_of(["female", "male"] * 50)
    near = np.arange(100)
    first, other = (
        split_random(frame, near, fractions=(0.7, 0.2, 0.1), seed=seed) for seed in (0, 1)
    )
    assert not first.equals(other)


def test_identity_split_needs_identities():
    with pytest.raises(DataError, match="use --split random"):
        split_identity(frame_of(["female"] * 10), np.arange(10), fractions=(0.7, 0.2, 0.1), seed=0)


def test_official_split_needs_one_for_every_image():
    frame = pd.DataFrame({"path": ["/a.jpg", "/b.jpg"], "split": ["train", "val"]})
    with pytest.raises(DataError, match=r"/b\.jpg \('val'\)"):
        split_official(frame)


@pytest.mark.parametrize(
    "text", ["", "0.7", "0.7/0.2", "0.7/0.2/0.2", "0/0.5/0.5", "a/b/c", "2/-1/0"]
)
def test_fractions_that_make_no_sense_are_refused(text):
    with pytest.raises(DataError, match=r"write them like 0\.7/0\.2/0\.1"):
        parse_fractions(text)


def test_a_split_may_be_empty():
    assert parse_fractions("0.9/0.1/0") == (0.9, 0.1, 0.0)
