"""`pilah card`: the model card, from models and their audits."""

from pathlib import Path
from typing import Annotated

import typer

from pilah.cli.options import Quiet, check_audit_extra
from pilah.errors import DataError
from pilah.progress import note


def card(
    to: Annotated[Path, typer.Option(metavar="FILE", help="The Markdown file to write.")],
    audits: Annotated[
        list[Path] | None,
        typer.Argument(metavar="AUDIT.json", help="Files of `pilah audit` about these models."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE",
            help="A model of the package, or the path of a model.onnx; may be repeated. "
            "[default: all in the package]",
        ),
    ] = None,
    failures: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Markdown to put under the heading Known failures."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write the model card.

    It holds use, data and terms of the models, and their figures by group.
    """
    check_audit_extra("pilah card")
    for path in audits or []:
        if not path.is_file():
            raise DataError(f"{path} cannot be read; give an audit.json that `pilah audit` wrote")
    from pilah.audit.card import write_card
    from pilah.models import model_names, model_path

    models = [model_path(name) for name in model or model_names()]
    write_card(models, audits or [], to, failures=failures)
    note(to)
