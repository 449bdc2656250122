"""The published study: where it is, and its own figures."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """One row of the study's table."""

    val_accuracy: float
    val_loss: float
    test_accuracy: float
    test_loss: float


TITLE = "Gender Classification with Transfer Learning"
AUTHOR = "emhaihsan"
"""As the study is signed."""

ADDRESS = "https://github.com/emhaihsan/gender-classification"

STUDY = {
    "inception_v3": Published(0.957, 0.190, 0.968, 0.155),
    "resnet50_v2": Published(0.932, 0.216, 0.934, 0.171),
    "xception": Published(0.929, 0.202, 0.952, 0.194),
}
