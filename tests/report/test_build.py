import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fabricated import Sort, broken, photo

from pilah.errors import SortError
from pilah.models.bundle import BundleInfo
from pilah.report import build_report, write_report

NAMES = ["results.csv", "results.parquet", "report.html"]


def pilah(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    code = "from pilah.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True
    )


def test_the_same_sort_gives_the_same_files(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.02, 0.6), "b.jpg": photo(0.9), "bad": broken("cut")})
    paths = write_report(target, info=info)
    assert paths == [target / name for name in NAMES]
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in write_report(target, info=info)] == first


def test_what_the_user_wrote_into_a_report_is_kept(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.02)})
    write_report(target, info=info)
    made = (target / "results.csv").read_text()
    for number in (1, 2):
        (target / "results.csv").write_text(f"{made}note {number}\n")
        write_report(target, info=info)
    write_report(target, info=info)
    assert (target / "results.csv").read_text() == made
    assert (target / "results (edited).csv").read_text() == f"{made}note 1\n"
    assert sorted(target.glob("results (edited)*")) == [
        target / "results (edited) (2).csv",
        target / "results (edited).csv",
    ]


def test_files_are_named_as_they_are(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.02)})
    target = target.rename(target.with_name("so\u202frted\nx"))
    files = build_report(target, info=info).to_json()["files"]
    assert all(map(os.path.isfile, files)) and len(files) == 3


def test_the_report_leaves_nothing_else_behind(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.02)})
    write_report(target, info=info)
    assert sorted(os.listdir(target)) == sorted([*NAMES, ".pilah", "female"])
    assert os.listdir(target / ".pilah/scratch") == []


def test_a_users_own_file_is_never_overwritten(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.02)})
    (target / "report.html").write_text("my own")
    with pytest.raises(SortError, match=r"report\.html exists and is not from pilah"):
        write_report(target, info=info)
    assert (target / "report.html").read_text() == "my own"
    assert not (target / "results.csv").exists()


def test_a_folder_without_a_sort_is_refused_and_untouched(tmp_path: Path, info: BundleInfo) -> None:
    with pytest.raises(SortError, match="holds no sort"):
        write_report(tmp_path, info=info)
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_written_is_one_line_and_the_old_report_stays(
    sort: Sort, info: BundleInfo
) -> None:
    target = sort({"a.jpg": photo(0.02)})
    write_report(target, info=info)
    before = (target / "report.html").read_bytes()
    scratch = target / ".pilah/scratch"
    scratch.rmdir()
    scratch.write_text("in the way")
    with pytest.raises(SortError, match="cannot write the report into") as raised:
        write_report(target, info=info)
    assert "\n" not in str(raised.value)
    assert (target / "report.html").read_bytes() == before


def test_machines_get_counts_shares_and_intervals(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.02, 0.6), "b.jpg": photo(0.97), "bad": broken("cut")})
    told = json.loads(json.dumps(build_report(target, info=info).to_json()))
    assert told["photos"] == 3
    assert told["bins"] == {
        "female": 0,
        "male": 1,
        "mixed": 0,
        "unsure": 1,
        "no_face": 0,
        "unreadable": 1,
    }
    assert told["faces"] == {"female": 1, "male": 1, "unsure": 1}
    assert told["share_of_women"]["raw"]["value"] == 0.5
    assert set(told["share_of_women"]["corrected"]) == {"value", "low", "high"}
    assert [Path(path).name for path in told["files"]] == NAMES


def test_the_command_rebuilds_the_report(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.02), "b.jpg": photo(0.97)})
    build = write_report(target, info=replace(info, name="the first"))
    build[2].unlink()
    done = pilah("report", target, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["model"]["name"] == "the first"
    assert build[2].is_file()
    shown = pilah("report", target)
    assert "Women among 2 clear faces: 50.0%" in shown.stdout
    assert shown.stdout.splitlines()[-1] == str(build[2])


def test_the_command_says_in_one_line_what_is_wrong(sort: Sort, tmp_path: Path) -> None:
    for folder, words in (
        (tmp_path / "nowhere", "holds no sort"),
        (sort({"a.jpg": photo(0.02)}), "add --model"),
    ):
        done = pilah("report", folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
