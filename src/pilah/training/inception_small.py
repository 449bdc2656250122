"""InceptionV3 up to its block `mixed4`: a sixth of the weights, and plain convolutions only.

Depthwise convolutions, of which compact networks are usually made, are slow to train on a processor
and lose more in 8 bits. The front of a network that knows faces already is a good start too: its
weights are taken over from any InceptionV3 run or bundle (`--pretrained`).
"""

from typing import Any

import keras

LAST = "mixed4"


def InceptionV3Small(*, weights: str | None, include_top: bool, input_tensor: Any) -> keras.Model:
    """The network without its top: inputs of -1..1, features of 1/20 of the size, 768 channels.

    Args:
        weights: as in `keras.applications`.
        include_top: must be False; there is none.
        input_tensor: what the network is put on.
    """
    assert not include_top
    whole = keras.applications.InceptionV3(
        weights=weights, include_top=False, input_tensor=input_tensor
    )
    return keras.Model(whole.input, whole.get_layer(LAST).output, name="inception_v3_small")
