"""Everything that decides how a network is trained, in one TOML file.

The defaults are the study's recipe. `studies/*.toml` hold only what differs; a run folder's
`recipe.toml` holds all of it.
"""

import difflib
import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import tomli_w

from pilah.errors import RecipeError
from pilah.training.backbones import BACKBONES

Augment = Literal["flip", "zoom"]
Pooling = Literal["flatten", "average"]
Schedule = Literal["constant", "cosine"]
Precision = Literal["float32", "mixed_bfloat16"]


@dataclass(frozen=True, slots=True)
class DataRecipe:
    """What the network sees: `size_hw` is the height and width in pixels of a face crop."""

    size_hw: tuple[int, int] = (218, 178)


@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """Backbone and head.

    `pretrained` is `imagenet`, `none`, a weights file, or the folder of an earlier run, whose
    backbone is then taken over. `pretrained_on` says in words what those weights have seen.
    `trainable` counts the last layers in `keras.applications`' own layer list, or is `all`.
    Dropout follows the first hidden layer.
    """

    backbone: str = "inception_v3"
    pretrained: str = "imagenet"
    pretrained_on: str = ""
    trainable: int | Literal["all"] = "all"
    pooling: Pooling = "flatten"
    hidden: tuple[int, ...] = (256, 512)
    dropout: float = 0.5


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """How the weights are learned.

    `early_stopping` is the number of epochs without a better validation loss after which training
    ends (0: never); the best epoch's weights are kept then. `cache` computes the frozen part once;
    `cache_precision` is how its outputs are stored.
    """

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-4
    schedule: Schedule = "constant"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    augment: tuple[Augment, ...] = ()
    early_stopping: int = 0
    precision: Precision = "float32"
    cache: bool = True
    cache_precision: Literal["float16", "float32"] = "float16"
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole recipe. `repeats_study` marks the ones that the study's table compares with."""

    name: str
    repeats_study: bool = False
    data: DataRecipe = field(default_factory=DataRecipe)
    model: ModelRecipe = field(default_factory=ModelRecipe)
    train: TrainRecipe = field(default_factory=TrainRecipe)

    def to_toml(self) -> str:
        """The complete recipe as TOML, which `read_recipe` reads back to an equal one."""
        return tomli_w.dumps(asdict(self))

    def with_pretrained(self, pretrained: str, pretrained_on: str) -> "Recipe":
        """The same recipe from other starting weights."""
        model = replace(self.model, pretrained=pretrained, pretrained_on=pretrained_on)
        return replace(self, model=model)


def study_recipe(backbone: str) -> Recipe:
    """The study's recipe for one of its three networks.

    Raises:
        RecipeError: there is no such backbone.
    """
    trainable = _known_backbone(backbone).study_trainable
    return Recipe(
        name=backbone,
        repeats_study=True,
        model=ModelRecipe(backbone=backbone, trainable=trainable),
    )


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        RecipeError: the file is missing or not TOML, a key is unknown (the closest known one is
            named), or a value is of the wrong kind or out of range.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"no recipe at {path}; see studies/*.toml for examples") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid TOML: {error}; mend that line") from None
    sections = {"data": DataRecipe, "model": ModelRecipe, "train": TrainRecipe}
    values: dict[str, Any] = {"name": path.stem}
    _refuse_unknown(raw, [item.name for item in fields(Recipe)], str(path))
    for key, value in raw.items():
        if key in sections:
            if not isinstance(value, dict):
                raise RecipeError(f"{path}: {key} must be a table; write [{key}] on its own line")
            values[key] = _read_section(sections[key], value, f"{path} [{key}]")
        else:
            values[key] = value
    recipe = Recipe(**values)
    _check(recipe, path)
    return recipe


def _read_section(kind: type[Any], raw: dict[str, Any], where: str) -> Any:
    _refuse_unknown(raw, [item.name for item in fields(kind)], where)
    return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in raw.items()})


def _refuse_unknown(raw: dict[str, Any], known: list[str], where: str) -> None:
    for key in raw:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0)
            raise RecipeError(f"{where}: unknown key {key!r}; did you mean {close[0]!r}?")


