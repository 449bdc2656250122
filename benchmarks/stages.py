"""What each stage of an answer costs by itself, on one core, as `sort` looks at photos."""

import time
from collections.abc import Sequence

import numpy as np

from pilah.faces.detect import Detector
from pilah.faces.extract import Extractor
from pilah.faces.picture import Picture
from pilah.faces.search import search
from pilah.models import DEFAULT_MODEL, model_path
from pilah.models.bundle import open_bundle
from pilah.models.classifier import BATCH, Classifier
from pilah.sorting.bins import decisive_share


def stage_costs(paths: Sequence[str]) -> dict[str, float]:
    """Milliseconds of CPU per photo, by stage; files are in memory by then, as far as it holds."""
    bundle = open_bundle(model_path(DEFAULT_MODEL), threads=1)
    share = decisive_share("foreground")
    detector = Detector()
    extractor = Extractor(bundle.info.size_hw, bundle.info.frame, detector, None, share)
    classifier = Classifier(bundle)
    decoding = searching = extracting = 0.0
    crops = []
    for path in paths:
        extractor(path, crops=False)
        began = time.process_time()
        picture = Picture(path)
        decoded = time.process_time()
        search(picture, detector, min_face=extractor.least(picture.size_hw), min_share=share)
        searched = time.process_time()
        crops.append(extractor(path, crops=False).crops)
        decoding += decoded - began
        searching += searched - decoded
        extracting += time.process_time() - searched
    began = time.process_time()
    classifier.p_male(np.concatenate(crops), batch=BATCH)
    classifying = time.process_time() - began
    costs = {
        "decode": decoding,
        "find faces": searching,
        "crop": extracting - decoding - searching,
        "classify": classifying,
    }
    return {stage: 1000 * seconds / len(paths) for stage, seconds in costs.items()}
