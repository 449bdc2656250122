"""The model, loaded once a process and shared by all visitors."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import streamlit as st

from pilah.app.settings import Settings
from pilah.pipeline import Pilah, load
from pilah.types import Result


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model; its photos are decoded one at a time, whoever sent them.

    So memory is bounded by the largest photo and not by the number of visitors, and nobody waits
    for a whole batch of somebody else.
    """

    pilah: Pilah
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def predict(self, data: bytes) -> Result:
        """Say what is known about one photo, as the model recommends (see `Pilah.predict`)."""
        with self._turn:
            return self.pilah.predict(data)


def model() -> Model:
    """The model that `pilah app` was started with.

    Raises:
        BundleError: it cannot be used.
    """
    return _load(Settings.from_arguments().model)


@st.cache_resource(show_spinner=False)
def _load(name: str | None) -> Model:
    return Model(load(name))


@contextmanager
def sorting_model(name: str | None, min_confidence: float | None) -> Iterator[Pilah]:
    """A model with worker processes of its own, for one sort; they end with it.

    Args:
        name: a model of the package, or None for the one that `pilah app` was started with.
        min_confidence: see `pilah.load`.
    """
    predictor = load(name or Settings.from_arguments().model, min_confidence=min_confidence)
    try:
        yield predictor
    finally:
        predictor.close()
