"""Made-up run folders, through the stage and through the command line in fresh processes."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from pilah.errors import DataError
from pilah.evaluation.evaluate import evaluate_run

PROGRAM = """
import sys
from pilah.cli import main
try:
    main()
finally:
    assert not {"keras", "tensorflow", "matplotlib.pyplot"} & set(sys.modules)
"""
PLOTS = {
    *("accuracy", "loss", "confusion_matrix", "roc", "reliability"),
    *("risk_coverage", "wrong_predictions"),
}


def pilah(*arguments):
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def make_run(folder, *, splits=("train", "validation", "test"), repeats=True, mistakes=3, epochs=2):
    folder.mkdir()
    (folder / "recipe.toml").write_text(
        f'name = "x"\nrepeats_study = {str(repeats).lower()}\n[model]\nbackbone = "xception"\n'
        'pretrained_on = "ImageNet"\ntrainable = 30\n'
    )
    (folder / "environment.json").write_text('{"seconds": 120.0, "parameters": 21000000}')
    rows = [f"{epoch},0.3,0.9,0.2,0.92,0.0001,1.5" for epoch in range(1, epochs + 1)]
    header = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds"
    (folder / "history.csv").write_text("\n".join([header, *rows, ""]))
    image = folder / "grey.png"
    Image.fromarray(np.full((22, 18, 3), 128, np.uint8)).save(image)
    with (folder / "scores.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "split", "label", "p_male"])
        for split in splits:
            for index in range(40):
                male = bool(index % 2) != (index < mistakes)
                path = image if index else folder / "gone.png"
                writer.writerow([path, split, "male" if index % 2 else "female", 0.9 * male])
    return folder


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"mistakes": 0},
        {"epochs": 1},
        {"splits": ("train", "validation")},
        {"splits": ("train",)},
    ],
)
def test_evaluate_writes_numbers_and_plots(tmp_path, how):
    run = make_run(tmp_path / "$a_[b]$", **how)
    evaluate_run(run)
    numbers = json.loads((run / "metrics.json").read_text())
    assert list(numbers) == list(how.get("splits", ("train", "validation", "test")))
    assert numbers["train"]["n"] == 40
    assert numbers["train"]["accuracy"]["value"] == 1 - how.get("mistakes", 3) / 40
    calibrated = [split["calibrated"] for split in numbers.values() if "calibrated" in split]
    assert len(calibrated) == (len(numbers) if "validation" in numbers else 0)
    assert all(part["loss"] <= numbers["validation"]["loss"] for part in calibrated)
    assert {path.stem for path in (run / "plots").iterdir()} == PLOTS
    for path in (run / "plots").iterdir():
        with Image.open(path) as image:
            image.verify()
    assert not list(run.glob(".draft-*"))


def test_the_command_prints_and_never_imports_keras(tmp_path):
    run = make_run(tmp_path / "run")
    done = pilah("evaluate", run)
    assert done.returncode == 0, done.stderr
    assert "0.925 [0.801, 0.974]" in done.stdout
    assert str(run / "plots") in done.stdout


def test_the_command_ends_with_2_and_one_line(tmp_path):
    done = pilah("evaluate", tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_compare_sets_the_study_beside_the_run_that_repeats_it(tmp_path):
    study = make_run(tmp_path / "study")
    ours = make_run(tmp_path / "ours", repeats=False, mistakes=1)
    done = pilah("compare", study, ours, "--to", tmp_path / "new" / "table")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "new" / "table" / "comparison.md").read_text()
    columns, _, first, second = (line.split(" | ") for line in text.splitlines()[:4])
    place = columns.index("study: test acc")
    assert (first[place], second[place].strip()) == ("0.952", "")
    assert first[columns.index("test acc [95%]")].startswith("0.925 [0.8")
    assert "Best by validation accuracy: ours." in text
    assert "not tested on the same faces" in text
    with Image.open(tmp_path / "new" / "table" / "comparison.png") as image:
        image.verify()


def test_no_study_columns_without_a_run_that_repeats_it(tmp_path):
    done = pilah("compare", make_run(tmp_path / "a", repeats=False), "--to", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "study" not in (tmp_path / "comparison.md").read_text()


def put(name, text):
    return lambda run: (run / name).write_text(text)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda run: (run / "recipe.toml").unlink(), "not a run folder"),
        (lambda run: (run / "scores.csv").unlink(), "same `pilah train` command again"),
        (lambda run: (run / "history.csv").unlink(), "history.csv cannot be read"),
        (lambda run: (run / "scores.csv").write_bytes(b"\xff\xfe\x00"), "cannot be read as CSV"),
        (put("scores.csv", ""), "cannot be read as CSV"),
        (put("scores.csv", "path,split,label\n"), "no column p_male"),
        (put("scores.csv", "path,split,label,p_male\n"), "has no rows"),
        (put("scores.csv", "path,split,label,p_male\na,test,male,1.5\n"), "row 2: p_male"),
        (put("scores.csv", "path,split,label,p_male\na,test,male,\n"), "row 2: p_male"),
        (put("scores.csv", "path,split,label,p_male\na,test,2,0.5\n"), "row 2: label"),
        (put("scores.csv", "path,split,label,p_male\na,dev,male,0.5\n"), "row 2: split"),
        (put("history.csv", "epoch,loss,accuracy,val_loss,val_accuracy\n1,a,1,1,1\n"), "no number"),
        (put("recipe.toml", "= 3"), "cannot be read"),
        (put("recipe.toml", 'model = "xception"'), "names no backbone"),
        (put("environment.json", "[]"), "is not what `pilah train` wrote"),
        (put("environment.json", '{"seconds": "3"}'), "seconds is not a number"),
    ],
)
def test_a_broken_run_is_one_line_and_leaves_nothing(tmp_path, break_it, message):
    run = make_run(tmp_path / "run")
    break_it(run)
    before = sorted(run.iterdir())
    with pytest.raises(DataError, match=message) as error:
        evaluate_run(run)
    assert len(str(error.value).splitlines()) == 1
    assert sorted(run.iterdir()) == before


def test_calibration_needs_no_plots():
    code = "import sys, pilah.evaluation.calibrate; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("command", "more"), [("evaluate", ()), ("compare", ("--to", "x"))])
def test_a_missing_extra_names_its_installation(tmp_path, command, more):
    blocked = "import sys; sys.modules['pandas'] = None\n" + PROGRAM
    arguments = [sys.executable, "-c", blocked, command, str(make_run(tmp_path / "run")), *more]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'pilah[audit]'" in done.stderr
