r"""Does anything say better than the confidence where a model is likely wrong?

    python -m studies.error_prediction data/fairface data/utkface reserved.txt --model pilah-small

FairFace's folder holds `fairface_label_train.csv` and its images; UTKFace's holds its files, of
which those that the list names are left out. The model answers the 2,500 photos of FairFace's train
part that no shipped model learned from, each face together with its mirror image. To the log odds
of an error that its confidence gives, a linear correction is learned (as the second output of
Geifman and El-Yaniv, "SelectiveNet", 2019, on the network's finished features) from what else is
known:

    age         the age group that the features tell, learned on other photos
    picture     height, sharpness, tilt and detector's score of the face, the answer, and how far
                the answers about the face and its mirror image are apart
    features    32 principal components of the network's features

and boosted trees are asked about all of it. They learn from the errors on four fifths of the photos
and are asked about the last fifth, by turns; and from those on photos of UTKFace, which no model
has learned from, and where there are more errors.

Each is measured by the area under its risk-coverage curve (the mean share of errors among the
faces that it is surest about, over all coverages), beside that of the confidence. An interval is
from 2,000 bootstrap samples of the faces.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.optimize import minimize
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pilah import runtime
from pilah.answers import logit_of
from pilah.faces.detect import Detector
from pilah.faces.extract import Extractor
from pilah.models import model_path
from pilah.models.bundle import open_bundle
from pilah.types import Box
from pilah.video.look import sharpness
from studies.training_faces import fairface, utkface

SAMPLE = 6000
"""Photos of UTKFace that errors are learned from, and of FairFace that ages are learned from."""

COMPONENTS = 32
PENALTIES = (0.1, 0.01)
"""Of the squared corrections, for standardised inputs."""

FOLDS = 5
BOOTSTRAPS = 2000


@dataclass(frozen=True)
class _Known:
    """What is known of faces, a row each; `sure` is how far the answer's log odds are from even."""

    sure: np.ndarray
    wrong: np.ndarray
    picture: np.ndarray
    features: np.ndarray

    def at(self, rows: np.ndarray) -> "_Known":
        """Of some faces."""
        return _Known(self.sure[rows], self.wrong[rows], self.picture[rows], self.features[rows])


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fairface", type=Path, help="folder with FairFace's train part")
    parser.add_argument("utkface", type=Path, help="folder of UTKFace's files")
    parser.add_argument("reserved", type=Path, help="list of UTKFace's files for reporting")
    parser.add_argument("--model", default="pilah-small", help="a model of the package, or a file")
    options = parser.parse_args()
    rows = pd.DataFrame(fairface(options.fairface.absolute(), 0, {}))
    faces = _Faces(options.model)
    asked, _ = faces.known(rows[rows["split"] == "validation"])
    reserved = set(options.reserved.read_text().split())
    unseen = pd.DataFrame(utkface(options.utkface.absolute(), reserved))
    others, _ = faces.known(unseen.sample(SAMPLE, random_state=1))
    aged, ages = faces.known(rows[rows["split"] == "train"].sample(SAMPLE, random_state=1))
    age = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    age.fit(aged.features, ages["age"])
    components = PCA(COMPONENTS, random_state=1).fit(aged.features)

    def inputs(known: _Known) -> dict[str, np.ndarray]:
        kinds = {
            "age": age.predict_proba(known.features),
            "picture": known.picture,
            "features": components.transform(known.features),
        }
        return {**kinds, "all": np.hstack(list(kinds.values()))}

    of_asked, of_others = inputs(asked), inputs(others)
    doubts = {"confidence": -asked.sure}
    for name, penalty in product(of_asked, PENALTIES):
        doubts[f"{name}, by turns, {penalty}"] = _by_turns(of_asked[name], asked, penalty)
        learned = _learn(of_others[name], others, penalty)
        doubts[f"{name}, from UTKFace, {penalty}"] = learned(of_asked[name], asked.sure)
    trees = HistGradientBoostingClassifier(max_depth=3, learning_rate=0.03, random_state=1)
    trees.fit(np.column_stack([others.sure, of_others["all"]]), others.wrong)
    all_known = np.column_stack([asked.sure, of_asked["all"]])
    doubts["trees on all, from UTKFace"] = trees.predict_proba(all_known)[:, 1]
    _print(options.model, doubts, asked.wrong)


