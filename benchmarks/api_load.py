"""Many clients of `pilah serve` at once: `python -m benchmarks.api_load`.

Each of `--clients` sends a request as soon as its last one is answered, for `--seconds`. Every
answer must be 200 or 429; then the server is told to end while all of them go on, and every request
that it has accepted must be answered. CPU time a photo stands beside that of `pilah predict` with
the same photos. Else the exit code is 1.
"""

import argparse
import http.client
import itertools
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.memory import tree_megabytes, tree_seconds
from demo.portraits import write_photos
from demo.serving_api import PROGRAM, Server, served_api
from pilah.formats import is_photo_name

MOST_CPU = 1.15
"""Times what `pilah predict` takes for the same photos."""

MAY_GROW = 0.1
"""Share by which memory may grow from the first third of the time to the last."""


@dataclass
class Seen:
    """What the clients have seen; a request is lost where it was sent and not answered."""

    answers: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    lost: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def percentile(self, share: float) -> float:
        """Seconds that this share of the answers of 200 took at most."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def main() -> None:
    """Measure, print one table, and say what was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50, help="how many at once (default: 50)")
    parser.add_argument("--seconds", type=float, default=180, help="for how long (default: 180)")
    parser.add_argument("--photos", type=Path, help="a folder of photos (default: the demo's)")
    parser.add_argument("--each", type=int, default=1, help="photos a request (default: 1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.photos is None:
            write_photos(Path(folder))
        paths = sorted(filter(is_photo_name, (options.photos or Path(folder)).iterdir()))
        alone = predict_cpu_seconds(paths)
        photos = [path.read_bytes() for path in paths]
    with served_api() as server:
        seen, cpu, memory = loaded(
            server, photos, clients=options.clients, seconds=options.seconds, each=options.each
        )
    answered = seen.answers[200] * options.each
    third = len(memory) // 3
    table = Table(title=f"{options.clients} clients, {options.seconds:.0f} s, {len(photos)} photos")
    for column in (
        *("answers", "photos/s", "p50 (ms)", "p95", "p99", "CPU a photo (ms)", "`predict` (ms)"),
        *("memory (MB), first third", "last third", "lost after SIGTERM"),
    ):
        table.add_column(column, justify="right")
    first, last = max(memory[:third]), max(memory[-third:])
    table.add_row(
        ", ".join(f"{status}: {count:,}" for status, count in sorted(seen.answers.items())),
        f"{answered / options.seconds:.1f}",
        *(f"{1000 * seen.percentile(share):.0f}" for share in (0.5, 0.95, 0.99)),
        *(f"{1000 * seconds:.1f}" for seconds in (cpu / answered, alone)),
        *(f"{megabytes:.0f}" for megabytes in (first, last)),
        f"{seen.lost}",
    )
    Console(width=150).print(table)
    wrong = []
    if set(seen.answers) - {200, 429}:
        wrong.append("other answers than 200 and 429")
    if cpu / answered > MOST_CPU * alone:
        wrong.append(f"{cpu / answered / alone:.2f} times the CPU time of `pilah predict`")
    if last > (1 + MAY_GROW) * first:
        wrong.append(f"memory grew by {last / first - 1:.0%}")
    if seen.lost:
        wrong.append(f"{seen.lost} requests not answered")
    if wrong:
        sys.exit("; ".join(wrong))


def loaded(
    server: Server, photos: list[bytes], *, clients: int, seconds: float, each: int = 1
) -> tuple[Seen, float, list[float]]:
    """Load a server, then end it under load.

    Returns:
        What the clients saw, the CPU seconds that the server and its processes took before it was
        told to end, and its memory in MB as it was each second.
    """
    seen, done = Seen(), threading.Event()
    threads = [
        threading.Thread(target=_client, args=(server.port, _bodies(photos, each, n), seen, done))
        for n in range(clients)
    ]
    before = tree_seconds(server.process.pid)
    for thread in threads:
        thread.start()
    memory = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(1.0, seconds / 10))
        memory.append(tree_megabytes(server.process.pid))
    with seen.lock:
        cpu = tree_seconds(server.process.pid) - before
        measured = Seen(seen.answers.copy(), seen.seconds.copy())
    server.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(120)
    measured.lost = seen.lost
    measured.answers.update({status: 0 for status in seen.answers})
    return measured, cpu, memory


def _bodies(photos: list[bytes], each: int, start: int) -> "itertools.cycle[bytes]":
    """Forms of `each` photos, other ones each time."""
    count = len(photos)
    forms = []
    for number in range(count):
        taken = [photos[(start + number * each + step) % count] for step in range(each)]
        forms.append(b"".join(map(_part, taken)) + b"--end--\r\n")
    return itertools.cycle(forms)


def _part(photo: bytes) -> bytes:
    head = b'--end\r\nContent-Disposition: form-data; name="files"; filename="p"\r\n\r\n'
    return head + photo + b"\r\n"


def _client(port: int, bodies: "itertools.cycle[bytes]", seen: Seen, done: threading.Event) -> None:
    """Send requests until the server takes no more."""
    headers = {"Content-Type": "multipart/form-data; boundary=end"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    while not done.is_set():
        try:
            connection.connect() if connection.sock is None else None
        except OSError:  # it listens no more
            return
        started = time.perf_counter()
        try:
            connection.request("POST", "/v1/predict", next(bodies), headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            with seen.lock:
                seen.lost += 1
            return
        with seen.lock:
            seen.answers[answer.status] += 1
            if answer.status == 200:
                seen.seconds.append(time.perf_counter() - started)
        if answer.status == 429:
            connection.close()  # an idle one may be closed by a server that stops
            time.sleep(float(answer.headers["Retry-After"]))


def predict_cpu_seconds(paths: list[Path], *, few: int = 20, many: int = 220) -> float:
    """CPU time of `pilah predict` a photo: what more photos cost more."""
    spent = []
    for number in (few, many):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken = itertools.islice(itertools.cycle(paths), number)
        subprocess.run([*PROGRAM, "predict", *taken], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return (spent[1] - spent[0]) / (many - few)


if __name__ == "__main__":
    main()
