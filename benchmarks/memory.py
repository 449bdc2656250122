"""What a process and all that it started hold in memory, and how long they have computed."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def tree_megabytes(process: int) -> float:
    """Proportional set size of a process and all below it: a page that several share counts once.

    A process that is gone, or ends meanwhile, holds nothing.
    """
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        children = _children(process)
    except OSError:
        return 0.0
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own * 1024 / 1e6 + sum(map(tree_megabytes, children))


def tree_seconds(process: int) -> float:
    """CPU time, in seconds, of a process and all below it that have not ended."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rsplit(")")[1].split()
        children = _children(process)
    except OSError:
        return 0.0
    user, system = map(int, after_name[11:13])
    return (user + system) / TICKS + sum(map(tree_seconds, children))


def _children(process: int) -> list[int]:
    tasks = list(Path(f"/proc/{process}/task").iterdir())
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
