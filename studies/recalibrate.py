r"""Calibrate a shipped model again, on validation photos, without training it.

    python studies/recalibrate.py src/pilah/models/pilah-small.onnx data/validation.csv \
        --version 0.5 --max-error 0.03 --to pilah-small.onnx

`pilah export` does the same for a run that it exports. This is for models whose run is gone, and
for those of before: their graph answers by the mean over each face and its mirror image, and is
written anew to look once; weights of 8 bits become such of 7, whose sums overflow on no processor.
The CSV has the columns `path,label`, and `source` where there are several, of which each gives the
same number of photos.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper

from pilah.files import put_in_place, scratch_folder
from pilah.models.bundle import FORMAT, open_bundle
from pilah.training.calibration import calibrate_graph

SEED = 1
MOST_OF_7_BITS = 64
MIRRORED = "ReverseV2"
"""What Keras calls the step that mirrors an image."""


def main() -> None:
    """Write the model with its new calibration, and print that."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="a model.onnx that `pilah export` wrote")
    parser.add_argument("photos", type=Path, help="CSV of validation photos: path,label,source")
    parser.add_argument("--version", required=True, help="version of the model to write")
    parser.add_argument("--max-error", type=float, required=True, help="as of `pilah export`")
    parser.add_argument("--to", type=Path, required=True, help="the file to write")
    options = parser.parse_args()
    info = open_bundle(options.bundle).info
    with scratch_folder(options.to.with_name(f".recalibrate-{options.to.name}")) as scratch:
        graph = scratch / "model.onnx"
        write_uncalibrated(options.bundle, graph)
        info = calibrate_graph(
            graph,
            replace(info, version=options.version, format=FORMAT),
            pd.read_csv(options.photos),
            max_error=options.max_error,
            mirror=True,
            seed=SEED,
        )
        put_in_place(graph, options.to)
    print(f"temperature {info.temperature:.3f}, calibration error {info.ece_after:.4f}")
    print(f"second look below {info.second_look:.3f}, unsure below {info.min_confidence:.3f}")
    points = [("as it is", info.from_photos), *((at.height, at.counts) for at in info.face_heights)]
    for height, found in points:
        print(f"{height}: {found.right / found.photos:.2%} of {found.photos}, {found.no_face} lost")


def write_uncalibrated(bundle: Path, to: Path) -> None:
    """Write a bundle's graph without its temperature, without the mirror image, logits in float."""
    model = onnx.load(bundle)
    graph = model.graph
    made_by = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type == "Concat" and any(MIRRORED in name for name in node.input):
            plain = next(name for name in node.input if MIRRORED not in name)
            for other in graph.node:
                other.input[:] = [plain if x == node.output[0] else x for x in other.input]
    softmax = next(node for node in graph.node if node.op_type == "Softmax")  # that of the network
    logits = softmax.input[0]
    while made_by[logits].op_type in ("QuantizeLinear", "DequantizeLinear"):
        logits = made_by[logits].input[0]
    needed = {node.name or node.output[0] for node in _behind(logits, made_by)}
    kept = [node for node in graph.node if (node.name or node.output[0]) in needed]
    kept.append(helper.make_node("Softmax", [logits], ["probabilities"], axis=-1))
    _in_7_bits(graph, [node.input[1] for node in kept if node.op_type == "Conv"], made_by)
    used = {name for node in kept for name in node.input}
    stored = [each for each in graph.initializer if each.name in used]
    for field, values in ((graph.node, kept), (graph.initializer, stored), (graph.value_info, [])):
        del field[:]
        field.extend(values)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2]))
    onnx.checker.check_model(model)
    onnx.save(model, to)


def _in_7_bits(
    graph: onnx.GraphProto, weights: list[str], made_by: dict[str, onnx.NodeProto]
) -> None:
    """Halve the weights that use 8 bits, and double their scales."""
    stored = {each.name: each for each in graph.initializer}
    for name in weights:
        if name not in made_by or made_by[name].op_type != "DequantizeLinear":
            continue
        whole, scale = (numpy_helper.to_array(stored[part]) for part in made_by[name].input[:2])
        if np.abs(whole.astype(int)).max() > MOST_OF_7_BITS:
            for part, array in (
                (0, np.round(whole / 2).astype(np.int8)),
                (1, (2 * scale).astype(np.float32)),
            ):
                key = made_by[name].input[part]
                stored[key].CopyFrom(numpy_helper.from_array(array, key))


def _behind(name: str, made_by: dict[str, onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """The nodes that a value is made by."""
    names, seen = [name], set()
    while names:
        name = names.pop()
        if name in made_by and name not in seen:
            seen.add(name)
            names += made_by[name].input
            yield made_by[name]


if __name__ == "__main__":
    main()
