"""Each kind of variation: what it changes, what it keeps, and that it can be repeated."""

import numpy as np
import pytest

from pilah.runs.recipe import TrainRecipe
from pilah.training.augment import vary

SIZE = (48, 40)
KINDS = ("roll", "zoom", "light", "quality", "erase")


@pytest.fixture
def face() -> np.ndarray:
    """A smooth picture, brighter to the right and redder to the bottom."""
    rows, columns = np.mgrid[0:96, 0:80]
    return np.stack([rows * 2, columns * 2, (rows + columns) // 2], axis=-1).astype(np.uint8)


def pictures(
    face: np.ndarray, *kinds: str, zoom: tuple[float, float] = (0.5, 1.0), **more: float
) -> np.ndarray:
    return np.stack(
        [
            vary(
                face, np.random.default_rng(i), TrainRecipe(augment=kinds, zoom=zoom, **more), SIZE
            )
            for i in range(40)
        ]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_the_picture_and_the_same_draw_changes_it_alike(
    face: np.ndarray, kind: str
) -> None:
    plain = vary(face, np.random.default_rng(0), TrainRecipe(), SIZE)
    varied = pictures(face, kind)
    assert varied.shape == (40, *SIZE, 3) and varied.dtype == np.uint8
    assert any((picture != plain).any() for picture in varied)
    assert (varied == pictures(face, kind)).all()


def test_without_kinds_the_face_is_only_resized(face: np.ndarray) -> None:
    assert (pictures(face) == pictures(face)[0]).all()
    assert np.abs(pictures(face)[0].mean((0, 1)) - face.mean((0, 1))).max() < 2


def test_zoom_shows_a_part_of_the_size_asked_for(face: np.ndarray) -> None:
    """The green channel rises by 2 a column, so its span tells how wide the part is."""
    span = [int(p[..., 1].max()) - int(p[..., 1].min()) for p in pictures(face, "zoom")]
    assert min(span) >= 2 * 80 * 0.5 * 0.9
    assert max(span) <= 2 * 80 and min(span) < 2 * 80 * 0.7


def test_beyond_its_edge_a_face_repeats_it(face: np.ndarray) -> None:
    wide = pictures(face, "zoom", zoom=(1.4, 1.4))
    assert any((picture[:, 0] == picture[:, 1]).all() for picture in wide)
    assert all(int(picture[..., 1].max()) > 150 for picture in wide)


def test_what_is_erased_is_one_rectangle(face: np.ndarray) -> None:
    plain = pictures(face)[0]
    changed = [(p != plain).any(axis=-1) for p in pictures(face, "erase")]
    covered = [mask for mask in changed if mask.any()]
    assert 3 <= len(covered) <= 20  # a quarter of 40
    for mask in covered:
        rows, columns = mask.any(axis=1).sum(), mask.any(axis=0).sum()
        assert mask.sum() > 0.9 * rows * columns
        assert mask.mean() < 0.25


@pytest.mark.parametrize(
    ("kind", "strength"),
    [
        ("roll", "roll_degrees"),
        ("light", "light_strength"),
        ("quality", "quality_share"),
        ("erase", "erase_share"),
    ],
)
def test_a_strength_of_zero_leaves_the_face_as_it_is_and_more_changes_more(
    face: np.ndarray, kind: str, strength: str
) -> None:
    plain = pictures(face).astype(float)
    usual = getattr(TrainRecipe(), strength)

    def changed(value: float) -> float:
        return float(np.abs(pictures(face, kind, **{strength: value}) - plain).mean())

    assert changed(0) < 0.5  # a light of no strength still rounds
    assert changed(usual / 2) < changed(usual) < changed(usual * 2)
