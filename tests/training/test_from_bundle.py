"""The weights come back from a bundle: the same answers, and sound batch normalisation."""

from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from pilah.errors import WeightsError
from pilah.runs.recipe import DataRecipe, ModelRecipe, Recipe
from pilah.training.from_bundle import load_bundle, recentre
from pilah.training.network import build_network
from pilah.training.onnx_graph import write_float, write_int8

SIZE = (80, 75)


def network(backbone: str) -> keras.Model:
    model = ModelRecipe(backbone=backbone, pretrained="none", pooling="average", hidden=())
    return build_network(Recipe(name="x", data=DataRecipe(size_hw=SIZE), model=model))


def features(model: keras.Model, faces: np.ndarray) -> np.ndarray:
    pooled = keras.Model(model.input, model.get_layer("pooling").output)
    return np.asarray(pooled.predict(faces, verbose=0))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")  # tf2onnx asks for it
@pytest.mark.parametrize("backbone", ["inception_v3", "efficientnet_lite0"])
def test_a_bundles_network_answers_as_before_and_can_be_trained(
    backbone: str, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (32, *SIZE, 3)).astype(np.float32)
    model = network(backbone)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.beta.shape
            scale = [random.uniform(0.5, 1.5, size)] if layer.scale else []
            layer.set_weights(
                [
                    *scale,
                    random.normal(0.2, 0.2, size).astype(np.float32),
                    random.normal(0, 0.05, size).astype(np.float32),
                    random.uniform(0.5, 1.5, size).astype(np.float32),
                ]
            )
    expected = features(model, faces)
    write_float(model, tmp_path / "float.onnx")
    write_int8(
        *(tmp_path / "float.onnx", tmp_path / "int8.onnx", faces.astype(np.uint8)),
        float_convolutions=1,
    )
    stored = map(numpy_helper.to_array, onnx.load(tmp_path / "int8.onnx").graph.initializer)
    kernels = [array for array in stored if array.dtype == np.int8 and array.ndim == 4]
    assert max(np.abs(kernel.astype(int)).max() for kernel in kernels) <= 64  # 7 bits

    again = network(backbone)
    load_bundle(again, tmp_path / "float.onnx")
    np.testing.assert_allclose(features(again, faces), expected, rtol=1e-3, atol=1e-4)
    recentre(again, faces)
    np.testing.assert_allclose(features(again, faces), expected, rtol=1e-3, atol=1e-4)
    convolution = again.layers[2]
    normalisation = again.layers[3]
    seen = keras.Model(again.input, convolution.output).predict(faces, verbose=0)
    np.testing.assert_allclose(normalisation.moving_mean, seen.mean((0, 1, 2)), atol=1e-4)
    if normalisation.scale:
        np.testing.assert_allclose(normalisation.moving_variance, seen.var((0, 1, 2)), rtol=1e-3)

    convolutions = [layer for layer in again.layers if isinstance(layer, keras.layers.Conv2D)]
    kernels = [convolution.get_weights()[0] for convolution in convolutions[:2]]
    load_bundle(again, tmp_path / "int8.onnx")
    np.testing.assert_array_equal(convolutions[0].get_weights()[0], kernels[0])
    assert not np.array_equal(convolutions[1].get_weights()[0], kernels[1])
    assert np.corrcoef(features(again, faces).ravel(), expected.ravel())[0, 1] > 0.99

    with pytest.raises(WeightsError, match="does not hold the convolutions of"):
        load_bundle(network("resnet50_v2"), tmp_path / "float.onnx")


def test_what_is_no_bundle_is_said(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("no model")
    with pytest.raises(WeightsError, match="cannot be read as ONNX"):
        load_bundle(keras.Sequential(), path)
