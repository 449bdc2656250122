"""What a process and all that it started hold in memory."""

from pathlib import Path


def tree_megabytes(process: int) -> float:
    """Proportional set size of a process and all below it: a page that several share counts once.

    A process that is gone, or ends meanwhile, holds nothing.
    """
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [c for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return 0.0
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own * 1024 / 1e6 + sum(tree_megabytes(int(child)) for child in children)
