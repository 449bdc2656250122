"""Everything that decides how a network is trained, in one TOML file.

The defaults are the study's recipe. The recipes of the package (`recipes/*.toml`) hold only what
differs; a run folder's `recipe.toml` holds all of it.
"""

import difflib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pilah.errors import RecipeError
from pilah.runs.backbones import BACKBONES

Side = Annotated[int, Field(ge=32)]
Share = Annotated[float, Field(ge=0, lt=1)]
ZoomShare = Annotated[float, Field(ge=0.3, le=1.5)]
Augment = Literal["flip", "zoom", "roll", "light", "quality", "erase"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DataRecipe(_Section):
    """What the network sees: `size_hw` is the height and width in pixels of a face crop."""

    size_hw: tuple[Side, Side] = (218, 178)


class ModelRecipe(_Section):
    """Backbone and head.

    `pretrained` is `imagenet`, `none`, a weights file, or an earlier run's folder or model bundle,
    whose backbone is then used. `pretrained_on` names the data of those weights, for the tables.
    `trainable` counts the last layers in `keras.applications`' own layer list, or is `all`.
    Dropout follows the first hidden layer. With `mirror` the finished model answers by the mean
    over a face and its mirror image, which costs twice the time.
    """

    backbone: str = "inception_v3"
    pretrained: str = "imagenet"
    pretrained_on: str = ""
    trainable: Annotated[int, Field(ge=0)] | Literal["all"] = "all"
    pooling: Literal["flatten", "average"] = "flatten"
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (256, 512)
    dropout: Share = 0.5
    mirror: bool = False

    @property
    def starts_from_bundle(self) -> bool:
        """Whether the pretrained weights are those of a model bundle."""
        return self.pretrained.endswith(".onnx")


class TrainRecipe(_Section):
    """How the weights are learned.

    With `schedule = "cosine"` the rate rises over the first `warm_up` (a share of all steps) and
    then falls to zero. `norm_momentum` is how much of its average a batch normalisation keeps at
    each step (0: as the backbone has it).

    `augment` may hold `flip` (mirrored half of the time), `zoom` (a random part of the image, with
    sides between the two shares of `zoom`), `roll`, `light`, `quality` and `erase` (see
    `augment.py`). Half of the faces are rolled, by a normally distributed angle with a standard
    deviation of `roll_degrees`; `light_strength` scales every change of the light;
    `quality_share` and `erase_share` are the shares of faces that are spoilt and covered.

    `early_stopping` is the number of epochs without a better validation loss after which training
    ends (0: never); the best epoch's weights are kept then. `teacher` names a model bundle; a
    face's target is `teacher_weight` of the teacher's answer to the same picture, brought to the
    teacher's size, and the rest of the label (knowledge distillation). `other_labels` is how much
    race, age and attributes count in the loss beside the label; only `studies/on_gpu` knows them.
    `cache` computes the frozen part once; `cache_precision` is how its outputs are stored.
    """

    epochs: Annotated[int, Field(ge=1)] = 20
    batch_size: Annotated[int, Field(ge=1)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    schedule: Literal["constant", "cosine"] = "constant"
    warm_up: Share = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    norm_momentum: Share = 0.0
    label_smoothing: Share = 0.0
    augment: tuple[Augment, ...] = ()
    zoom: tuple[ZoomShare, ZoomShare] = (0.75, 1.0)
    roll_degrees: Annotated[float, Field(ge=0, le=60)] = 10.0
    light_strength: Annotated[float, Field(ge=0, le=3)] = 1.0
    quality_share: Annotated[float, Field(ge=0, le=1)] = 0.4
    erase_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    early_stopping: Annotated[int, Field(ge=0)] = 0
    teacher: str = ""
    teacher_weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    other_labels: Annotated[float, Field(ge=0)] = 0.0
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    cache: bool = True
    cache_precision: Literal["float16", "float32"] = "float16"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1


class Recipe(_Section):
    """A whole recipe. `repeats_study` marks the ones that the study's table compares with."""

    name: Annotated[str, Field(min_length=1)]
    repeats_study: bool = False
    data: DataRecipe = DataRecipe()
    model: ModelRecipe = ModelRecipe()
    train: TrainRecipe = TrainRecipe()

    @model_validator(mode="after")
    def _fits_together(self) -> "Recipe":
        backbone = _known_backbone(self.model.backbone)
        if min(self.data.size_hw) < backbone.smallest:
            raise RecipeError(
                f"size_hw = {list(self.data.size_hw)} is too small for {self.model.backbone}; "
                f"both sides must be at least {backbone.smallest}"
            )
        if self.train.zoom[0] > self.train.zoom[1]:
            raise RecipeError(f"zoom = {list(self.train.zoom)}; give the smaller share first")
        if self.train.warm_up and self.train.schedule == "constant":
            raise RecipeError('warm_up needs a schedule; set schedule = "cosine", or take it out')
        varied = [kind for kind in self.train.augment if kind != "flip"]
        if varied and self.train.cache and self.model.trainable != "all":
            raise RecipeError(
                f"augment = {varied[0]} cannot work with cached frozen layers, which know only an "
                f"image and its mirror; take {varied[0]} out, or set cache = false"
            )
        if self.train.teacher and self.train.cache and self.model.trainable != "all":
            raise RecipeError(
                "a teacher must see the pictures, and cached frozen layers have none left; take "
                "teacher out, or set cache = false"
            )
        return self

    @property
    def stored_hw(self) -> tuple[int, int]:
        """Height and width at which faces are kept, so that the closest zoom still has detail."""
        share = min(1.0, self.train.zoom[0]) if "zoom" in self.train.augment else 1.0
        height, width = self.data.size_hw
        return round(height / share), round(width / share)

    def to_toml(self) -> str:
        """The complete recipe as TOML, which `read_recipe` reads back to an equal one."""
        return tomli_w.dumps(self.model_dump())

    def with_pretrained(self, pretrained: str, pretrained_on: str) -> "Recipe":
        """The same recipe from other starting weights."""
        start = {"pretrained": pretrained, "pretrained_on": pretrained_on}
        return self.model_copy(update={"model": self.model.model_copy(update=start)})


def study_recipe(backbone: str) -> Recipe:
    """The study's recipe for one of its three networks.

    Raises:
        RecipeError: there is no such backbone.
    """
    trainable = _known_backbone(backbone).study_trainable
    if trainable is None:
        raise RecipeError(f"the study did not train {backbone}; give a recipe file with --recipe")
    model = ModelRecipe(backbone=backbone, trainable=trainable)
    return Recipe(name=backbone, repeats_study=True, model=model)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        RecipeError: the file is missing or not TOML, a key is unknown (the closest known one is
            named), or a value is of the wrong kind or out of range.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(
            f"no recipe at {path}; give a recipe file, or one of the package such as xception"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid TOML: {error}; fix that line") from None
    try:
        # Through JSON, where strict checking lets a list stand for a tuple
        return Recipe.model_validate_json(json.dumps({"name": path.stem, **raw}, default=str))
    except ValidationError as error:
        raise RecipeError(f"{path}: {_say(error.errors()[0])}") from None
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _say(problem: Any) -> str:
    """One line about one of pydantic's findings."""
    place = [part for part in problem["loc"] if isinstance(part, str)]
    if problem["type"] == "extra_forbidden":
        section = Recipe.model_fields[place[0]].annotation if len(place) > 1 else Recipe
        known = list(section.model_fields)  # type: ignore[union-attr]
        close = difflib.get_close_matches(place[-1], known, n=1, cutoff=0)[0]
        return f"unknown key {'.'.join(place)}; did you mean {close}?"
    place = place[:2]  # what follows is pydantic's, not the reader's
    return f"{'.'.join(place)} = {problem['input']!r}; {problem['msg'].lower()}"


def _known_backbone(name: str) -> Any:
    if name not in BACKBONES:
        raise RecipeError(f"unknown backbone {name!r}; choose one of {', '.join(BACKBONES)}")
    return BACKBONES[name]
