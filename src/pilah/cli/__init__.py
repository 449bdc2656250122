"""The command line: arguments and printing only, one module a command.

Nothing heavy is imported here; each command imports what it needs when it runs.
"""

import contextlib
import sys

import typer

from pilah.cli.app import app
from pilah.cli.audit import audit
from pilah.cli.card import card
from pilah.cli.compare import compare
from pilah.cli.evaluate import evaluate
from pilah.cli.export import export
from pilah.cli.models import models
from pilah.cli.output import prepare_output
from pilah.cli.predict import predict
from pilah.cli.prepare import prepare
from pilah.cli.report import report
from pilah.cli.sort import sort
from pilah.cli.train import train
from pilah.cli.undo import undo
from pilah.errors import PilahError

program = typer.Typer(
    name="pilah",
    help="Tells photos of women from photos of men and sorts them, safely.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    *(sort, undo, report, predict, models, app),
    *(prepare, train, evaluate, compare, export, audit, card),
)
for command in COMMANDS:
    program.command()(command)


def main() -> None:
    """Run a command; a known error is one line on standard error and exit code 2."""
    prepare_output()
    try:
        try:
            program()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader went away, as `head` does
        sys.exit(1)
    except PilahError as error:
        with contextlib.suppress(OSError):  # full as well
            print(f"pilah: error: {error}", file=sys.stderr)
        sys.exit(2)
