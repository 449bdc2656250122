"""`pilah train`: manifest.csv and a recipe -> a run folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pilah.cli.options import Quiet, check_file
from pilah.errors import MissingExtra, RecipeError
from pilah.models import model_names, model_path
from pilah.progress import note

if TYPE_CHECKING:
    from pilah.runs.recipe import Recipe

ORIGINS = {"imagenet": "ImageNet", "none": "nothing"}
"""What --pretrained-on is where --pretrained says enough."""


def train(
    manifest: Annotated[Path, typer.Argument(help="The manifest.csv that `pilah prepare` wrote.")],
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Train with the study's recipe: inception_v3, resnet50_v2 or xception.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Train with this recipe: one of the package, such as xception, or a TOML file.",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The run folder. [default: runs/NAME of the recipe]"),
    ] = None,
    pretrained: Annotated[
        str | None,
        typer.Option(
            metavar="WEIGHTS",
            help="Start from these weights: imagenet, none, a weights file, a run folder, a "
            "model of the package, or a model.onnx. [default: the recipe's]",
        ),
    ] = None,
    pretrained_on: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="The data of those weights, for the tables, such as ImageNet."
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep what the frozen layers give in this folder (gigabytes): further runs with "
            "the same layers and faces begin at once. [default: kept until the run is finished]",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train a network.

    Prints one line per epoch. Run the same command again to resume an interrupted run.
    """
    if (backbone is None) == (recipe is None):
        raise RecipeError("give either --backbone NAME or --recipe FILE")
    try:
        from pilah.recipes import recipe_path
        from pilah.runs.recipe import read_recipe, study_recipe
        from pilah.runs.start import check_folder
    except ModuleNotFoundError as error:
        raise MissingExtra(f"`pilah train` (it needs {error.name})", "train") from None

    chosen = read_recipe(recipe_path(recipe)) if recipe else study_recipe(str(backbone))
    chosen = _with_start(chosen, pretrained, pretrained_on)
    folder = to if to is not None else Path("runs") / chosen.name
    check_file(manifest, "make one with `pilah prepare`")
    check_folder(folder)
    try:
        from pilah.training.train import train as run_training
    except ModuleNotFoundError as error:
        raise MissingExtra(f"`pilah train` (it needs {error.name})", "train") from None

    try:
        run = run_training(chosen, manifest, folder, cache=cache)
    except KeyboardInterrupt:
        print("pilah: stopped. Run the same command again to resume.", file=sys.stderr)
        raise typer.Exit(130) from None
    note(f"Trained: {run.folder}\nNext: pilah evaluate {run.folder}")


def _with_start(recipe: "Recipe", pretrained: str | None, pretrained_on: str | None) -> "Recipe":
    """The recipe with the weights that the command line names, and what they were trained on."""
    start = pretrained if pretrained is not None else recipe.model.pretrained
    if start in model_names():
        start = str(model_path(start))
    data = pretrained_on if pretrained_on is not None else recipe.model.pretrained_on
    data = data or ORIGINS.get(start, "")
    if not data:
        raise RecipeError(
            f"the weights {start} do not say what they were trained on; add --pretrained-on, such "
            "as --pretrained-on ImageNet"
        )
    return recipe.with_pretrained(start, data)
