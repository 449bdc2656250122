import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import skimage.data
from PIL import Image
from typer.testing import CliRunner

import pilah
from pilah.cli import program

SRC = Path(pilah.__file__).parent.parent
ENV = {**os.environ, "PYTHONPATH": str(SRC)}
PREDICT = [sys.executable, "-c", "from pilah.cli import main; main()", "predict"]


def predict(*arguments: str | bytes | Path) -> tuple[int, str, str]:
    words = ["predict", *map(os.fsdecode, arguments)]
    done = CliRunner().invoke(program, words, prog_name="pilah")
    return done.exit_code, done.stdout, done.stderr


def predict_listed(*arguments: str | Path, stdin: bytes) -> tuple[int, str, str]:
    """With a list on a real pipe."""
    done = subprocess.run(
        [*PREDICT, *arguments], input=stdin, env=ENV, capture_output=True, timeout=60
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(skimage.data.astronaut()).save(folder / "astronaut.jpg")
    Image.new("L", (24, 32), 0).save(folder / "black.png")
    Image.new("L", (24, 32), 255).save(folder / "white.png")
    Image.new("L", (24, 32), 128).save(folder / "grey.png")
    (folder / "bad.jpg").write_text("text")
    return folder


def test_a_line_a_face(photos: Path, tiny_bundle: Path) -> None:
    code, out, _ = predict("--model", tiny_bundle, photos / "astronaut.jpg", photos / "black.png")
    face, none = out.splitlines()
    assert code == 0
    assert face.startswith(f"{photos}/astronaut.jpg: ") and "P(male) 0." in face
    assert none == f"{photos}/black.png: no face"


def test_a_device_that_is_not_there_is_one_line(photos: Path, tiny_bundle: Path) -> None:
    code, out, err = predict("--device", "directml", "--model", tiny_bundle, photos / "black.png")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "'directml'" in err and "choose from cpu" in err


def test_crops_are_labelled_whole_and_a_bad_one_sets_the_exit_code(
    photos: Path, tiny_bundle: Path
) -> None:
    names = ["black", "white", "grey"]
    code, out, _ = predict(
        "--crops", "--model", tiny_bundle, *(photos / f"{n}.png" for n in names), photos / "bad.jpg"
    )
    assert code == 1
    said = [line.removeprefix(f"{photos}/") for line in out.splitlines()]
    assert [line.split(",")[0] for line in said[:3]] == [
        "black.png: female",
        "white.png: male",
        "grey.png: unsure",
    ]
    assert said[3] == "bad.jpg: cannot be read: not an image, or of a kind that is not supported"
    assert (
        "grey.png: male"
        in predict(
            "--crops", "--min-confidence", "0.5", "--model", tiny_bundle, photos / "grey.png"
        )[1]
    )


def test_json_is_one_object_a_line(photos: Path, tiny_bundle: Path) -> None:
    code, out, _ = predict(
        "--json", "--model", tiny_bundle, photos / "astronaut.jpg", photos / "bad.jpg"
    )
    good, bad = map(json.loads, out.splitlines())
    assert code == 1
    names = ("path", "label", "p_male", "error", "size_hw", "rotation", "depth", "faces")
    assert tuple(good) == tuple(bad) == names
    assert good["path"] == str(photos / "astronaut.jpg") and good["error"] is None
    assert (good["rotation"], good["depth"]) == (0, 20)
    (face,) = good["faces"]
    left, top, right, bottom = face["box"]
    assert left < right and top < bottom
    assert face["p_male"] == good["p_male"] and face["label"] == good["label"]
    assert 0 < face["detector_score"] <= 1
    assert (bad["label"], bad["p_male"], bad["faces"]) == (None, None, [])
    assert "not an image" in bad["error"]


def test_standard_input_is_answered_before_it_ends(photos: Path, tiny_bundle: Path) -> None:
    with subprocess.Popen(
        [*PREDICT, "--crops", "--json", "--model", tiny_bundle, "-"],
        env=ENV,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for name, label in (("black", "female"), ("white", "male")):
            process.stdin.write(os.fsencode(photos / f"{name}.png") + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["label"] == label
        process.stdin.write(os.fsencode(photos / "white.png"))  # no newline at the end
        process.stdin.close()
        assert json.loads(process.stdout.readline())["label"] == "male"
        assert process.wait(20) == 0


def test_any_name_can_be_printed(tmp_path: Path, tiny_bundle: Path) -> None:
    names = [b"\xff\xfe.png", b"new\nline.png", "🙂 é.png".encode()]
    paths = [os.path.join(os.fsencode(tmp_path), name) for name in names]
    for path in paths:
        with open(path, "wb") as file:
            Image.new("L", (24, 32), 255).save(file, "PNG")
    code, out, err = predict("--crops", "--json", "--model", tiny_bundle, *paths)
    assert (code, err) == (0, "")
    assert [os.fsencode(json.loads(line)["path"]) for line in out.splitlines()] == paths
    code, out, err = predict("--crops", "--model", tiny_bundle, *paths)
    assert (code, err) == (0, "")
    assert [line.removeprefix(f"{tmp_path}/").split(":")[0] for line in out.splitlines()] == [
        r"\udcff\udcfe.png",
        r"new\nline.png",
        "🙂 é.png",
    ]


def labels_of(out: str) -> list[str]:
    return [json.loads(line)["label"] for line in out.splitlines()]


@pytest.mark.parametrize(
    ("listed", "options"),
    [
        ("{black}\n{white}\n", []),
        ("{black}\r\n{white}\r\n", []),
        ("{black}\r\n{white}", []),
        ("\n{black}\n\n\n{white}\n\n", []),
        ("\ufeff{black}\r\n{white}\r\n", []),
        ("{black}\0{white}\0", ["-0"]),
        ("{black}\0{white}", ["--null"]),
    ],
)
def test_lists_as_other_programs_write_them(
    photos: Path, tiny_bundle: Path, listed: str, options: list[str]
) -> None:
    text = listed.format(black=photos / "black.png", white=photos / "white.png")
    arguments = ("--crops", "--json", "--model", tiny_bundle, *options, "-")
    code, out, err = predict_listed(*arguments, stdin=text.encode())
    assert (code, labels_of(out), err) == (0, ["female", "male"], "")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_list_from_powershell(photos: Path, tiny_bundle: Path, encoding: str) -> None:
    text = f"\ufeff{photos / 'black.png'}\r\n{photos / 'white.png'}\r\n".encode(encoding)
    code, out, _ = predict_listed("--crops", "--json", "--model", tiny_bundle, "-", stdin=text)
    assert (code, labels_of(out)) == (0, ["female", "male"])


def test_any_name_can_be_listed_with_null_bytes(tmp_path: Path, tiny_bundle: Path) -> None:
    names = [b"new\nline.png", b"return.png\r", b"\xef\xbb\xbfmark.png", b"\xff\xfe.png"]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            Image.new("L", (24, 32), 255).save(file, "PNG")
    done = subprocess.run(
        [*PREDICT, "--crops", "--json", "--model", tiny_bundle, "-0", "-"],
        input=b"\0".join(names) + b"\0",
        env=ENV,
        cwd=tmp_path,
        capture_output=True,
    )
    found = [os.fsencode(json.loads(line)["path"]) for line in done.stdout.splitlines()]
    assert (done.returncode, found) == (0, names)


def test_null_bytes_are_about_standard_input(photos: Path, tiny_bundle: Path) -> None:
    code, out, err = predict("-0", "--model", tiny_bundle, photos / "black.png")
    assert (code, out) == (2, "") and "add - to read them" in err and err.count("\n") == 1


def in_a_shell(command: str, **environment: str) -> tuple[int, bytes, str]:
    program = " ".join(shlex.quote(word) for word in PREDICT[:-1])
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; pilah() {{ {program} "$@"; }}; {command}'],
        env={**ENV, **environment},
        capture_output=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr.decode()


COMMANDS = ["models", "models --json", "--help", "predict --crops {}", "predict --crops --json {}"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line(photos: Path, command: str) -> None:
    code, _, err = in_a_shell(f"pilah {command.format(photos / 'black.png')} > /dev/full")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("pilah: error: standard output cannot be written (No space left")
    assert in_a_shell(f"pilah {command.format(photos / 'black.png')} > /dev/full 2>&1")[0] == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_went_away_is_no_error_to_read_about(photos: Path, command: str) -> None:
    _, out, err = in_a_shell(f"pilah {command.format(photos / 'black.png')} | true")
    assert (out, err) == (b"", "")


def test_closed_streams(photos: Path) -> None:
    code, _, err = in_a_shell("pilah predict - <&-")
    assert (code, err.count("\n")) == (2, 1) and "standard input is closed" in err
    assert in_a_shell(f"pilah predict --crops {photos / 'black.png'} >&-") == (0, b"", "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_is_not_utf_8(tmp_path: Path, encoding: str) -> None:
    name = "é 🙂.png"
    Image.new("L", (24, 32), 255).save(tmp_path / name)
    for command in (f"cd {tmp_path}; pilah predict --crops *.png", "pilah models", "pilah --help"):
        code, out, err = in_a_shell(command, PYTHONIOENCODING=encoding)
        assert (code, err) == (0, "")
        assert out.decode(encoding)
    _, out, _ = in_a_shell(f"pilah predict --crops {tmp_path}/*.png", PYTHONIOENCODING=encoding)
    shown = name.encode(encoding, "backslashreplace").decode(encoding)
    assert out.decode(encoding).startswith(f"{tmp_path}/{shown}: ")


def test_what_makes_the_whole_wrong_is_one_line_and_code_2(photos: Path, tiny_bundle: Path) -> None:
    for arguments in (
        ["--model", "nonesuch", photos / "black.png"],
        ["--model", photos / "bad.jpg", photos / "black.png"],
        ["--model", tiny_bundle, "--min-confidence", "7", photos / "black.png"],
    ):
        code, out, err = predict(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("pilah: error: ") and err.count("\n") == 1


def test_a_maximum_error_chooses_the_threshold(photos: Path, tiny_bundle: Path) -> None:
    for max_error, label in (("0.1", "male"), ("0.05", "unsure")):
        arguments = ("--crops", "--max-error", max_error, "--model", tiny_bundle)
        code, out, _ = predict(*arguments, photos / "grey.png")
        assert (code, out.split(",")[0]) == (0, f"{photos}/grey.png: {label}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--max-error", "0.01"), "tiny cannot promise an error of at most 1.00%"),
        (("--max-error", "7"), "a maximum error of 7.0 is out of range"),
        (("--max-error", "nan"), "a maximum error of nan is out of range"),
        (("--min-face", "nan"), "a smallest face of nan is out of range"),
        (("--min-face", "-1"), "a smallest face of -1.0 is out of range"),
        (("--max-error", "0.1", "--min-confidence", "0.9"), "exclude each other"),
    ],
)
def test_what_cannot_be_asked_of_a_model_is_one_line(
    photos: Path, tiny_bundle: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = predict(*arguments, "--model", tiny_bundle, photos / "grey.png")
    assert (code, out) == (2, "")
    assert said in err and err.count("\n") == 1


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_stopping_leaves_no_worker_behind(kill: int, photos: Path, tiny_bundle: Path) -> None:
    with subprocess.Popen(
        [*PREDICT, "--model", tiny_bundle, *[photos / "astronaut.jpg"] * 3000],
        env={**ENV, "PILAH_TEST": f"stop-{os.getpid()}-{kill}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, kill)
        process.communicate(timeout=20)
    mark = f"PILAH_TEST=stop-{os.getpid()}-{kill}".encode()

    def left() -> list[str]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
        return found

    until = time.monotonic() + 10
    while left() and time.monotonic() < until:
        time.sleep(0.1)
    assert left() == []
