"""What every command has: help that can be read, a version, quiet, errors on standard error."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

import pilah
from pilah.cli import EXIT_CODES, program
from pilah.cli.tables import counts, figures, show
from pilah.progress import QUIET, note
from pilah.wording import counted

COMMANDS = typer.main.get_group(program).commands
QUIETABLE = sorted(set(COMMANDS) - {"predict", "models", "app", "serve"})


def run(*words: str, columns: int = 80):
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(
        program, words, prog_name="pilah", terminal_width=columns
    )


@pytest.mark.parametrize("words", [["-m", "pilah"], ["-c", "from pilah.cli import main; main()"]])
def test_the_version(words: list[str]) -> None:
    command = [sys.executable, *words, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"pilah {pilah.__version__}\n"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_60_columns_and_names_the_exit_codes(name: str) -> None:
    done = run(*name.split(), "--help", columns=60)
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 60
    assert EXIT_CODES in re.sub(r"\s+", " ", done.stdout)


def test_the_list_of_commands_cuts_no_sentence() -> None:
    listed = run("--help", columns=60).stdout.split("Commands:")[1]
    assert all(re.search(rf"  {name} ", listed) for name in COMMANDS)
    assert "..." not in listed


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_without_a_value_shows_its_default(name: str) -> None:
    text = re.sub(r"\s+", " ", run(name, "--help").stdout)
    for param in COMMANDS[name].params:
        takes_value = param.param_type_name == "option" and not getattr(param, "is_flag", False)
        if takes_value and not param.required:
            help_text = text.split(f" {param.opts[0]} ", 1)[1].split(" --", 1)[0]
            optional = {"--pretrained-on", "--max-error", "--runs", "--failures", "--split"}
            optional |= {"--api-key-file"}
            either = {"--backbone", "--recipe"}
            if param.opts[0] not in optional | either:
                assert "[default: " in help_text, (param.opts, help_text)


def test_what_cannot_start_is_said_on_standard_error_alone(tmp_path: Path) -> None:
    for words in (["sort"], ["sort", "x"], ["no-such-command"], ["models", "--no-such-option"]):
        done = run(*words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "Error: " in done.stderr
    command = [sys.executable, "-m", "pilah", "train", str(tmp_path / "no.csv")]
    done = subprocess.run(
        [*command, "--recipe", "xception"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("pilah: error: no file at ")


@pytest.mark.parametrize(
    "words",
    [
        ["train", "no.csv", "--recipe", "xception"],
        ["export", "no-run"],
        ["evaluate", "no-run"],
        ["compare", "no-run", "--to", "x"],
        ["audit", "no.csv", "--to", "x"],
        ["prepare", "nothing", "--to", "x"],
        ["card", "no.json", "--to", "x.md"],
    ],
)
def test_a_missing_file_is_found_before_anything_slow_is_imported(
    words: list[str], tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom pilah.cli import main\ntry:\n    main()\nfinally:\n"
        "    slow = {'tensorflow', 'keras', 'sklearn', 'matplotlib', 'onnxruntime', 'scipy'}\n"
        "    assert not slow & set(sys.modules), slow & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", QUIETABLE)
def test_quiet_is_an_option_of_every_command_that_does_work(name: str) -> None:
    assert {"--quiet", "-q"} <= {option for param in COMMANDS[name].params for option in param.opts}


def test_quiet_prints_errors_only(capsys: pytest.CaptureFixture[str]) -> None:
    token = QUIET.set(True)
    try:
        note("done")
        show(counts({"female": 1}, of_crops=False))
    finally:
        QUIET.reset(token)
    assert capsys.readouterr().out == ""
    note("done")
    assert capsys.readouterr().out == "done\n"


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_narrow_terminal_cuts_no_figure(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    table = figures("", "faces", "accuracy")
    table.add_row("a name of a model that is long", "12,345", "0.925 [0.801, 0.974]")
    show(table)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "12,345" in line]
    assert "a name of a model that is long" in line and "0.925 [0.801, 0.974]" in line


def test_models_are_listed_whole_on_a_narrow_terminal() -> None:
    known = json.loads(run("models", "--json").stdout)
    shown = run("models", columns=40).stdout
    assert "…" not in shown
    for model in known:
        assert f"{model['megabytes']:.1f} MB" in shown and f"{model['accuracy']:.1%}" in shown


@pytest.mark.parametrize(
    ("number", "noun", "plural", "words"),
    [
        (0, "photo", "", "0 photos"),
        (1, "photo", "", "1 photo"),
        (1200, "photo", "", "1,200 photos"),
        (1, "person", "people", "1 person"),
        (2, "person", "people", "2 people"),
    ],
)
def test_a_count_agrees_with_its_noun(number: int, noun: str, plural: str, words: str) -> None:
    assert counted(number, noun, plural) == words


@pytest.mark.parametrize(
    "words", [["sort", ".", "--to", "out"], ["video", __file__, "--to", "out"], ["predict", "x"]]
)
def test_ctrl_c_while_the_model_loads_is_one_line(words: list[str], tmp_path: Path) -> None:
    code = (
        "import signal, pilah.pipeline as pipeline\n"
        "pipeline.load = lambda *_, **__: signal.raise_signal(signal.SIGINT)\n"
        "from pilah.cli import main; main()"
    )
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.startswith("pilah: stopped.") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["sort", "in", "--to", ""], ["sort", "in", "--to="], ["undo", ""]]
)
def test_an_empty_argument_is_refused(words: list[str], tmp_path: Path) -> None:
    code = "from pilah.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("pilah: error: an empty argument")
    assert list(tmp_path.iterdir()) == []
