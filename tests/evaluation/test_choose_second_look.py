"""From which confidence on one look is enough."""

import numpy as np

from pilah.evaluation.second_look import answers_of_looks, choose_second_look


def looks(noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Faces whose truth two looks see with errors of their own."""
    random = np.random.default_rng(3)
    truth = random.normal(0, 3, 20_000)
    labels = (random.random(20_000) < sigmoid(truth)).astype(np.int64)
    first, mirrored = (sigmoid(truth + random.normal(0, noise, 20_000)) for _ in range(2))
    return first, mirrored, labels


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def test_a_mirror_image_that_says_nothing_new_is_never_looked_at() -> None:
    first, _, labels = looks(noise=1.0)
    assert choose_second_look(first, first, labels) == 0.5


def test_the_more_two_looks_differ_the_more_faces_need_both() -> None:
    little, much = (choose_second_look(*looks(noise)) for noise in (0.3, 2.0))
    assert 0.5 <= little < much < 1


def test_only_faces_below_the_limit_take_the_mean() -> None:
    first, mirrored = np.array([0.95, 0.6, 0.04]), np.array([0.5, 0.4, 0.5])
    np.testing.assert_allclose(answers_of_looks(first, mirrored, 0.9), [0.95, 0.5, 0.04], atol=0.01)
