"""`pilah serve`: photos over HTTP, for other programs."""

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

from pilah.errors import MissingExtra, PilahError
from pilah.models import DEFAULT_MODEL, model_names

NEEDED = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")


def serve(
    port: Annotated[int, typer.Option(help="Port of the server.")] = 8000,
    address: Annotated[
        str,
        typer.Option(
            help="Who may connect: 127.0.0.1 is this machine only, 0.0.0.0 everyone on its network."
        ),
    ] = "127.0.0.1",
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE",
            help="A model of the package, or the path of a model.onnx; may be repeated, the first "
            f"answers where a request names none. [default: {DEFAULT_MODEL}, then the others of "
            "the package]",
        ),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,  # read_key says better what to do
            help="A file with the key that every request must send as `Authorization: Bearer KEY`.",
        ),
    ] = None,
    no_key: Annotated[
        bool, typer.Option("--no-key", help="Let everyone who can connect ask, without a key.")
    ] = False,
) -> None:
    """Answer photos over HTTP, for other programs.

    Photos stay in memory and are forgotten once they are answered. SIGTERM ends the server when
    every request that it has accepted is answered. docs/API.md has examples.
    """
    if not all(map(importlib.util.find_spec, NEEDED)):
        raise MissingExtra("pilah serve", "api")
    from pilah.api.settings import Settings, bind, read_key

    if api_key_file and no_key:
        raise PilahError("--api-key-file and --no-key exclude each other; give one of them")
    key = read_key(api_key_file) if api_key_file else None
    others = [name for name in model_names() if name != DEFAULT_MODEL]
    settings = Settings(address, port, tuple(model or [DEFAULT_MODEL, *others]), key)
    if not (settings.is_local or key or no_key):
        raise PilahError(
            f"everyone who can reach {address} could send photos; give --api-key-file, or --no-key "
            "if that is meant"
        )
    # NumPy would keep a thread a core of the machine for what is not used here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with bind(address, port) as listener:
        from pilah.api.server import serve as serve_on

        serve_on(settings, listener)
