"""The models, each loaded once a process and shared by all visitors."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from pilah.app.settings import Settings
from pilah.models import DEFAULT_MODEL, model_names, model_path
from pilah.models.bundle import BundleInfo, open_bundle
from pilah.occlusion import Occlusion
from pilah.pipeline import Pilah, load
from pilah.types import Result

_turn = threading.Lock()
"""Of decoding a photo: memory is bounded by the largest one, not by the number of visitors."""


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model; its photos are decoded one at a time, whoever sent them.

    So nobody waits for a whole batch of somebody else.
    """

    pilah: Pilah

    def predict(self, data: bytes) -> Result:
        """Say what is known about one photo, as the model recommends (see `Pilah.predict`)."""
        with _turn:
            return self.pilah.predict(data)

    def occlusion(self, data: bytes, number: int, *, crops: bool = False) -> Occlusion:
        """Which parts of a face changed the answer; `number` and `crops` as in `Pilah.crop`.

        It takes its turn to decode the photo only: meanwhile others are answered.
        """
        with _turn:
            crop = self.pilah.crop(data, number, crops=crops)
        return self.pilah.occlusion(crop)


def model(name: str | None = None) -> Model:
    """A model by its name or path; None is the one that `pilah app` was started with.

    Raises:
        BundleError: it cannot be used.
    """
    return _load(name or started_with())


def started_with() -> str:
    """The name or path of the model that `pilah app` was started with."""
    return Settings.from_arguments().model or DEFAULT_MODEL


def names() -> list[str]:
    """Names of the models that a visitor may use: first the one that the app was started with."""
    return list(dict.fromkeys([started_with(), *model_names()]))


@st.cache_resource(show_spinner=False)
def model_info(name: str) -> BundleInfo:
    """What is known about a model, by its name or path; it is not kept open.

    Raises:
        BundleError: it cannot be used.
    """
    return open_bundle(model_path(name)).info


@st.cache_resource(show_spinner=False)
def _load(name: str) -> Model:
    return Model(load(name))


@contextmanager
def sorting_model(name: str | None, min_confidence: float | None) -> Iterator[Pilah]:
    """A model with worker processes of its own, for one sort; they end with it.

    Args:
        name: a model of the package, or None for the one that `pilah app` was started with.
        min_confidence: see `pilah.load`.
    """
    predictor = load(name or started_with(), min_confidence=min_confidence)
    try:
        yield predictor
    finally:
        predictor.close()
