r"""Measure a model on validation photos of every face height, and write that into its bundle.

    python studies/face_heights.py src/pilah/models/pilah-small.onnx data/validation.csv \
        --version 0.4.1 --per-source 1500 --to pilah-small.onnx

`pilah export` does the same for a run that it exports. This is for bundles that were exported
before; their weights stay as they are. The CSV has the columns `path,label`, and `source` where
there are several, of which each gives the same number of photos, so that none dominates.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from shutil import copyfile

import pandas as pd
from rich.progress import Progress

from pilah.evaluation.face_heights import measure_face_heights
from pilah.faces.detect import Detector
from pilah.faces.extract import Extractor
from pilah.models.bundle import FORMAT, METADATA_KEY, open_bundle
from pilah.models.classifier import Classifier
from pilah.training.onnx_graph import add_description
from pilah.types import LABELS

SEED = 1


def main() -> None:
    """Write the bundle with its face heights, and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="a model.onnx that `pilah export` wrote")
    parser.add_argument("photos", type=Path, help="CSV of validation photos: path,label,source")
    parser.add_argument("--version", required=True, help="version of the bundle to write")
    parser.add_argument("--per-source", type=int, default=1500, help="photos of each source")
    parser.add_argument("--to", type=Path, required=True, help="the file to write")
    options = parser.parse_args()
    table = pd.read_csv(options.photos)
    sources = table.groupby("source") if "source" in table else [("", table)]
    table = pd.concat(part.sample(options.per_source, random_state=SEED) for _, part in sources)
    bundle = open_bundle(options.bundle)
    info = replace(bundle.info, face_heights=())
    with Progress() as progress:
        task = progress.add_task("Measuring", total=len(table))
        counts, points = measure_face_heights(
            table["path"].tolist(),
            table["label"].map(LABELS.index).to_numpy(),
            Extractor(info.size_hw, info.frame, Detector(), min_face=8, min_share=1),
            Classifier(replace(bundle, info=info)).p_male,
            progress=lambda done: progress.update(task, completed=done),
        )
    info = replace(
        info, version=options.version, from_photos=counts, face_heights=points, format=FORMAT
    )
    copyfile(options.bundle, options.to)
    add_description(options.to, METADATA_KEY, info.to_json())
    for height, found in [("all", counts), *((point.height, point.counts) for point in points)]:
        print(f"{height}: {found.right / found.photos:.2%} of {found.photos}, {found.no_face} lost")


if __name__ == "__main__":
    main()
