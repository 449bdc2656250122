"""How sure must an answer be? What a caller asks, or what the model recommends."""

from pilah.errors import PilahError
from pilah.models.bundle import BundleInfo


def confidence_asked(
    info: BundleInfo, min_confidence: float | None, max_error: float | None
) -> float:
    """The minimum confidence that a caller asks of a model; see `pipeline.load`.

    Raises:
        BundleError: the model never errs as little as `max_error`.
        PilahError: one of them is out of its range, or both are given.
    """
    if max_error is None:
        chosen = info.min_confidence if min_confidence is None else min_confidence
        if not 0.5 <= chosen <= 1:
            raise PilahError(
                f"a minimum confidence of {min_confidence} is out of range; give 0.5 (never "
                "unsure) to 1"
            )
        return chosen
    if min_confidence is not None:
        raise PilahError(
            "a minimum confidence and a maximum error exclude each other; give one of them"
        )
    if not 0 <= max_error <= 0.5:
        raise PilahError(
            f"a maximum error of {max_error} is out of range; give a share from 0 to 0.5, such as "
            "0.01"
        )
    return info.point_for(max_error).min_confidence
