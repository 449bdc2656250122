r"""Does anything say better than the confidence where a model is likely wrong?

    python -m studies.error_prediction data/fairface --model pilah-small

FairFace's folder holds `fairface_label_train.csv` and its images. The model answers the 2,500
photos of its train part that no shipped model learned from. Predictors of its errors are fitted to
four fifths of them and asked about the last fifth, by turns (Geifman and El-Yaniv, "SelectiveNet",
2019, learn such a second output with the network; here it is learned on the network's features):

    confidence          that of the likelier label, as pilah gives it
    and age             with the age group that the features tell, learned on other photos
    and picture         with the height, sharpness, tilt and detector's score of the face
    and features        with 32 principal components of the network's features too
    trees on all        gradient boosting instead of a logistic regression

Each is measured by the area under its risk-coverage curve (the mean share of errors among the
faces that it is surest about, over all coverages), beside that of the confidence. An interval is
from 2,000 bootstrap samples of the faces.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pilah import runtime
from pilah.answers import confidence_of, logit_of
from pilah.faces.detect import Detector
from pilah.faces.extract import Extractor
from pilah.models import model_path
from pilah.models.bundle import open_bundle
from pilah.models.classifier import Classifier
from pilah.types import Box
from pilah.video.look import sharpness
from studies.training_faces import fairface

AGED = 6000
COMPONENTS = 32
FOLDS = 5
BOOTSTRAPS = 2000


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fairface", type=Path, help="folder with FairFace's train part")
    parser.add_argument("--model", default="pilah-small", help="a model of the package, or a file")
    options = parser.parse_args()
    rows = pd.DataFrame(fairface(options.fairface.absolute(), 0, {}))
    held_out = rows[rows["split"] == "validation"]
    aged = rows[rows["split"] == "train"].sample(AGED, random_state=1)
    faces, known = _Faces(options.model), ("p_male", "picture", "features")
    held_out, looked = faces.of(held_out)
    aged, of_aged = faces.of(aged)
    p_male, picture, features = (np.array([face[name] for face in looked]) for name in known)
    wrong = (p_male > 0.5) != (held_out["label"] == "male").to_numpy()
    age = _logistic().fit(np.array([face["features"] for face in of_aged]), aged["age"])
    inputs = [np.abs(logit_of(p_male))[:, None]]
    predicted = {"confidence": 1 - confidence_of(p_male)}
    for name, more in (
        ("and age", age.predict_proba(features)),
        ("and picture", picture),
        ("and features", PCA(COMPONENTS, random_state=1).fit_transform(features)),
    ):
        inputs.append(more)
        predicted[name] = _by_turns(_logistic(), np.hstack(inputs), wrong)
    trees = HistGradientBoostingClassifier(max_depth=3, learning_rate=0.03, random_state=1)
    predicted["trees on all"] = _by_turns(trees, np.hstack(inputs), wrong)
    _print(options.model, predicted, wrong)


class _Faces:
    """Finds, crops and looks at the main face of photos, and gives the network's features."""

    def __init__(self, model: str) -> None:
        bundle = open_bundle(model_path(model))
        self._classifier = Classifier(bundle)
        self._extractor = Extractor(
            bundle.info.size_hw, bundle.info.frame, Detector(), min_face=8, min_share=1
        )
        graph = onnx.load(model_path(model))
        answer = next(node for node in graph.graph.node if node.op_type == "Gemm")
        self._pooled = answer.input[0]
        graph.graph.output.append(onnx.ValueInfoProto(name=self._pooled))
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            file.write(graph.SerializeToString())
            file.flush()
            self._session = runtime.open_session(Path(file.name), threads=1)

    def of(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, object]]]:
        """The rows in whose photos a face was found, and what is known of that face."""
        kept, looked = [], []
        for index, path in track(rows["path"].items(), "Looking", total=len(rows)):
            extracted = self._extractor(str(path), crops=False)
            if not len(extracted.crops):
                continue
            crop, height = extracted.crops[:1], extracted.heights[0]
            found = extracted.detections[0]
            inside = Box(0, 0, crop.shape[2], crop.shape[1])
            sharp = sharpness(crop[0], inside)
            kept.append(index)
            looked.append(
                {
                    "p_male": self._classifier.p_male(crop, np.array([height]))[0],
                    "picture": [np.log(height), np.log(sharp + 0.01), abs(found.tilt), found.score],
                    "features": self._session.run([self._pooled], {"image": crop})[0][0],
                }
            )
        return rows.loc[kept], looked


def _logistic() -> object:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))


def _by_turns(predictor: object, inputs: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """How likely each face is answered wrong, by predictors that have not seen it."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=1)
    return cross_val_predict(predictor, inputs, wrong, cv=folds, method="predict_proba")[:, 1]


def _area(doubt: np.ndarray, wrong: np.ndarray) -> float:
    surest_first = wrong[np.argsort(doubt, kind="stable")]
    return float((np.cumsum(surest_first) / np.arange(1, len(wrong) + 1)).mean())


def _print(model: str, predicted: dict[str, np.ndarray], wrong: np.ndarray) -> None:
    random = np.random.default_rng(1)
    samples = [random.integers(0, len(wrong), len(wrong)) for _ in range(BOOTSTRAPS)]
    plain = np.array([_area(predicted["confidence"][s], wrong[s]) for s in samples])
    table = Table(title=f"{model}: {int(wrong.sum())} errors in {len(wrong):,} faces")
    for column in ("ordered by", "area under risk-coverage", "change", "95% interval"):
        table.add_column(column, justify="right")
    for name, doubt in predicted.items():
        area = _area(doubt, wrong)
        change = area / _area(predicted["confidence"], wrong) - 1
        low, high = np.quantile(
            np.array([_area(doubt[s], wrong[s]) for s in samples]) / plain - 1, [0.025, 0.975]
        )
        table.add_row(name, f"{area:.5f}", f"{change:+.1%}", f"{low:+.1%} to {high:+.1%}")
    Console().print(table)


if __name__ == "__main__":
    main()
