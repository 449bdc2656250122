"""Does an exported graph answer as the Keras model does, and what do 8 bits cost?"""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from pilah.answers import likelier
from pilah.errors import BundleError
from pilah.runtime import open_session
from pilah.training.onnx_graph import write_int8

PARITY = 1e-4
"""How far a probability of the float graph may lie from Keras'."""
INT8_COST = 0.002
"""The share of validation answers that int8 may change for the worse; one answer always."""
FLOAT_CONVOLUTIONS = (0, 14, 20)
"""How many of the first convolutions may stay in float: tried in this order.

Their values range the widest; of EfficientNet-Lite0's, 8 bits leave too little."""

Array = np.ndarray[Any, Any]


def answers(graph: Path, crops: Array) -> Array:
    """P(male) of uint8 crops (n, height, width, 3) by a graph in a file: float64 (n,)."""
    session = open_session(graph)
    parts = np.array_split(crops, -(-len(crops) // 32))
    found = [session.run(["probabilities"], {"image": part})[0][:, 1] for part in parts]
    return np.concatenate(found).astype(np.float64)


def check_parity(model: keras.Model, graph: Path, crops: Array) -> None:
    """Refuse a graph that answers otherwise than Keras.

    Raises:
        BundleError: a probability differs by more than `PARITY`.
    """
    expected = model.predict(crops.astype(np.float32), verbose=0)[:, 1]
    gap = float(np.abs(expected - answers(graph, crops)).max())
    if gap > PARITY:
        raise BundleError(
            f"the exported graph differs from Keras by {gap:.1e} on real faces, more than "
            f"{PARITY:.0e}; nothing was written; try other versions of tf2onnx and onnxruntime"
        )


def in_8_bits(
    graph: Path,
    faces: Array,
    validation: Array,
    labels: Array,
) -> tuple[Path, float]:
    """As much of the graph in 8 bits as accuracy allows, and the share of answers that it costs.

    Raises:
        BundleError: it costs too much accuracy, however much stays in float.
    """
    small = graph.with_name("int8.onnx")
    allowed = max(INT8_COST, 1.01 / len(labels))
    in_float = _accuracy(answers(graph, validation), labels)
    lost = []
    for kept in FLOAT_CONVOLUTIONS:
        write_int8(graph, small, faces, float_convolutions=kept)
        lost.append(in_float - _accuracy(answers(small, validation), labels))
        if lost[-1] <= allowed:
            return small, lost[-1]
    raise BundleError(
        f"int8 costs {100 * min(lost):.2f} points of validation accuracy, more than "
        f"{100 * allowed:.1f}; nothing was written; export without --int8"
    )


def _accuracy(p_male: Array, labels: Array) -> float:
    return float((likelier(p_male) == labels).mean())
