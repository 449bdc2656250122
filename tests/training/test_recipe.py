import tomllib
from pathlib import Path

import pytest

from pilah.errors import RecipeError
from pilah.recipes import recipe_names, recipe_path
from pilah.runs.backbones import BACKBONES
from pilah.runs.recipe import Recipe, read_recipe, study_recipe


def test_the_studys_recipe() -> None:
    recipe = study_recipe("xception")
    assert recipe.model.trainable == 30
    assert recipe.model.hidden == (256, 512)
    assert recipe.model.dropout == 0.5
    assert recipe.train.epochs == 20
    assert recipe.train.learning_rate == 1e-4
    assert recipe.data.size_hw == (218, 178)


@pytest.mark.parametrize("name", ["inception_v3", "resnet50_v2", "xception"])
def test_the_studys_files_say_what_the_defaults_say(name: str) -> None:
    assert read_recipe(recipe_path(name)) == study_recipe(name)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_of_the_package_is_valid_and_survives_writing(
    name: str, tmp_path: Path
) -> None:
    recipe = read_recipe(recipe_path(name))
    copy = tmp_path / "copy.toml"
    copy.write_text(recipe.to_toml())
    assert read_recipe(copy) == recipe
    assert recipe.name == name


def test_a_written_recipe_is_complete() -> None:
    raw = tomllib.loads(study_recipe("inception_v3").to_toml())
    for section, model in Recipe.model_fields.items():
        if hasattr(model.annotation, "model_fields"):
            assert set(raw[section]) == set(model.annotation.model_fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[train]\nepoch = 3", "unknown key train.epoch; did you mean epochs?"),
        ("[modle]\nbackbone = 'xception'", "unknown key modle; did you mean model?"),
        ("[train]\nepochs = '3'", "train.epochs = '3'"),
        ("[train]\nepochs = 0", "train.epochs = 0"),
        ("[train]\ncache = 1", "train.cache = 1"),
        ("[train]\naugment = ['flop']", "train.augment = 'flop'"),
        ("[model]\nbackbone = 'vgg'", "unknown backbone 'vgg'; choose one of inception_v3"),
        ("[data]\nsize_hw = [40, 40]\n[model]\nbackbone = 'xception'", "at least 71"),
        ("[model]\ntrainable = 3\n[train]\naugment = ['zoom']", "set cache = false"),
        ("[train]\nzoom = [1.0, 0.8]", "give the smaller share first"),
        ("[train]\nseed = 99999999999", "train.seed = 99999999999"),
        ("[train]\nlearning_rate = inf", "train.learning_rate = "),
        ("[train\n", "not valid TOML"),
        ("train = 3", "train = 3"),
    ],
)
def test_a_wrong_recipe_is_one_line_with_its_remedy(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_is_named_or_is_a_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"')
    assert recipe_path(str(mine)) == mine
    assert recipe_path("xception").name == "xception.toml"
    for wrong in ("xceptoin", "../recipes/xception", "xception.toml", ""):
        with pytest.raises(RecipeError, match=r"one of: .*xception"):
            recipe_path(wrong)


def test_a_missing_recipe() -> None:
    with pytest.raises(RecipeError, match="no recipe at nowhere"):
        read_recipe(Path("nowhere.toml"))


def test_the_study_knows_three_networks() -> None:
    known = [name for name, backbone in BACKBONES.items() if backbone.study_trainable]
    assert known == ["inception_v3", "resnet50_v2", "xception"]
    with pytest.raises(RecipeError, match="the study did not train efficientnet_lite0"):
        study_recipe("efficientnet_lite0")
