"""The networks that can be fine-tuned, by their name in a recipe.

A new backbone from `keras.applications` that expects inputs of -1..1 is one more entry here. That
scaling is a layer of the model (`network.py`), so nobody who uses one has to know.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backbone:
    """One network.

    `application` is its name in `keras.applications`, or in our own `efficientnet_lite.py`;
    `study_trainable` is how many of its last layers the study fine-tuned, None where the study did
    not use it; `smallest` is the least height or width that it accepts.
    """

    application: str
    study_trainable: int | None
    smallest: int


BACKBONES = {
    "inception_v3": Backbone("InceptionV3", study_trainable=40, smallest=75),
    "resnet50_v2": Backbone("ResNet50V2", study_trainable=52, smallest=32),
    "xception": Backbone("Xception", study_trainable=30, smallest=71),
    "efficientnet_lite0": Backbone("EfficientNetLite0", study_trainable=None, smallest=32),
}
