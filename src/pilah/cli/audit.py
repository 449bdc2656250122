"""`pilah audit LABELLED.csv`: a model's errors by group."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pilah.cli.options import Model, Quiet, check_audit_extra, check_file
from pilah.cli.tables import figures, show
from pilah.progress import note, progress_bar
from pilah.wording import counted

if TYPE_CHECKING:
    from pilah.audit.audit import Audit
    from pilah.audit.cells import Cell
    from pilah.rate import Rate

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
            help="Columns whose values are groups. [default: each one with 2 to 20 values]",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Use only this split of a manifest, such as test.")
    ] = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="The photos are face crops; do not look for faces.")
    ] = False,
    title: Annotated[
        str | None,
        typer.Option(help="What the photos are, for the heading. [default: the CSV's name]"),
    ] = None,
    model: Model = None,
    quiet: Quiet = False,
) -> None:
    """Measure a model's errors by group.

    Errors, unsure answers, calibration and gaps on labelled photos, for each group and for each
    pair of groups.
    """
    check_audit_extra("pilah audit")
    check_file(labelled, "give a CSV with the columns path,label")
    from pilah.audit.audit import audit as run_audit
    from pilah.audit.audit import audited_model
    from pilah.audit.labelled import group_columns, read_photos
    from pilah.audit.write import audit_folder, write_audit
    from pilah.faces.detect import DETECTOR
    from pilah.models import DEFAULT_MODEL, model_path
    from pilah.pipeline import load

    photos = read_photos(labelled, split=split)
    names = None if by is None else [name.strip() for name in by.split(",")]
    columns = group_columns(photos, names, labelled)
    path = model_path(model or DEFAULT_MODEL)
    predictor = load(path, min_share=1)  # the largest face counts
    try:
        with audit_folder(to) as folder, progress_bar() as progress:
            task = progress.add_task("Auditing", total=len(photos))
            audited = run_audit(
                photos,
                columns,
                lambda paths: predictor.predict_many(paths, crops=crops),
                title=title or (f"{labelled.stem}, {split}" if split else labelled.stem),
                model=audited_model(path, predictor.info),
                detector=None if crops else DETECTOR,
                progress=lambda done: progress.update(task, completed=done),
            )
            write_audit(audited, folder)
    except KeyboardInterrupt:
        print("pilah: stopped; nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None
    finally:
        predictor.close()
    _print(audited)
    note(to / "audit.md")
    raise typer.Exit(1 if audited.unreadable else 0)


def _print(audited: "Audit") -> None:
    from rich.markup import escape

    large = [cell for cell in audited.intersections if not cell.small]
    shown = [audited.whole, *audited.columns[0].groups, *large[:WORST]]
    table = figures("", "faces", "accuracy", "unsure", "error\nwhen clear")
    for cell in shown:
        shares = (_share(rate) for rate in (cell.unsure, cell.clear_error))
        table.add_row(escape(_name(cell)), f"{cell.faces:,}", _interval(cell.accuracy), *shares)
    show(table)
    note(
        f"Below the labels: the {WORST} worst pairs of groups. In brackets: 95% intervals (Wilson)."
    )
    note(f"ECE {audited.whole.ece:.4f}, minimum confidence {audited.model.min_confidence:.1%}.")
    if audited.detector:
        photos = counted(audited.whole.photos, "photo")
        note(
            f"No face found in {_share(audited.whole.no_face)} of {photos}; "
            f"accuracy if these count as wrong: {_interval(audited.whole.accuracy_of_photos)}."
        )
    for column in audited.columns:
        gap = column.accuracy_gap
        if gap.points is not None and gap.more_than_chance:
            note(
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
