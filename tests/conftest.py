"""What several tests share."""

import os
from pathlib import Path

import onnx
import pytest
from hypothesis import settings
from onnx import TensorProto, helper

from pilah.models.bundle import METADATA_KEY, BundleInfo, Frame, LabelCounts, RiskPoint

ROOT = Path(__file__).parent.parent

# A busy machine is no mistake of the code; speed is measured in benchmarks/.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real faces beside the checkout; the test is skipped where it is not."""
    folder = Path(os.environ.get("PILAH_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real faces at {folder} (set PILAH_SHARED to where they are)")
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `write_tiny_bundle`; its crops are 32 high and 24 wide."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny.onnx", (32, 24))


@pytest.fixture(scope="session")
def square_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `write_tiny_bundle`; its crops are 32 high and wide."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "square.onnx", (32, 32))


def write_tiny_bundle(path: Path, size_hw: tuple[int, int]) -> Path:
    """A bundle whose answer anyone can predict: P(male) = sigmoid((mean brightness - 127.5) / 16).

    A black crop is female, a white one male, mid grey is unsure (min_confidence is 0.8).
    """
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["grey"], axes=[2, 3], keepdims=0),
        helper.make_node("ReduceMean", ["grey"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["mean", "middle"], ["centred"]),
        helper.make_node("Div", ["centred", "width"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["male"]),
        helper.make_node("Sub", ["one", "male"], ["female"]),
        helper.make_node("Concat", ["female", "male"], ["probabilities"], axis=1),
    ]
    constants = {"middle": 127.5, "width": 16.0, "one": 1.0}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", *size_hw, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2])],
        [
            helper.make_tensor(name, TensorProto.FLOAT, [], [value])
            for name, value in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    info = BundleInfo(
        name="tiny",
        version="1",
        size_hw=size_hw,
        backbone="brightness",
        frame=Frame(shift_x=0.0, shift_y=0.0, height=1.5),
        min_confidence=0.8,
        risk_coverage=(RiskPoint(0.5, 0.1, 1.0), RiskPoint(0.8, 0.05, 0.9)),
        validation={"female": LabelCounts(90, 4, 6), "male": LabelCounts(5, 91, 4)},
        temperature=1.0,
        trained_on="nothing",
        data_digest="0" * 64,
        licence="MIT",
    )
    helper.set_model_props(model, {METADATA_KEY: info.to_json()})
    onnx.save(model, path)
    return path
