"""The frozen part of a network, computed once.

A frozen layer gives the same output for the same image in every epoch. So the network is cut where
its first trainable layer lies; what crosses the cut (the boundary tensors: one, two or six in the
study's networks, since a cut may cross parallel branches) is computed once for every image and kept
in memory-mapped files, and only the tail is trained. Trunk and tail share their layers with the
whole model, which is therefore trained when its tail is.

Several runs may share the files: their folder is named by all that they depend on.
"""

import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pilah.errors import DataError
from pilah.files import open_locked, replacing, reserve
from pilah.progress import note, tracked
from pilah.training.batches import Arrays, Source
from pilah.wording import reason_of, shown

LOCK = "lock"
AT_ONCE = 64
"""Images whose digest is taken at once."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A model in two: `trunk` gives what `tail` takes. Both share the model's layers."""

    trunk: keras.Model
    tail: keras.Model


def cut(model: keras.Model, first_trainable: int) -> Parts:
    """Cut a functional model before `model.layers[first_trainable]`.

    The boundary is every tensor made by a layer before that one and taken by it or a later one.
    """
    tail_layers = {id(layer) for layer in model.layers[first_trainable:]}
    boundary: list[Any] = []
    for layer in model.layers[first_trainable:]:
        for node in layer._inbound_nodes:
            for tensor in node.input_tensors:
                made_before = id(tensor._keras_history.operation) not in tail_layers
                if made_before and all(tensor is not known for known in boundary):
                    boundary.append(tensor)
    return Parts(keras.Model(model.input, boundary), keras.Model(boundary, model.output))


@contextmanager
def shared_folder(
    cache: Path, trunk: keras.Model, pixels: Source, precision: str
) -> Iterator[Path]:
    """The folder in `cache` for these layers and images, held for one run at a time.

    It is named by a digest of the trunk's layers and weights, of the pixels, of the precision, and
    of the version of Keras: runs that differ in anything else find what another has computed.

    Raises:
        DataError: another run computes there, or the folder cannot be written to.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{keras.version()} {precision} {_described(trunk)}".encode())
    for weight in trunk.weights:
        digest.update(np.ascontiguousarray(keras.ops.convert_to_numpy(weight)).tobytes())
    for start in range(0, len(pixels), AT_ONCE):
        items = np.arange(start, min(start + AT_ONCE, len(pixels)))
        digest.update(pixels.take(items)[0].tobytes())
    folder = cache / digest.hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = open_locked(folder / LOCK, create=True)
    except BlockingIOError:
        raise DataError(
            f"another run computes the frozen layers in {shown(folder)}; wait for it to end, then "
            "run the same command again"
        ) from None
    except OSError as error:
        raise DataError(
            f"cannot write to {shown(cache)} ({reason_of(error)}); give another folder with --cache"
        ) from None
    try:
        yield folder
    finally:
        os.close(held)


def _described(trunk: keras.Model) -> str:
    """The layers and how they are joined; Keras counts their names on from model to model."""
    text: str = trunk.to_json()
    for number, layer in enumerate([trunk, *trunk.layers]):
        text = text.replace(json.dumps(layer.name), json.dumps(str(number)))
    return text


def compute_once(
    trunk: keras.Model, pixels: Source, folder: Path, *, precision: str, batch_size: int
) -> Arrays:
    """Run every image through the trunk and keep the boundary tensors in `folder`.

    Finished files of an earlier, interrupted run are used again.

    Args:
        trunk: the frozen part.
        pixels: what gives uint8 images of shape (n, height, width, 3).
        folder: where the memory-mapped files go.
        precision: numpy name of the stored numbers' type.
        batch_size: images in one forward pass.

    Raises:
        DataError: the disk is too full for the files.
    """
    paths = [folder / f"boundary-{index}.npy" for index in range(len(trunk.outputs))]
    if all(path.is_file() for path in paths):
        note(f"Frozen layers: as computed before, in {shown(folder)}")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        shapes = [(len(pixels), *output.shape[1:]) for output in trunk.outputs]
        with ExitStack() as stack:
            drafts = [stack.enter_context(replacing(path)) for path in paths]
            arrays = [
                allocate(draft, shape, precision)
                for draft, shape in zip(drafts, shapes, strict=True)
            ]
            starts = range(0, len(pixels), batch_size)
            for start in tracked(starts, "Frozen layers", total=len(starts)):
                items = np.arange(start, min(start + batch_size, len(pixels)))
                outputs = trunk.predict_on_batch(pixels.take(items)[0])
                if len(paths) == 1 and not isinstance(outputs, list):
                    outputs = [outputs]
                for array, output in zip(arrays, outputs, strict=True):
                    array[items] = output
            for array in arrays:
                array.flush()
    return Arrays([np.load(path, mmap_mode="r") for path in paths])


def allocate(path: Path, shape: tuple[int, ...], dtype: str) -> np.memmap[Any, Any]:
    """A new memory-mapped .npy file whose room on the disk is reserved.

    Without the reservation a disk that fills up would end the process with a bus error.

    Raises:
        DataError: the disk is too full.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        with path.open("r+b") as file:
            reserve(file)
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        needed = math.prod(shape) * np.dtype(dtype).itemsize
        free = shutil.disk_usage(path.parent).free
        raise DataError(
            f"the disk is too full: {path} needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are "
            "free; free some room and run the same command again"
        ) from None
    return array
