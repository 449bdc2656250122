"""How many cores this process may use: its affinity, and the CPU quota of its container."""

import math
import os
from collections.abc import Iterator
from pathlib import Path


def usable_cores(
    own: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")
) -> int:
    """Cores that this process may use, at least 1; a quota of 1.5 cores counts as 2.

    Args:
        own: the file that says in which control groups this process is (Linux).
        mounted: where those groups lie.
    """
    quotas = [math.ceil(quota) for quota in _quotas(own, mounted)]
    return max(1, min([_affinity(), *quotas]))


def limited_cores() -> int:
    """`usable_cores` where they are fewer than this machine has; else 0, for no limit."""
    usable = usable_cores()
    return usable if usable < (os.cpu_count() or 1) else 0


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(own: Path, mounted: Path) -> Iterator[float]:
    """Quotas, in cores, of the groups that this process is in and of those around them."""
    try:
        lines = own.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            root, read = mounted, _quota_v2
        elif "cpu" in controllers.split(","):
            root, read = mounted / controllers, _quota_v1
            root = root if root.is_dir() else mounted / "cpu"
        else:
            continue
        group = root / path.lstrip("/")
        # Inside a container the path may be the host's; what counts lies at the root then.
        for folder in (group, *group.parents):
            quota = read(folder)
            if quota is not None:
                yield quota
            if folder == root:
                break


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        return quota / int((folder / "cpu.cfs_period_us").read_text()) if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
