import pytest
from folders import face
from hypothesis import given
from hypothesis import strategies as st

from pilah.sorting import bin_of
from pilah.types import Label, Result

FACES = st.lists(st.sampled_from(["female", "male", None]).map(face), max_size=6).map(tuple)


@pytest.mark.parametrize(
    ("labels", "by_faces", "by_main"),
    [
        ([], "no_face", "no_face"),
        (["female"], "female", "female"),
        (["male", "male"], "male", "male"),
        (["female", "male"], "mixed", "female"),
        (["female", None], "unsure", "female"),
        ([None, "male"], "unsure", "unsure"),
        (["male", "female", None], "unsure", "male"),
    ],
)
def test_the_rule(labels: list[Label | None], by_faces: str, by_main: str) -> None:
    result = Result("a.jpg", tuple(face(label) for label in labels))
    assert bin_of(result) == by_faces
    assert bin_of(result, by="main") == by_main


@pytest.mark.parametrize(
    ("height_behind", "bin_", "by_faces"),
    [(4.9, "female", "mixed"), (5, "mixed", "mixed"), (10, "mixed", "mixed")],
)
def test_a_face_less_than_half_as_high_is_in_the_background(
    height_behind: float, bin_: str, by_faces: str
) -> None:
    result = Result("a.jpg", (face("female"), face("male", height_behind)))
    assert bin_of(result) == bin_
    assert bin_of(result, by="faces") == by_faces


def test_an_unsure_face_in_the_background_does_not_make_the_photo_unsure() -> None:
    result = Result("a.jpg", (face("male"), face(None, 4)))
    assert bin_of(result) == "male"
    assert bin_of(result, by="faces") == "unsure"


def test_what_cannot_be_read_is_unreadable() -> None:
    assert bin_of(Result("a.jpg", error="cut off")) == "unreadable"


@given(FACES)
def test_by_main_nothing_is_mixed_and_the_order_matters_only_there(faces: tuple) -> None:
    assert bin_of(Result("a", faces), by="main") != "mixed"
    assert bin_of(Result("a", faces)) == bin_of(Result("a", faces[::-1]))