class _Faces:
    """Finds, crops and looks at the main face of photos, and gives the network's features."""

    def __init__(self, model: str) -> None:
        bundle = open_bundle(model_path(model))
        self._extractor = Extractor(
            bundle.info.size_hw, bundle.info.frame, Detector(), min_face=8, min_share=1
        )
        graph = onnx.load(model_path(model))
        answer = next(node for node in graph.graph.node if node.op_type == "Gemm")
        self._asked = [answer.input[0], "probabilities"]
        graph.graph.output.append(onnx.ValueInfoProto(name=answer.input[0]))
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            file.write(graph.SerializeToString())
            file.flush()
            self._session = runtime.open_session(Path(file.name), threads=1)

    def known(self, rows: pd.DataFrame) -> tuple[_Known, pd.DataFrame]:
        """What is known of the faces that were found, and their rows."""
        kept, looked = [], []
        for index, path in track(rows["path"].items(), "Looking", total=len(rows)):
            extracted = self._extractor(str(path), crops=False)
            if not len(extracted.crops):
                continue
            crop, found = extracted.crops[0], extracted.detections[0]
            looks = np.stack([crop, crop[:, ::-1]])
            features, answers = self._session.run(self._asked, {"image": looks})
            logits = logit_of(answers[:, 1])
            whole = Box(0, 0, crop.shape[1], crop.shape[0])
            blur = np.log(sharpness(crop, whole) + 0.01)
            apart = abs(logits[0] - logits[1])
            height = np.log(extracted.heights[0])
            picture = [height, blur, abs(found.tilt), found.score, logits.mean() > 0, apart]
            kept.append(index)
            looked.append((logits.mean(), picture, features.reshape(2, -1).mean(axis=0)))
        logit, pictures, features_of = (np.array(column) for column in zip(*looked, strict=True))
        found_rows = rows.loc[kept]
        wrong = (logit > 0) != (found_rows["label"] == "male").to_numpy()
        return _Known(np.abs(logit), wrong, pictures, features_of), found_rows


def _learn(
    inputs: np.ndarray, known: _Known, penalty: float
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Learn log odds of an error: a scale and a shift of the confidence's, and a correction."""
    scaler = StandardScaler().fit(inputs)
    columns, sign = scaler.transform(inputs), np.where(known.wrong, 1.0, -1.0)

    def log_odds(weights: np.ndarray, columns: np.ndarray, sure: np.ndarray) -> np.ndarray:
        odds: np.ndarray = weights[1] - np.exp(weights[0]) * sure + columns @ weights[2:]
        return odds

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        against = -sign * log_odds(weights, columns, known.sure)
        slope = -sign / (1 + np.exp(-against)) / len(sign)
        gradient = columns.T @ slope + penalty * weights[2:]
        scale = -(slope * known.sure).sum() * np.exp(weights[0])
        value = np.logaddexp(0, against).mean() + penalty * (weights[2:] ** 2).sum() / 2
        return value, np.concatenate([[scale, slope.sum()], gradient])

    start = np.zeros(2 + columns.shape[1])
    weights = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return lambda inputs, sure: log_odds(weights, scaler.transform(inputs), sure)


def _by_turns(inputs: np.ndarray, known: _Known, penalty: float) -> np.ndarray:
    """Log odds of an error of each face, learned on others."""
    doubt = np.zeros(len(inputs))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=1)
    for taught, asked in folds.split(inputs, known.wrong):
        learned = _learn(inputs[taught], known.at(taught), penalty)
        doubt[asked] = learned(inputs[asked], known.sure[asked])
    return doubt


def _area(doubt: np.ndarray, wrong: np.ndarray) -> float:
    surest_first = wrong[np.argsort(doubt, kind="stable")]
    return float((np.cumsum(surest_first) / np.arange(1, len(wrong) + 1)).mean())


def _print(model: str, doubts: dict[str, np.ndarray], wrong: np.ndarray) -> None:
    generator = np.random.default_rng(1)
    samples = [generator.integers(0, len(wrong), len(wrong)) for _ in range(BOOTSTRAPS)]
    areas = {
        name: np.array([_area(doubt, wrong), *(_area(doubt[s], wrong[s]) for s in samples)])
        for name, doubt in doubts.items()
    }
    table = Table(title=f"{model}: {int(wrong.sum())} errors in {len(wrong):,} faces")
    for column in ("ordered by", "area under risk-coverage", "change", "95% interval"):
        table.add_column(column, justify="right")
    for name, area in areas.items():
        change, *sampled = area / areas["confidence"] - 1
        low, high = np.quantile(sampled, [0.025, 0.975])
        table.add_row(name, f"{area[0]:.5f}", f"{change:+.1%}", f"{low:+.1%} to {high:+.1%}")
    Console().print(table)


if __name__ == "__main__":
    main()
