"""The command line: arguments and printing only, one module per command.

Nothing heavy is imported here; each command imports what it needs when it runs.
"""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pilah import __version__
from pilah.cli.app import app
from pilah.cli.audit import audit
from pilah.cli.card import card
from pilah.cli.classify import classify
from pilah.cli.compare import compare
from pilah.cli.evaluate import evaluate
from pilah.cli.export import export
from pilah.cli.models import models
from pilah.cli.output import prepare_output, print_error
from pilah.cli.predict import predict
from pilah.cli.prepare import prepare
from pilah.cli.report import report
from pilah.cli.serve import serve
from pilah.cli.sort import sort
from pilah.cli.train import train
from pilah.cli.undo import undo
from pilah.cli.video import video
from pilah.errors import PilahError
from pilah.wording import reason_of, shown

EXIT_CODES = (
    "Exit codes: 0 done; 1 done, but some photos failed and are named; 2 not started or not "
    "finished, one line on standard error gives the reason; 130 stopped with Ctrl+C."
)


class Program(TyperGroup):
    """All commands; a known error of one is one line on standard error and exit code 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command that is asked for."""
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:  # the reader went away, as `head` does
            sys.exit(1)
        except PilahError as error:
            print_error(f"pilah: error: {error}")
            sys.exit(2)
        except OSError as error:  # such as a name that is too long, or a disk that fails
            if error.filename is None:
                what, remedy = "to continue", "fix that, and run the same command again"
            else:
                what, remedy = shown(os.fsdecode(error.filename)), "give another path, or fix that"
            print_error(f"pilah: error: the system refuses {what} ({reason_of(error)}); {remedy}")
            sys.exit(2)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was parsed; Ctrl-C is one line wherever no command says more."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print_error("pilah: stopped.")
            raise typer.Exit(130) from None


# Rich's help would take "[default: ...]" for markup, and its boxes leave no room on 60 columns.
program = typer.Typer(
    name="pilah",
    cls=Program,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    *(sort, undo, report, predict, classify, video, models, app, serve),
    *(prepare, train, evaluate, compare, export, audit, card),
)
for command in COMMANDS:
    program.command(epilog=EXIT_CODES)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"pilah {__version__}")
        raise typer.Exit


@program.callback(epilog=EXIT_CODES)
def pilah(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Sort photos of women and men into folders, safely: every sort can be undone."""


def main() -> None:
    """Run a command with this process's own arguments and streams."""
    prepare_output()
    # `--to "$OUT"` and `--to=$OUT`: an empty path would be the working folder
    if any(not word or (word[:2] == "--" and word[-1] == "=") for word in sys.argv[1:]):
        print_error("pilah: error: an empty argument (a variable that is not set?); give a value")
        sys.exit(2)
    program(prog_name="pilah")
