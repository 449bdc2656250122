"""Recipe -> one flat Keras model: scaling, backbone, head.

The model takes RGB values from 0 to 255 of shape (N, height, width, 3) and gives probabilities of
shape (N, 2), columns female and male.
"""

from pathlib import Path
from typing import Any

import keras

from pilah.errors import MissingExtra, WeightsError
from pilah.runs.backbones import BACKBONES
from pilah.runs.recipe import ModelRecipe, Recipe
from pilah.training import efficientnet_lite
from pilah.training.from_bundle import load_bundle


def build_network(recipe: Recipe, *, mirrored: bool = False) -> keras.Model:
    """The model of a recipe with its pretrained weights, its frozen layers marked as such.

    A layer that is not trainable, batch normalisation too, runs in inference mode.

    Args:
        recipe: what to build.
        mirrored: answer by the mean of the logits of an image and of its mirror image. The weights
            are the same ones in the same order; training needs the plain model.

    Raises:
        WeightsError: the pretrained weights cannot be had or are those of another network.
    """
    height, width = recipe.data.size_hw
    image = keras.Input((height, width, 3), name="image")
    seen = _with_mirror_image(image) if mirrored else image
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(seen)
    backbone = _backbone(recipe.model, scaled)
    trainable = recipe.model.trainable
    if trainable != "all":
        frozen = len(backbone.layers) - trainable
        for layer in backbone.layers[:frozen]:
            layer.trainable = False
    if recipe.train.norm_momentum:
        for layer in backbone.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = recipe.train.norm_momentum
    answer = _head(recipe.model, backbone.output)
    if mirrored:
        answer = _mean_of_both(answer)
    return keras.Model(image, answer, name=recipe.model.backbone)


def first_trainable(model: keras.Model, recipe: Recipe) -> int:
    """Index in `model.layers` of the first layer that is fine-tuned, or of the head's first layer.

    The model's list starts with the backbone's own list, in the same order: appending a head does
    not change how Keras sorts what lies before it.
    """
    if recipe.model.trainable == "all":
        return 0
    head = _head_length(recipe.model)
    return len(model.layers) - head - recipe.model.trainable


def _with_mirror_image(image: Any) -> Any:
    return keras.ops.concatenate([image, keras.ops.flip(image, axis=2)], axis=0)


def _mean_of_both(probabilities: Any) -> Any:
    # Logarithms of probabilities are logits, up to a constant that softmax takes out again
    logits = keras.ops.log(keras.ops.maximum(probabilities, keras.config.epsilon()))
    both = keras.ops.reshape(logits, (2, -1, 2))
    return keras.ops.softmax(keras.ops.mean(both, axis=0), axis=-1)


def _head(recipe: ModelRecipe, features: Any) -> Any:
    pool = (
        keras.layers.Flatten if recipe.pooling == "flatten" else keras.layers.GlobalAveragePooling2D
    )
    x = pool(name="pooling")(features)
    for index, units in enumerate(recipe.hidden):
        x = keras.layers.Dense(units, activation="relu", name=f"hidden_{index + 1}")(x)
        if index == 0:
            x = keras.layers.Dropout(recipe.dropout, name="dropout")(x)
    if not recipe.hidden:
        x = keras.layers.Dropout(recipe.dropout, name="dropout")(x)
    # float32 also under mixed precision: probabilities near 1 need the digits
    return keras.layers.Dense(2, activation="softmax", dtype="float32", name="probabilities")(x)


def _head_length(recipe: ModelRecipe) -> int:
    pooling = dropout = probabilities = 1
    return pooling + len(recipe.hidden) + dropout + probabilities


def _backbone(recipe: ModelRecipe, scaled: Any) -> keras.Model:
    title = BACKBONES[recipe.backbone].application
    rooms = (efficientnet_lite, keras.applications)
    application = next(getattr(room, title) for room in rooms if hasattr(room, title))
    if recipe.pretrained == "imagenet":
        return _with_imagenet(application, title, scaled)
    model = application(weights=None, include_top=False, input_tensor=scaled)
    if recipe.pretrained != "none":
        path = Path(recipe.pretrained)
        if (path / "model.keras").is_file():
            _take_over(model, keras.models.load_model(path / "model.keras", compile=False), path)
        elif recipe.starts_from_bundle and path.is_file():
            load_bundle(model, path)
        elif path.is_file():
            _load(model, path, recipe.backbone)
        else:
            raise WeightsError(
                f"no weights at {path}; give a .weights.h5 file, a finished run folder or a model "
                "bundle, or use --pretrained imagenet or --pretrained none"
            )
    return model


def _with_imagenet(application: Any, title: str, scaled: Any) -> keras.Model:
    try:
        # Keras downloads the file and checks its checksum; training/__init__.py says where it stays
        return application(weights="imagenet", include_top=False, input_tensor=scaled)
    except MissingExtra:
        raise
    except Exception as error:  # urllib raises many kinds; Keras wraps them in a bare Exception
        raise WeightsError(
            f"the ImageNet weights of {title} could not be downloaded ({_first_line(error)}); on a "
            f"machine with a network run keras.applications.{title}(include_top=False), then copy "
            "its *_notop.h5 from ~/.keras/models to the same folder here, or name the file with "
            "--pretrained FILE"
        ) from None


def _load(model: keras.Model, path: Path, name: str) -> None:
    try:
        model.load_weights(path)
    except Exception as error:  # h5py and Keras raise OSError, ValueError, KeyError, ...
        raise WeightsError(
            f"{path} does not hold weights of {name} without its top ({_first_line(error)}); give "
            "the file of that network"
        ) from None


def _take_over(model: keras.Model, trained: keras.Model, run: Path) -> None:
    try:
        # Only layers that hold weights correspond: a mirrored model has others of its own in front
        ours, theirs = ([x for x in each.layers if x.weights] for each in (model, trained))
        for layer, source in zip(ours, theirs, strict=False):
            layer.set_weights(source.get_weights())
    except ValueError as error:
        raise WeightsError(
            f"the run {run} trained another network ({_first_line(error)}); name a run of "
            f"the same backbone"
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
