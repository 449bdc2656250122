"""Damaged photos for `pilah serve`: `python -m benchmarks.api_fuzz`.

`--count` photos of every format that is read, each changed in another way from a seed, are sent by
several clients at once. Each must be answered with 200, as a face, none, or an error of its own; no
worker process may end, and none may hang. Else the exit code is 1.
"""

import argparse
import io
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from PIL import Image

from demo.portraits import portraits
from demo.serving_api import Server, served_api

PATIENCE = 60
"""Seconds after which a photo hangs."""


def main() -> None:
    """Send them, and say what was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="photos (default: 2,000)")
    parser.add_argument("--seed", type=int, default=0, help="which photos (default: 0)")
    options = parser.parse_args()
    started = time.perf_counter()
    with served_api() as server:
        outcomes, ended = fuzzed(server, options.count, options.seed)
    print(f"{options.count:,} damaged photos in {time.perf_counter() - started:.0f} s")
    for outcome, count in outcomes.most_common():
        print(f"{count:7,}  {outcome}")
    wrong = {outcome for outcome in outcomes if outcome.startswith(("status", "ended"))}
    if wrong or ended:
        sys.exit(
            f"{ended} worker processes ended; {', '.join(sorted(wrong)) or 'answers are fine'}"
        )


def fuzzed(server: Server, count: int, seed: int) -> tuple[Counter[str], int]:
    """Send damaged photos.

    Returns:
        How many had each outcome, and how many worker processes ended.
    """
    before = workers_of(server.process.pid)
    with ThreadPoolExecutor(4) as clients:
        outcomes = Counter(clients.map(lambda photo: _outcome(server, photo), damaged(count, seed)))
    return outcomes, len(before - workers_of(server.process.pid))


def _outcome(server: Server, photo: bytes) -> str:
    crops = "?crops=1" if len(photo) % 3 == 0 else ""
    answer = requests.post(f"{server.address}/v1/predict{crops}", data=photo, timeout=PATIENCE)
    if answer.status_code != 200:
        limit = answer.json().get("limit")
        return f"over the limit of {limit}" if limit else f"status {answer.status_code}"
    (said,) = answer.json()["photos"]
    if said["error"] is None:
        return "read"
    return "ended its process" if "ended" in said["error"] else said["error"]


def damaged(count: int, seed: int) -> Iterator[bytes]:
    """Photos, each changed in another way."""
    whole = photos()
    chance = random.Random(seed)
    for number in range(count):
        yield change(bytearray(whole[number % len(whole)]), chance, whole)


def change(photo: bytearray, chance: random.Random, others: list[bytes]) -> bytes:
    """Damage one photo: bits, bytes, lengths, cuts, repeats, parts of another."""
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        # Most of a format's fields lie at its beginning.
        end = len(photo) if chance.random() < 0.5 else min(len(photo), 200)
        place = chance.randrange(max(1, end))
        length = min(chance.choice((1, 2, 4, 8, 64, 1000)), len(photo) - place)
        match chance.randrange(7):
            case 0 if photo:
                photo[place] ^= 1 << chance.randrange(8)
            case 1:
                photo[place : place + length] = chance.randbytes(length)
            case 2:
                photo[place : place + 4] = chance.choice(
                    (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")
                )
            case 3:
                del photo[place : place + length]
            case 4:
                photo[place:place] = photo[place : place + length] * chance.choice((1, 2, 50))
            case 5:
                del photo[max(16, place) :]
            case 6:
                other = chance.choice(others)
                start = chance.randrange(len(other))
                photo[place : place + length] = other[start : start + length]
    return bytes(photo) or b"\0"  # no bytes at all are another answer


def photos() -> list[bytes]:
    """One portrait in every format that is read here, small, with what metadata they can have."""
    portrait = next(iter(portraits().values())).crop((70, 0, 370, 300)).resize((200, 200))
    exif = Image.Exif()
    exif[0x0112] = 6
    more = {"exif": exif.tobytes()}
    kinds = [
        ("JPEG", more),
        ("JPEG", {"progressive": True, "quality": 60}),
        ("PNG", more),
        ("WEBP", more),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg"}),
        ("AVIF", {}),
        ("HEIF", {}),
    ]
    try:
        import pillow_heif

        pillow_heif.register_heif_opener()
    except ImportError:
        kinds.pop()
    made = []
    for kind, options in kinds:
        file = io.BytesIO()
        portrait.save(file, kind, **options)  # type: ignore[arg-type]
        made.append(file.getvalue())
    return made


def workers_of(process: int) -> set[int]:
    """The worker processes of a server."""
    children = {
        int(child)
        for task in Path(f"/proc/{process}/task").iterdir()
        for child in (task / "children").read_text().split()
    }
    return {c for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()}


if __name__ == "__main__":
    main()
