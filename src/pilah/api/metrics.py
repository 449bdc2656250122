"""Figures for Prometheus: requests, stages, queue, batches and outcomes; no names, no pixels."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from pilah.faces.extract import Seconds
from pilah.types import Result

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
PHOTOS = (1, 2, 3, 4, 6, 8)


class Metrics:
    """What one server counts."""

    def __init__(self) -> None:
        """Begin at zero."""
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "pilah_requests", "Requests.", ("route", "status"), registry=registry
        )
        self.request_seconds = Histogram(
            "pilah_request_seconds",
            "From a request's headers to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.waiting = Gauge(
            "pilah_waiting_photos", "Photos that are not answered yet.", registry=registry
        )
        self.batch = Histogram(
            "pilah_batch_photos",
            "Photos that were classified together.",
            buckets=PHOTOS,
            registry=registry,
        )
        self._stages = Histogram(
            "pilah_stage_seconds",
            "What a stage took for one photo.",
            ("stage",),
            buckets=SECONDS,
            registry=registry,
        )
        self._outcomes = Counter(
            "pilah_photos",
            "Photos, by the label of their largest face.",
            ("outcome",),
            registry=registry,
        )

    def photo(self, result: Result, waited: float, found: Seconds, classify: float) -> None:
        """Count one photo that was answered."""
        for stage, seconds in (
            ("queue", waited),
            ("decode", found.decode),
            ("detect", found.detect),
            ("crop", found.crop),
            ("classify", classify),
        ):
            self._stages.labels(stage).observe(seconds)
        if result.error is not None:
            outcome = "unreadable"
        elif not result.faces:
            outcome = "no_face"
        else:
            outcome = result.label or "unsure"
        self._outcomes.labels(outcome).inc()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
