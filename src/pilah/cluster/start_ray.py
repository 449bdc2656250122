"""Ray is started on this machine or reached on a cluster, says nothing, and leaves nothing."""

import logging
import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from pilah.cores import usable_cores
from pilah.errors import MissingExtra, PilahError
from pilah.files import open_locked

OBJECT_STORE = 256 * 2**20
"""Bytes of shared memory: a round's paths and shards, some 100 bytes a photo; no pixels."""

SOCKET = 40
"""Characters that a folder's path may have so that Ray's sockets fit into it (107 on Linux)."""

PREFIX, NEW, LOCK = "pilah-ray-", "pilah-new-", "lock"

SECONDS = 20
"""How long a cluster may take to answer the door."""

GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
SETTINGS = 4
"""How HTTP/2 begins, which Ray speaks, and the type of the frame that is its answer (RFC 9113)."""

COLOURS = re.compile("\x1b\\[[0-9;]*m")

STDERR = 2


@contextmanager
def ray_running(workers: int | None) -> Iterator[int]:
    """Connect to the cluster that `RAY_ADDRESS` names, or run one on this machine; give its CPUs.

    What runs here listens on loopback only, sends no usage statistics, and writes its logs into a
    temporary folder that is deleted.

    Raises:
        MissingExtra: Ray is not installed.
        PilahError: the cluster does not start, does not answer, or fails.
    """
    # read as Ray is imported
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_BACKEND_LOG_LEVEL"] = "fatal"
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        # what Ray calls this: a machine that is a cluster of its own, and listens on loopback only
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray
        import ray.data
        from ray.data.exceptions import SystemException
    except ImportError:
        raise MissingExtra("Ray", "cluster") from None
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with nullcontext() if address else _scratch() as scratch, _no_stdout():
        try:
            with _no_stderr(), _own_signals(), _home(scratch):
                _connect(address, workers, scratch)
            yield int(ray.cluster_resources().get("CPU", 1))
        except (ray.exceptions.RayError, SystemException) as error:
            told = COLOURS.sub("", str(error)).strip().splitlines()
            reason = " ".join(told[-1].split()) if told else type(error).__name__  # after the calls
            raise PilahError(
                f"the Ray cluster failed ({reason}); run the same command again to resume"
            ) from None
        finally:
            with suppress(Exception):
                ray.shutdown()


def _connect(address: str | None, workers: int | None, scratch: Path | None) -> None:
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    try:
        if address:
            _knock(address)
            ray.init(address=address, **quiet)
        else:
            ray.init(
                address="local",
                num_cpus=workers or usable_cores(),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE,
                _node_ip_address="127.0.0.1",
                _temp_dir=str(scratch),
                **quiet,
            )
    except (OSError, ValueError, RuntimeError) as error:
        where = f"the Ray cluster at {address} does not answer" if address else "Ray cannot start"
        reason = " ".join(str(error).split())
        raise PilahError(f"{where} ({reason}); see docs/SCALE.md, or leave --engine out") from None


def _knock(address: str) -> None:
    """Refuse an address where no Ray listens; Ray itself would try for minutes.

    Raises:
        OSError, ValueError: none does, or the port is no number.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        return
    with socket.create_connection((host, int(port)), timeout=SECONDS) as door:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return
        door.sendall(GREETING)
        answer = door.recv(9)
    if answer[3:4] != bytes((SETTINGS,)):
        raise OSError("what listens there is no Ray")


@contextmanager
def _home(scratch: Path | None) -> Iterator[None]:
    """Start Ray with a home of its own: it would keep a token there, for whoever may connect.

    A file there that describes the machine keeps it from asking cloud providers' metadata servers
    whose machine this is, which it does even with usage statistics off.
    """
    if scratch is None:
        yield
        return
    (scratch / "ray_bootstrap_config.yaml").write_text("{}\n")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    before, here = os.environ.get("HOME"), os.getcwd()
    os.environ["HOME"] = str(scratch)
    os.chdir(scratch)  # Ray lets actors import what lies here, and that may be anyone's photos
    try:
        yield
    finally:
        os.chdir(here)
        if before is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = before


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this program's answer to SIGTERM, which Ray replaces."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _no_stdout() -> Iterator[None]:
    """Keep from standard output what Ray tells there of each process that ends, to its own end.

    The rows say what counts.
    """
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        yield


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Keep from standard error what Ray's C++ prints there about its log level as it starts."""
    sys.stderr.flush()
    kept = os.dup(STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for Ray's logs and sockets, deleted in the end; so are those that a kill left.

    Its path is short enough for a socket. A lock tells that its run is alive; it is there before
    the folder has its name, so a folder without one is what Ray made anew after its run's end.
    """
    place = tempfile.gettempdir() if len(tempfile.gettempdir()) < SOCKET else "/tmp"
    for left in Path(place).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another's, or another run's
            os.close(open_locked(left / LOCK, create=True))
            shutil.rmtree(left, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix=NEW, dir=place))
    lock = open_locked(new / LOCK, create=True)
    folder = new.rename(new.with_name(PREFIX + new.name.removeprefix(NEW)))
    try:
        yield folder
    finally:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)
