"""How many cores a container gives; the files are those that Linux writes."""

import os
from pathlib import Path

import pytest

from pilah.cores import usable_cores

ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def group(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def cores(tmp_path: Path, own: str) -> int:
    (tmp_path / "own").write_text(own)
    return usable_cores(tmp_path / "own", tmp_path / "groups")


@pytest.mark.parametrize(
    ("own", "files", "least"),
    [
        ("0::/\n", {"cpu.max": "100000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, ALL),
        ("0::/a/b\n", {"a/cpu.max": "100000 100000\n", "a/b/cpu.max": "max 100000\n"}, 1),
        ("0::/of/the/host\n", {"cpu.max": "100000 100000\n"}, 1),
        ("0::/\n", {}, ALL),
        ("0::/\n", {"cpu.max": "nonsense"}, ALL),
        ("3:cpuset:/\n", {"cpuset/cpu.cfs_quota_us": "100000"}, ALL),
        (
            "2:cpu,cpuacct:/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "100000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            1,
        ),
        ("1:cpu:/x\n", {"cpu/x/cpu.cfs_quota_us": "9", "cpu/x/cpu.cfs_period_us": "100"}, 1),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, ALL),
    ],
)
def test_the_quota_of_a_container_counts(
    tmp_path: Path, own: str, files: dict[str, str], least: int
) -> None:
    group(tmp_path / "groups", files)
    assert cores(tmp_path, own) == least


def test_part_of_a_core_is_one_more(tmp_path: Path) -> None:
    group(tmp_path / "groups", {"cpu.max": "150000 100000\n"})
    assert cores(tmp_path, "0::/\n") == min(2, ALL)


def test_without_control_groups_affinity_counts(tmp_path: Path) -> None:
    assert usable_cores(tmp_path / "none", tmp_path) == ALL
