"""The Study page: its table and charts are those of the files, shipped runs among them."""

import json
import shutil

import pytest
from PIL import Image

from pilah.app import study
from pilah.app.plain import plain
from pilah.evaluation.published import STUDY
from pilah.texts import texts

SAY = texts("en")


@pytest.fixture
def no_shipped(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(study, "SHIPPED", tmp_path / "nowhere")


def rows(page) -> dict[str, dict[str, str]]:
    """The table by run (or by network, of the study alone), with the empty cells left out."""
    table = page.table[0].value.reset_index()
    network = SAY("study.backbone")
    return {
        (row[network] if name == SAY("study.published") else name): {
            key: cell for key, cell in row.items() if cell
        }
        for name, row in zip(table[SAY("study.run")], table.to_dict("records"), strict=True)
    }


def test_without_runs_the_study_stands_alone(page_alone, no_shipped):
    page = page_alone("study")
    assert not page.exception
    assert [info.value for info in page.info] == [
        SAY("study.none_shipped"),
        SAY("study.none_own"),
    ]
    found = rows(page)
    assert list(found) == [plain(name) for name in STUDY]
    for name, figures in STUDY.items():
        row = found[plain(name)]
        assert row[SAY("study.study_test_accuracy")] == f"{figures.test_accuracy:.3f}"
        assert SAY("study.test_accuracy") not in row
    assert len(page.get("vega_lite_chart")) == 0


def test_the_table_is_that_of_the_metrics_files(page_alone, no_shipped, runs):
    page = page_alone("study", runs=(runs,))
    metrics = json.loads((runs / "xception_again" / "metrics.json").read_text())
    row = rows(page)[plain("xception_again")]
    for split, word in (("validation", "val"), ("test", "test")):
        value = metrics[split]["accuracy"]["value"]
        assert row[SAY(f"study.{word}_accuracy")] == f"{value:.3f}"
        assert row[SAY(f"study.{word}_loss")] == f"{metrics[split]['loss']:.3f}"
    assert row[SAY("study.study_test_loss")] == f"{STUDY['xception'].test_loss:.3f}"
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
    assert next(iter(rows(page_alone("study")))) == plain("pilah/xception_again")
    page = page_alone("study", runs=(runs,))
    assert {plain("pilah/xception_again"), plain("xception_again")} <= set(rows(page))
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
