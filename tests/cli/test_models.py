import json

from typer.testing import CliRunner

from pilah.cli import program
from pilah.models import DEFAULT_MODEL, model_names


def models(*arguments: str) -> str:
    done = CliRunner().invoke(program, ["models", *arguments])
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def test_every_model_of_the_package_is_listed_and_one_is_the_default() -> None:
    out = models()
    assert all(name in out for name in model_names())
    assert f"{DEFAULT_MODEL} " in out and out.count("(the default)") == 1


def test_json_has_the_figures() -> None:
    listed = json.loads(models("--json"))
    assert [model["name"] for model in listed] == model_names()
    assert [model["name"] for model in listed if model["default"]] == [DEFAULT_MODEL]
    for model in listed:
        assert 0.5 < model["accuracy"] <= 1
        coverage = list(model["answered_at_error"].values())
        assert coverage == sorted(coverage, key=lambda share: -(share or 0))
        assert model["validation_faces"] > 0 and model["megabytes"] > 0
