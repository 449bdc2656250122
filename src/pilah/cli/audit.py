"""`pilah audit LABELLED.csv`: for whom a model errs, and how much."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pilah.cli.options import Model
from pilah.cli.progress import progress_bar
from pilah.errors import MissingExtra

if TYPE_CHECKING:
    from pilah.audit.audit import Audit
    from pilah.audit.cells import Cell
    from pilah.evaluation.rate import Rate

WORST = 5
SHOWN_FAILURES = 20


def audit(
    labelled: Annotated[
        Path,
        typer.Argument(
            metavar="LABELLED.csv",
            help="A CSV with the columns path,label (or file,gender) and columns of groups; a "
            "manifest is one.",
        ),
    ],
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for audit.md, audit.json and two pictures.")
    ],
    by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN,...",
            help="The columns of groups. [default: every column of 2 to 20 different values]",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Take this split of a manifest only, such as test.")
    ] = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="The photos are face crops already: detect nothing.")
    ] = False,
    title: Annotated[
        str | None,
        typer.Option(help="What the photos are, for the heading. [default: the CSV's name]"),
    ] = None,
    model: Model = None,
) -> None:
    """Measure a model on labelled photos, by group: errors, unsure answers, calibration, gaps.

    The exit code is 1 when some photos could not be read.
    """
    try:
        from pilah.audit.audit import audit as run_audit
        from pilah.audit.audit import audited_model
        from pilah.audit.labelled import group_columns, read_photos
        from pilah.audit.write import audit_folder, write_audit
    except ModuleNotFoundError:
        raise MissingExtra("pilah audit", "audit") from None
    from pilah.faces.detect import DETECTOR
    from pilah.models import DEFAULT, model_path
    from pilah.pipeline import load

    photos = read_photos(labelled, split=split)
    names = None if by is None else [name.strip() for name in by.split(",")]
    columns = group_columns(photos, names, labelled)
    path = model_path(model or DEFAULT)
    pilah = load(path, min_share=1)  # the largest face counts
    try:
        with audit_folder(to) as folder, progress_bar() as progress:
            task = progress.add_task("Auditing", total=len(photos))
            audited = run_audit(
                photos,
                columns,
                lambda paths: pilah.predict_many(paths, crops=crops),
                title=title or (f"{labelled.stem}, {split}" if split else labelled.stem),
                model=audited_model(path, pilah.info),
                detector=None if crops else DETECTOR,
                progress=lambda done: progress.update(task, completed=done),
            )
            write_audit(audited, folder)
    except KeyboardInterrupt:
        print("pilah: stopped; nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None
    finally:
        pilah.close()
    _print(audited)
    typer.echo(to / "audit.md")
    raise typer.Exit(1 if audited.unreadable else 0)


def _print(audited: "Audit") -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    large = [cell for cell in audited.intersections if not cell.small]
    shown = [audited.whole, *audited.columns[0].groups, *large[:WORST]]
    table = Table(
        *("", "faces", "accuracy", "unsure", "error\nwhen clear"),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for cell in shown:
        shares = (_share(rate) for rate in (cell.unsure, cell.clear_error))
        table.add_row(escape(_name(cell)), f"{cell.faces:,}", _interval(cell.accuracy), *shares)
    console = Console()
    console.print(table)
    typer.echo(f"Below the labels: the {WORST} worst cells of two columns. 95% intervals (Wilson).")
    typer.echo(f"ECE {audited.whole.ece:.4f}, threshold {audited.model.min_confidence:.1%}.")
    if audited.detector:
        typer.echo(
            f"No face found in {_share(audited.whole.no_face)} of {audited.whole.photos:,} photos; "
            f"accuracy with these as wrong: {_interval(audited.whole.accuracy_of_photos)}."
        )
    for column in audited.columns:
        gap = column.accuracy_gap
        if gap.points is not None and gap.more_than_chance:
            typer.echo(
                f"Groups of {column.name} differ in accuracy by more than chance (p "
                f"{gap.p_holm:.2g}): {gap.least} is {100 * gap.points:.1f} points below {gap.most}."
            )
    for name, why in audited.unreadable[:SHOWN_FAILURES]:
        print(f"unreadable: {name}: {why}", file=sys.stderr)
    if len(audited.unreadable) > SHOWN_FAILURES:
        more = len(audited.unreadable) - SHOWN_FAILURES
        print(f"and {more:,} more, named in audit.md", file=sys.stderr)


def _name(cell: "Cell") -> str:
    """Such as `female, race: Black`: the label needs no name."""
    parts = (value if name == "label" else f"{name}: {value}" for name, value in cell.group.items())
    return ", ".join(parts) or "all"


def _share(rate: "Rate | None") -> str:
    return f"{rate.value:.1%}" if rate else "-"


def _interval(rate: "Rate | None") -> str:
    return f"{rate.value:.1%} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]" if rate else "-"
