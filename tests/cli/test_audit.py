"""Audits of generated images and of a portrait, in fresh processes that may not know Keras."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

import pilah

PROGRAM = """
import sys
from pilah.cli import main
try:
    main()
finally:
    assert not {"keras", "tensorflow", "matplotlib.pyplot"} & set(sys.modules)
"""
ENV = {**os.environ, "PYTHONPATH": str(Path(pilah.__file__).parent.parent), "COLUMNS": "80"}


def run(*arguments: object, program: str = PROGRAM) -> tuple[int, str, str]:
    command = [sys.executable, "-W", "error", "-c", program, *map(str, arguments)]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty crops that the tiny bundle gets right, but for women of group b, and one bad file."""
    folder = tmp_path_factory.mktemp("labelled")
    for name, grey in (("black", 0), ("white", 255), ("grey", 128)):
        Image.new("L", (24, 32), grey).save(folder / f"{name}.png")
    lines = ["file,gender,race,Eyeglasses,score,split"]
    for index in range(80):
        label, race = ("Female", "Male")[index % 2], ("a", "b")[index // 2 % 2]
        image = "white" if label == "Male" or (race == "b" and index < 60) else "black"
        photo = folder / f"{index}.png"
        photo.symlink_to(folder / f"{'grey' if index >= 76 else image}.png")
        lines.append(f"{photo.name},{label},{race},{-1 if index % 8 else 1},{index},test")
    (folder / "bad.png").write_text("text")
    lines += ["bad.png,Male,a,-1,99,test", "elsewhere.png,Male,a,-1,100,train"]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "labels.csv"


def test_an_audit_by_groups(labelled: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    to = tmp_path / "new" / "audit"
    code, out, err = run(
        *("audit", labelled, "--crops", "--split", "test", "--model", tiny_bundle, "--to", to)
    )
    assert code == 1
    assert err == f"unreadable: {labelled.parent}/bad.png: not an image, or of a kind that is " + (
        "not supported\n"
    )
    pictures = {"audit.png", "risk_coverage.png"}
    assert {path.name for path in to.iterdir()} == {"audit.md", "audit.json", *pictures}
    for name in pictures:
        with Image.open(to / name) as image:
            image.verify()
    found = json.loads((to / "audit.json").read_text())
    assert (found["title"], found["detector"]) == ("labels, test", None)
    assert (found["whole"]["photos"], found["whole"]["faces"]) == (80, 80)
    assert found["whole"]["unsure"]["value"] == 4 / 80
    assert [column["name"] for column in found["columns"]] == ["label", "race", "Eyeglasses"]
    races = found["columns"][1]
    assert [cell["group"]["race"] for cell in races["groups"]] == ["b", "a"]
    assert races["accuracy_gap"]["p_holm"] < 0.05
    assert (races["accuracy_gap"]["least"], races["accuracy_gap"]["most"]) == ("b", "a")
    assert races["groups"][0]["risk_coverage"][0]["coverage"] == 1
    assert {cell["group"]["Eyeglasses"] for cell in found["columns"][2]["groups"]} == {"yes", "no"}
    crossed = {tuple(cell["group"].values()): cell for cell in found["intersections"]}
    assert crossed["female", "b"]["accuracy"]["value"] == 4 / 20
    assert crossed["female", "b"]["small"]
    text = (to / "audit.md").read_text()
    assert "| label: female, race: b † | 20 | 20.0% (8.1 to 41.6) | 80.0%" in text
    answered = (
        "| answered, if 1% of the answers may be wrong (minimum confidence found on these faces) |"
    )
    assert f"{answered} 80 | - |" in text
    assert "Groups of race differ in accuracy by more than chance" in out
    assert str(to / "audit.md") in out
    assert re.search(r"^ race: b, Eyeglasses: no +40 ", out, re.M), out

    card = tmp_path / "card.md"
    failures = tmp_path / "failures.md"
    failures.write_text("- Grey.\n")
    arguments = ("card", to / "audit.json", "--to", card, "--failures", failures)
    code, out, err = run(*arguments, "--model", tiny_bundle)
    assert (code, out, err) == (0, f"{card}\n", "")
    text = card.read_text()
    for words in ("# Model card: `tiny` 1", "CC BY 4.0", "### labels, test", "- Grey.", "Terms"):
        assert words in text
    assert "Not measured" not in text and text.endswith(".\n") and "\n\n\n" not in text
    assert all(line.count("|") == 9 for line in text.splitlines() if re.match(r"\| race: ", line))
    code, _, err = run(*arguments)  # the models of the package are others
    assert code == 2 and "is of another file of tiny 1" in err and err.count("\n") == 1


def test_photos_without_a_face_count_as_wrong(tiny_bundle: Path, tmp_path: Path) -> None:
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "portrait.png")
    Image.new("L", (200, 200), 128).save(tmp_path / "none.png")
    labelled = tmp_path / "labels.csv"
    labelled.write_text("path,label\nportrait.png,female\nnone.png,male\n")
    to = tmp_path / "audit"
    code, out, err = run(*("audit", labelled, "--title", "A|B", "--model", tiny_bundle, "--to", to))
    assert (code, err) == (0, "")
    whole = json.loads((to / "audit.json").read_text())["whole"]
    assert (whole["photos"], whole["faces"], whole["no_face"]["value"]) == (2, 1, 0.5)
    assert whole["accuracy_of_photos"]["n"] == 2
    assert whole["accuracy_of_photos"]["value"] == whole["accuracy"]["value"] / 2
    assert "No face found in 50.0% of 2 photos" in out
    assert "# Audit: A\\|B" in (to / "audit.md").read_text()


def test_a_manifest_without_its_duplicates(
    tiny_bundle: Path, labelled: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.csv"
    white = labelled.parent / "white.png"
    manifest.write_text(
        "path,label,identity,split,duplicate_of,age,veil\n"
        f"{white},male,,test,,03-Sep,\n{labelled.parent / 'black.png'},female,,test,,Oct-19,1\n"
        f"{labelled.parent / '1.png'},male,,,{white},Oct-19,1\n"
    )
    arguments = ("audit", manifest, "--crops", "--model", tiny_bundle, "--to", tmp_path / "audit")
    assert run(*arguments)[0] == 0
    found = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert found["whole"]["photos"] == 2
    assert "(minimum confidence found on these faces) | 2 | 100.0% |" in (
        (tmp_path / "audit" / "audit.md").read_text()
    )
    groups = {
        column["name"]: {cell["group"][column["name"]] for cell in column["groups"]}
        for column in found["columns"]
    }
    assert groups == {
        "label": {"female", "male"},
        "age": {"3-9", "10-19"},
        "veil": {"not stated", "1"},
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{csv}", "--by", "age"), "has no column 'age' to audit by; its columns: race, Eyeg"),
        (("{csv}", "--by", "race,score"), "'score' has 82 different values"),
        (("{csv}", "--split", "dev"), "no photo in a split 'dev'; its splits: test, train"),
        (("{csv}", "--model", "nonesuch"), "no model 'nonesuch'"),
        (("{folder}/gone.csv",), "no file at"),
        (("{folder}/black.png",), "cannot be read as a CSV file"),
        (("{csv}", "--split", "train"), "no face was found in 1 photo, 1 of which cannot be read"),
    ],
)
def test_what_cannot_be_audited_is_one_line_and_leaves_nothing(
    arguments: tuple[str, ...], said: str, labelled: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    filled = [word.format(csv=labelled, folder=labelled.parent) for word in arguments]
    model = () if "--model" in arguments else ("--model", tiny_bundle)
    code, out, err = run("audit", *filled, "--crops", *model, "--to", tmp_path / "to")
    assert (code, out) == (2, "")
    assert said in err and err.startswith("pilah: error: ") and err.count("\n") == 1
    assert list(tmp_path.rglob("*.*")) == []


def test_a_folder_that_cannot_be_written_is_told_before_the_work(
    labelled: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    code, _, err = run("audit", labelled, "--model", tiny_bundle, "--to", tmp_path / "file")
    assert code == 2 and "cannot be written into" in err and err.count("\n") == 1


def test_an_interrupted_audit_writes_nothing(tiny_bundle: Path, tmp_path: Path) -> None:
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "astronaut.png")
    for index in range(2000):
        (tmp_path / f"{index}.png").symlink_to(tmp_path / "astronaut.png")
    labelled = tmp_path / "labels.csv"
    labelled.write_text("path,label\n" + "".join(f"{n}.png,female\n" for n in range(2000)))
    to = tmp_path / "to"
    command = [sys.executable, "-c", PROGRAM, "audit", labelled, "--model", tiny_bundle, "--to", to]
    with subprocess.Popen(command, env=ENV, stderr=subprocess.PIPE, text=True) as process:
        while not (to.is_dir() and list(to.iterdir())):
            assert process.poll() is None
            time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        started = 2 if len(os.sched_getaffinity(0)) > 1 else 0  # one core alone needs no workers
        while len(children.read_text().split()) < started:
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(2)  # the workers have started
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[1] == "pilah: stopped; nothing was written\n"
    assert process.returncode == 130
    assert list(to.iterdir()) == []


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        ("{}", "is not an audit.json"),
        ("text", "is not an audit.json"),
        ('{"format": "pilah audit 1"}', "is not an audit.json"),
        ('{"format": "pilah audit 1", "model": "small"}', "is not an audit.json"),
        (None, "cannot be read"),
    ],
)
def test_a_card_of_what_is_no_audit(audit: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    if audit is not None:
        path.write_text(audit)
    code, _, err = run("card", path, "--to", tmp_path / "card.md")
    assert code == 2 and said in err and err.count("\n") == 1
    assert not (tmp_path / "card.md").exists()


@pytest.mark.parametrize("command", ["audit", "card"])
def test_a_missing_extra_names_its_installation(command: str, tmp_path: Path) -> None:
    blocked = f"import sys; sys.modules['scipy'] = None\n{PROGRAM}"
    code, _, err = run(command, tmp_path / "x", "--to", tmp_path / "to", program=blocked)
    assert code == 2 and "pip install 'pilah[audit]'" in err
