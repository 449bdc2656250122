"""From a finished run to its numbers and pictures: `metrics.json` and `plots/*.png` beside them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pilah.errors import DataError
from pilah.evaluation.plots import write_plots
from pilah.evaluation.run import MeasuredRun, measure_run
from pilah.files import write_text


def evaluate_run(folder: Path) -> MeasuredRun:
    """Measure every split of a run and draw its plots.

    `metrics.json` maps a split (`train`, `validation`, `test`) to its `Metrics`; under `calibrated`
    each has the temperature, and the loss and calibration that it leads to. The file is written
    last: where it is there, so are the plots.

    Args:
        folder: a finished run folder.

    Returns:
        The run with the numbers of each split that holds faces.

    Raises:
        DataError: the run cannot be used, or its folder cannot be written to.
    """
    run = measure_run(folder)
    text = json.dumps({split: _numbers(run, split) for split in run.metrics}, indent=2)
    try:
        write_plots(run, run.files.plots)
        write_text(run.files.metrics, text + "\n")
    except OSError as error:
        raise DataError(
            f"the results cannot be written into {folder} ({error.strerror}); make room or make it "
            "writable, and run the command again"
        ) from None
    return run


def _numbers(run: MeasuredRun, split: str) -> dict[str, Any]:
    numbers = asdict(run.metrics[split])
    if calibrated := run.calibrated.get(split):
        numbers["calibrated"] = {
            "temperature": run.temperature,
            "loss": calibrated.loss,
            "ece": calibrated.ece,
            "reliability": [asdict(bin) for bin in calibrated.reliability],
        }
    return numbers
