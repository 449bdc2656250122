"""What a recipe's network answers."""

import keras
import numpy as np

from pilah.runs.recipe import DataRecipe, ModelRecipe, Recipe
from pilah.training.network import build_network


def test_a_mirrored_network_answers_by_the_mean_logit_of_a_face_and_its_mirror_image() -> None:
    keras.utils.set_random_seed(1)
    model = ModelRecipe(backbone="resnet50_v2", pretrained="none", pooling="average", hidden=())
    recipe = Recipe(name="x", data=DataRecipe(size_hw=(64, 48)), model=model)
    plain, mirrored = build_network(recipe), build_network(recipe, mirrored=True)
    mirrored.set_weights(plain.get_weights())
    faces = np.random.default_rng(0).integers(0, 256, (5, 64, 48, 3)).astype(np.float32)

    logits = np.log(plain.predict(faces, verbose=0)) + np.log(
        plain.predict(faces[:, :, ::-1], verbose=0)
    )
    expected = np.exp(logits / 2) / np.exp(logits / 2).sum(axis=1, keepdims=True)
    answers = mirrored.predict(faces, verbose=0)
    np.testing.assert_allclose(answers, expected, atol=1e-6)
    np.testing.assert_allclose(mirrored.predict(faces[:, :, ::-1], verbose=0), answers, atol=1e-6)
    assert np.ptp(answers[:, 1]) > 0
