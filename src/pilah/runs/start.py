"""How a run folder begins, and when an interrupted run may resume in it."""

import os
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pilah.errors import DataError
from pilah.files import replacing, write_text
from pilah.runs.folder import Run
from pilah.runs.recipe import Recipe, read_recipe


def start_run(folder: Path, recipe: Recipe, manifest: Path, data: dict[str, Any]) -> Run:
    """Begin a run, or resume an interrupted one of the same recipe and data.

    Args:
        folder: the run folder.
        recipe: how it trains.
        manifest: the file with its faces.
        data: what environment.json says of them; `data_digest` names them.

    Raises:
        DataError: the folder holds a finished run, another run, or something else.
    """
    run = Run(folder)
    if _is_new(folder):
        _begin(run, recipe, manifest, data)
        return run
    check_folder(folder)
    same_data = run.data_digest == data["data_digest"]
    if read_recipe(run.recipe) != recipe or not same_data:
        raise DataError(
            f"{folder} holds an unfinished run of another recipe or other data; name another "
            "folder with --to, or give the same recipe and manifest to resume it"
        )
    # The same data may lie elsewhere by now
    with replacing(run.manifest) as draft:
        shutil.copyfile(manifest, draft)
    return run


def check_folder(folder: Path) -> None:
    """Refuse a folder in which no run can begin or resume.

    Raises:
        DataError: the folder holds a finished run, or something else.
    """
    run = Run(folder)
    if run.finished:
        raise DataError(
            f"{folder} holds a finished run; name another folder with --to, or look at it with "
            f"`pilah evaluate {folder}`"
        )
    if not _is_new(folder) and not run.environment.is_file():
        raise DataError(f"{folder} exists and is not a run folder; name another one with --to")


def _is_new(folder: Path) -> bool:
    return not folder.exists() or not any(folder.iterdir())


def _begin(run: Run, recipe: Recipe, manifest: Path, data: dict[str, Any]) -> None:
    run.folder.mkdir(parents=True, exist_ok=True)
    write_text(run.recipe, recipe.to_toml())
    shutil.copyfile(manifest, run.manifest)
    # Written last: its presence says that the folder is a run that can resume
    run.write_environment(
        {
            "command": " ".join(["pilah", *sys.argv[1:]]),
            **data,
            "python": platform.python_version(),
            "keras": version("keras"),
            "pilah": version("pilah"),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "seconds": 0.0,
        }
    )