def _known_backbone(name: str) -> Any:
    if name not in BACKBONES:
        raise RecipeError(f"unknown backbone {name!r}; choose one of {', '.join(BACKBONES)}")
    return BACKBONES[name]


def _check(recipe: Recipe, path: Path) -> None:
    data, model, train = recipe.data, recipe.model, recipe.train
    backbone = _known_backbone(model.backbone)
    whole = (int,)
    number = (int, float)
    rules: list[tuple[str, object, bool, str]] = [
        ("name", recipe.name, isinstance(recipe.name, str) and bool(recipe.name), "a text"),
        ("repeats_study", recipe.repeats_study, _is(recipe.repeats_study, bool), "true or false"),
        (
            "size_hw",
            list(data.size_hw),
            len(data.size_hw) == 2
            and all(_is(side, *whole) and side >= backbone.smallest for side in data.size_hw),
            f"height and width of at least {backbone.smallest} for {model.backbone}",
        ),
        ("pretrained", model.pretrained, _is(model.pretrained, str), "imagenet, none or a path"),
        ("pretrained_on", model.pretrained_on, _is(model.pretrained_on, str), "a text"),
        (
            "trainable",
            model.trainable,
            model.trainable == "all" or (_is(model.trainable, *whole) and model.trainable >= 0),  # type: ignore[operator]
            'a number of last layers, or "all"',
        ),
        ("pooling", model.pooling, model.pooling in get_args(Pooling), "flatten or average"),
        (
            "hidden",
            list(model.hidden),
            all(_is(units, *whole) and units > 0 for units in model.hidden),
            "a list of layer widths",
        ),
        ("dropout", model.dropout, _is(model.dropout, *number) and 0 <= model.dropout < 1, "0 to 1"),
        ("epochs", train.epochs, _is(train.epochs, *whole) and train.epochs > 0, "1 or more"),
        (
            "batch_size",
            train.batch_size,
            _is(train.batch_size, *whole) and train.batch_size > 0,
            "1 or more",
        ),
        (
            "learning_rate",
            train.learning_rate,
            _is(train.learning_rate, *number) and train.learning_rate > 0,
            "more than 0",
        ),
        ("schedule", train.schedule, train.schedule in get_args(Schedule), "constant or cosine"),
        (
            "weight_decay",
            train.weight_decay,
            _is(train.weight_decay, *number) and train.weight_decay >= 0,
            "0 or more",
        ),
        (
            "label_smoothing",
            train.label_smoothing,
            _is(train.label_smoothing, *number) and 0 <= train.label_smoothing < 1,
            "0 to 1",
        ),
        (
            "augment",
            list(train.augment),
            all(kind in get_args(Augment) for kind in train.augment),
            f"a list of {' and '.join(get_args(Augment))}",
        ),
        (
            "early_stopping",
            train.early_stopping,
            _is(train.early_stopping, *whole) and train.early_stopping >= 0,
            "a number of epochs, or 0 for never",
        ),
        (
            "precision",
            train.precision,
            train.precision in get_args(Precision),
            "float32 or mixed_bfloat16",
        ),
        ("cache", train.cache, _is(train.cache, bool), "true or false"),
        (
            "cache_precision",
            train.cache_precision,
            train.cache_precision in ("float16", "float32"),
            "float16 or float32",
        ),
        ("seed", train.seed, _is(train.seed, *whole) and train.seed >= 0, "0 or more"),
    ]
    for key, value, good, wanted in rules:
        if not good:
            raise RecipeError(f"{path}: {key} = {value!r}; it must be {wanted}")
    if "zoom" in train.augment and train.cache and model.trainable != "all":
        raise RecipeError(
            f"{path}: augment = zoom cannot work with cached frozen layers, which know only the "
            "image and its mirror; take zoom out, or set cache = false"
        )


def _is(value: object, *kinds: type) -> bool:
    # bool is a kind of int to Python, not to a reader of a recipe
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
