"""`pilah train`: manifest.csv and a recipe -> a run folder."""

from pathlib import Path
from typing import Annotated

import typer

from pilah.errors import MissingExtra, RecipeError


def train(
    manifest: Annotated[Path, typer.Argument(help="The manifest.csv that `pilah prepare` wrote.")],
    backbone: Annotated[
        str | None,
        typer.Option(help="Train by the study's recipe: inception_v3, resnet50_v2 or xception."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Train by this recipe: one of the package, such as xception, or a TOML file.",
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="The run folder to make or finish; runs/NAME if not given.")
    ] = None,
    pretrained: Annotated[
        str | None,
        typer.Option(help="Start from these weights: imagenet, none, a file, or a run folder."),
    ] = None,
    pretrained_on: Annotated[
        str | None,
        typer.Option(help="What those weights have seen, in words, for the tables: ImageNet."),
    ] = None,
) -> None:
    """Train a network. Run the same command again to go on after an interruption."""
    if (backbone is None) == (recipe is None):
        raise RecipeError("give either --backbone NAME or --recipe FILE")
    try:
        from pilah.recipes import recipe_path
        from pilah.runs.recipe import read_recipe, study_recipe
        from pilah.training.train import train as run_training
    except ModuleNotFoundError as error:
        raise MissingExtra(f"`pilah train` (it needs {error.name})", "train") from None

    chosen = read_recipe(recipe_path(recipe)) if recipe else study_recipe(str(backbone))
    start = pretrained if pretrained is not None else chosen.model.pretrained
    seen = pretrained_on if pretrained_on is not None else chosen.model.pretrained_on
    if not seen:
        seen = {"imagenet": "ImageNet", "none": "nothing"}.get(start, "")
    if not seen:
        raise RecipeError(
            f"the weights {start} say nothing of their origin; add --pretrained-on, such as "
            "--pretrained-on ImageNet"
        )
    chosen = chosen.with_pretrained(start, seen)
    folder = to if to is not None else Path("runs") / chosen.name
    run = run_training(chosen, manifest, folder)
    print(f"Trained: {run.folder}\nNext: pilah evaluate {run.folder}")
