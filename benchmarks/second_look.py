"""What a second look gains and costs: `python -m benchmarks.second_look LABELLED.csv`.

The faces of labelled photos (`path,label`) are found and cropped, then answered by one look each,
by the rule of the model, and by two looks each.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from pilah.answers import confidence_of, likelier
from pilah.evaluation.metrics import measure
from pilah.faces.detect import Detector
from pilah.faces.extract import Extractor
from pilah.models import DEFAULT_MODEL, model_path
from pilah.models.bundle import open_bundle
from pilah.models.classifier import Classifier
from pilah.progress import tracked
from pilah.types import LABELS


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="CSV with the columns path,label")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a model of the package, or a file")
    options = parser.parse_args()
    bundle = open_bundle(model_path(options.model), threads=1)
    extractor = Extractor(bundle.info.size_hw, bundle.info.frame, Detector(), None, min_share=1)
    table = pd.read_csv(options.photos)
    crops, heights, labels = [], [], []
    rows = zip(table["path"], table["label"], strict=True)
    for path, label in tracked(rows, "Finding faces", total=len(table)):
        found = extractor(path, crops=False)
        crops += list(found.crops[:1])
        heights += found.heights[:1]
        labels += [LABELS.index(label)] * len(found.crops[:1])
    faces, high, truth = np.stack(crops), np.array(heights), np.array(labels)

    shown = Table(title=f"{bundle.info.name} {bundle.info.version}, {len(faces):,} faces found")
    for column in ("looks", "seen twice", "right", "cross-entropy", "unsure", "ms of CPU per face"):
        shown.add_column(column, justify="right")
    once = Classifier(replace(bundle, info=replace(bundle.info, second_look=None)))
    first = confidence_of(once.p_male(faces))
    for name, below in (("one", None), ("as needed", bundle.info.second_look), ("two", 1.1)):
        classifier = Classifier(replace(bundle, info=replace(bundle.info, second_look=below)))
        began = time.process_time()
        p_male = classifier.p_male(faces, high).astype(float)
        cost = 1000 * (time.process_time() - began) / len(faces)
        shown.add_row(
            name,
            f"{(first < (below or 0)).mean():.1%}",
            f"{(likelier(p_male) == truth).mean():.2%}",
            f"{measure(p_male, truth).loss:.4f}",
            f"{(confidence_of(p_male) < bundle.info.min_confidence).mean():.1%}",
            f"{cost:.1f}",
        )
    Console().print(shown)


if __name__ == "__main__":
    main()
