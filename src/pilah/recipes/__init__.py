"""The recipes that come with the package, beside this file: `NAME.toml`, with how it was used."""

from pathlib import Path

from pilah.errors import RecipeError

_FOLDER = Path(__file__).parent


def recipe_names() -> list[str]:
    """Names of the recipes in the package, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def recipe_path(name: str | Path) -> Path:
    """Where a recipe's file is.

    Args:
        name: a recipe of the package, or the path of a TOML file.

    Raises:
        RecipeError: it is neither.
    """
    if str(name) in recipe_names():
        return _FOLDER / f"{name}.toml"
    path = Path(name)
    if path.is_file():
        return path
    raise RecipeError(
        f"no recipe {str(name)!r}; give the path of a recipe file, or one of: "
        f"{', '.join(recipe_names())}"
    )
