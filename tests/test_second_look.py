"""Faces that are not clear at first are seen mirrored too; others only once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from pilah.models.bundle import METADATA_KEY, Bundle, open_bundle
from pilah.models.classifier import Classifier, mean_of_looks


@pytest.fixture
def one_sided(tiny_bundle: Path, tmp_path: Path) -> Bundle:
    """The tiny bundle, whose graph sees only the left half of a crop."""
    model = onnx.load(tiny_bundle)
    graph = model.graph
    for name, value in (("start", 0), ("end", 12), ("axis", 2)):
        graph.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], [value]))
    cut = helper.make_node("Slice", ["pixels", "start", "end", "axis"], ["left"])
    graph.node[1].input[0] = "left"
    graph.node.insert(1, cut)
    info = open_bundle(tiny_bundle).info
    helper.set_model_props(model, {METADATA_KEY: replace(info, second_look=0.9).to_json()})
    onnx.save(model, tmp_path / "one_sided.onnx")
    return open_bundle(tmp_path / "one_sided.onnx")


def crop(left: int, right: int) -> np.ndarray:
    halves = [np.full((32, 12, 3), value, np.uint8) for value in (left, right)]
    return np.concatenate(halves, axis=1)


def test_a_clear_face_is_seen_once_an_unclear_one_mirrored_too(one_sided: Bundle) -> None:
    clear, unclear, even = crop(240, 20), crop(140, 20), crop(140, 140)
    p_male = Classifier(one_sided).p_male(np.stack([clear, unclear, even]))
    once = Classifier(replace(one_sided, info=replace(one_sided.info, second_look=None)))
    first = once.p_male(np.stack([clear, unclear, even]))
    mirrored = once.p_male(np.stack([unclear])[:, :, ::-1])
    assert first[0] > 0.99 and 0.5 < first[1] < 0.9
    assert p_male[0] == first[0]
    assert p_male[1] == np.float32(mean_of_looks(first[1:2], mirrored)[0]) < 0.5
    assert p_male[2] == pytest.approx(first[2], abs=1e-6)


def test_a_face_is_answered_alike_in_whatever_company(one_sided: Bundle) -> None:
    random = np.random.default_rng(1)
    crops = np.stack([crop(*pair) for pair in random.integers(90, 170, (20, 2))])
    classifier = Classifier(one_sided)
    together = classifier.p_male(crops)
    alone = [classifier.p_male(each[None])[0] for each in crops]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(classifier.p_male(crops, batch=3), together, atol=1e-6)


def test_the_mean_of_looks_is_that_of_their_logits() -> None:
    assert mean_of_looks(np.array([0.9]), np.array([0.1]))[0] == pytest.approx(0.5)
    assert mean_of_looks(np.array([0.8]), np.array([0.5]))[0] == pytest.approx(2 / 3)
