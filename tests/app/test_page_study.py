"""The Study page: its table and charts are those of the files, shipped runs among them."""

import html
import json
import re
import shutil

import pytest
from PIL import Image

from pilah.app import study
from pilah.app.plain import plain
from pilah.app.study_charts import by_data, label_bars
from pilah.app.study_table import FIGURES
from pilah.evaluation.published import ADDRESS, STUDY, TITLE
from pilah.texts import texts

SAY = texts("en")


@pytest.fixture
def no_shipped(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(study, "SHIPPED", tmp_path / "nowhere")


def rows(page) -> dict[str, list[str]]:
    """The table by run (or by network, of the study alone): each cell's lines, ours first."""
    found = {}
    for row in re.findall("<tr>(.*?)</tr>", page.html[0].value)[1:]:
        name, about = re.findall("<code>(.*?)</code></em><small>(.*?)</small>", row)[0]
        cells = [re.sub("<[^>]*>", " ", cell) for cell in re.findall("<td>(.*?)</td>", row)]
        key = about if name == SAY("study.published") else name
        found[html.unescape(key)] = [" ".join(cell.split()) for cell in cells]
    return found


def test_without_runs_the_study_stands_alone(page_alone, no_shipped):
    page = page_alone("study")
    assert not page.exception
    assert [info.value for info in page.info] == [
        SAY("study.none_shipped"),
        SAY("study.none_own"),
    ]
    assert rows(page) == {
        name: [f"study {getattr(figures, column):.3f}" for column in FIGURES]
        for name, figures in STUDY.items()
    }
    assert len(page.get("vega_lite_chart")) == 0
    assert any(f"[{TITLE}]({ADDRESS})" in said.value for said in page.markdown)


def test_the_table_is_that_of_the_metrics_files(page_alone, no_shipped, runs):
    page = page_alone("study", runs=(runs,))
    metrics = json.loads((runs / "xception_again" / "metrics.json").read_text())
    cells = dict(zip(FIGURES, rows(page)["xception_again"], strict=True))
    rate = metrics["test"]["accuracy"]
    study = STUDY["xception"]
    assert cells == {
        "val_accuracy": f"{metrics['validation']['accuracy']['value']:.3f} study 0.929",
        "val_loss": f"{metrics['validation']['loss']:.3f} study {study.val_loss:.3f}",
        "test_accuracy": f"{rate['value']:.3f} ({rate['low']:.3f} to {rate['high']:.3f})"
        f" study {study.test_accuracy:.3f}",
        "test_loss": f"{metrics['test']['loss']:.3f} study {study.test_loss:.3f}",
    }
    assert SAY("study.unusable", name=plain("unfinished")) in [w.value for w in page.warning]
    # two curves, the labels, the confusion matrix
    assert len(page.get("vega_lite_chart")) == 4
    assert [info.value for info in page.info] == [SAY("study.none_shipped")]


def test_shipped_runs_and_own_ones_of_the_same_name_stay_apart(
    page_alone, monkeypatch, runs, tmp_path
):
    shipped = tmp_path / "study" / "xception_again"
    shutil.copytree(runs / "xception_again", shipped)
    monkeypatch.setattr(study, "SHIPPED", shipped.parent)
    assert next(iter(rows(page_alone("study")))) == "pilah/xception_again"
    page = page_alone("study", runs=(runs,))
    assert {"pilah/xception_again", "xception_again"} <= set(rows(page))
    # two curves, one chart of the labels that both share, two confusion matrices
    assert len(page.get("vega_lite_chart")) == 5


def test_wrong_predictions_are_shown_of_own_runs(page_alone, no_shipped, runs, tmp_path):
    run = tmp_path / "mine"
    shutil.copytree(runs / "xception_again", run)
    (run / "plots").mkdir()
    Image.new("RGB", (40, 40), "grey").save(run / "plots" / "wrong_predictions.png")
    page = page_alone("study", runs=(run,))
    assert [expander.label for expander in page.expander] == [plain("mine")]


def test_what_is_shipped_can_be_read_and_holds_no_picture():
    runs, unusable = study.read_runs([study.SHIPPED])
    assert unusable == []
    assert [run.name for run in runs if run.gallery] == []


def test_runs_that_share_their_data_share_a_chart_of_all_its_labels():
    runs, _ = study.read_runs([study.SHIPPED])
    (group,) = by_data(runs)
    assert len(group) == len(runs) == 6
    (values,) = label_bars(group[0]).to_dict()["datasets"].values()
    counts = [(row["split"], row["label"], row["n"]) for row in values]
    assert counts[:2] == [("training", "female", 1935), ("training", "male", 1565)]
    assert sum(n for _, _, n in counts) == 5000


def test_parts_of_wrongly_predicted_faces_are_shown_where_a_run_has_what_is_needed(
    page_alone, no_shipped, runs, tmp_path, tiny_bundle, portraits
):
    run = tmp_path / "mine"
    shutil.copytree(runs / "xception_again", run)
    (run / "plots").mkdir()
    Image.new("RGB", (40, 40), "grey").save(run / "plots" / "wrong_predictions.png")
    assert page_alone("study", runs=(run,)).button == []
    face = tmp_path / "face.jpg"
    face.write_bytes(portraits["bright Hopper.jpg"])
    (run / "scores.csv").write_text(
        "path,split,label,p_male\n"
        f"{face},test,female,0.9\n{face},test,male,0.9\n{tmp_path}/gone.jpg,test,male,0.2\n"
    )
    shutil.copyfile(tiny_bundle, run / "model.onnx")
    page = page_alone("study", runs=(run,))
    assert page.button[0].label == SAY("mistakes.open")
    pictures = len(page.get("image"))
    page.button[0].click().run()
    assert not page.exception
    assert len(page.get("image")) == pictures + 1
    assert SAY("mistakes.gone") in [info.value for info in page.info]
    (run / "model.onnx").write_bytes(b"no model")
    page.button[0].click().run()
    assert not page.exception
    assert "cannot be opened as an ONNX model" in page.error[0].value
