"""`pilah app`: the web app on this machine."""

import importlib.util
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from pilah.cli.options import Model
from pilah.errors import MissingExtra, PilahError

OPTIONS = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.disconnectedSessionTTL": "60",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
    "logger.enableRich": "false",
    "theme.baseRadius": "large",
    "theme.light.primaryColor": "#5b3aa6",
    "theme.light.backgroundColor": "#fbfaf7",
    "theme.light.secondaryBackgroundColor": "#f1efe8",
    "theme.light.textColor": "#1d1f24",
    "theme.dark.primaryColor": "#a98bf0",
    "theme.dark.backgroundColor": "#14161a",
    "theme.dark.secondaryBackgroundColor": "#1d2026",
    "theme.dark.textColor": "#eceae4",
}
"""Streamlit's options that do not depend on the command; nothing is sent, nothing is watched."""

OWN_MACHINE = {"server.disconnectedSessionTTL": str(7 * 24 * 3600)}
"""And on one's own machine: a laptop that slept finds its review again."""

MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""For glibc: what a photo took goes back to the system. By default each of Streamlit's threads, one
a visitor, keeps an arena of its own, and freed memory in it (`benchmarks/ten_users.py`)."""


def app(
    port: Annotated[int, typer.Option(help="Port of the web app.")] = 8501,
    address: Annotated[
        str,
        typer.Option(
            help="Who may connect: localhost is this machine only, 0.0.0.0 everyone on its network."
        ),
    ] = "localhost",
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="A run folder, or a folder of them, to show on the Study page; may be repeated.",
        ),
    ] = None,
    model: Model = None,
) -> None:
    """Open the web app on this machine.

    Classify and sort photos, and see the study and the models' errors. Photos stay on this machine.
    """
    if not all(importlib.util.find_spec(name) for name in ("streamlit", "pandas")):
        raise MissingExtra("pilah app", "app")
    from pilah.app.settings import LOOPBACK, TOKEN_VARIABLE, Settings
    from pilah.models import DEFAULT_MODEL, model_path
    from pilah.models.bundle import open_bundle
    from pilah.uploads import MAX_UPLOAD_MB

    info = open_bundle(model_path(model or DEFAULT_MODEL)).info
    for run in runs or []:
        if not run.is_dir():
            raise PilahError(f"no folder at {run}; give --runs a folder that `pilah train` wrote")
    _check_free(address, port)
    settings = Settings(model, tuple(runs or ()), own_machine=address in LOOPBACK)
    options = {
        **OPTIONS,
        "server.address": address,
        "server.port": str(port),
        "server.maxUploadSize": str(MAX_UPLOAD_MB),
    }
    if settings.own_machine:
        options |= OWN_MACHINE
    typer.echo(f"pilah with the model {info.name} {info.version}; Ctrl+C ends it.")
    token = ""
    if settings.own_machine:
        token = secrets.token_urlsafe(16)
        host = f"[{address}]" if ":" in address else address
        typer.echo(f"Open http://{host}:{port}/?token={token} (with it, folders of this machine)")
    sys.stdout.flush()
    main = Path(str(importlib.util.find_spec("pilah.app.asgi").origin))  # type: ignore[union-attr]
    flags = [word for name, value in options.items() for word in (f"--{name}", value)]
    if settings.own_machine:
        # Another site's page must not reach this machine's folders under a name of its own.
        flags += [word for host in LOOPBACK for word in ("--server.allowedHosts", host)]
    program = [sys.executable, "-P", "-m", "pilah.app.server", "run", str(main), *flags, "--"]
    command = [*program, *settings.to_arguments()]
    os.execve(sys.executable, command, {**MEMORY, **os.environ, TOKEN_VARIABLE: token})


def _check_free(address: str, port: int) -> None:
    try:
        with socket.create_server((address, port)):
            pass
    except (OSError, OverflowError) as error:
        raise PilahError(
            f"port {port} of {address} cannot be used ({error}); give another --port"
        ) from None
