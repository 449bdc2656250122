"""What the Classify page gives to take home: the answers, the pictures, and what was wrong.

Each file is made when it is asked for.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO
from pathlib import PurePath
from typing import Any

import streamlit as st
from PIL import Image

from pilah.app.cards import corrected
from pilah.app.drawing import Seen, draw_faces
from pilah.app.language import text, words
from pilah.csv_lines import csv_writer
from pilah.files import free_name
from pilah.images import load
from pilah.report.tables import as_cell
from pilah.types import Box, Face

COLUMNS = (
    *("photo", "face", "label", "p_male", "confidence"),
    *("left", "top", "right", "bottom", "corrected", "error"),
)

Wrong = dict[str, set[int]]
"""By the key of a photo: the numbers of the faces about which the model is wrong."""

AROUND = 0.7
"""What a corrected face is cut out with on each side, in heights of its box: enough to find it."""


def offer_downloads(seen: dict[str, Seen], read: dict[str, Callable[[], bytes]]) -> None:
    """Offer files about photos by their keys; `read` gives a photo's bytes."""
    wrong: Wrong = st.session_state.get("wrong", {})
    number = sum(len(wrong.get(key, ())) for key in seen)
    say = _words_of()
    with st.container(horizontal=True):
        _offer("csv", "results.csv", lambda: to_csv(seen, wrong).encode())
        _offer("json", "results.json", lambda: to_json(seen, wrong).encode())
        _offer("pictures", "pictures.zip", lambda: pictures_zip(seen, say))
        if number:
            _offer("corrections", "corrections.zip", lambda: corrections(seen, wrong, read))
    if number:
        st.caption(text("cards.corrections_text", number=words().number(number)))


def _offer(what: str, name: str, make: Callable[[], bytes]) -> None:
    st.download_button(text(f"cards.{what}"), make, file_name=name, on_click="ignore", key=what)


def _words_of() -> Callable[[Face], str]:
    """A face's label and confidence, in the language of now: a file is made later."""
    say = words()
    return lambda face: (
        f"{say('label.' + (face.label or 'unsure'))} {say.confidence(face.confidence, digits=0)}"
    )


def to_csv(seen: dict[str, Seen], wrong: Wrong) -> str:
    """One row for each face, or for a photo without; `corrected` is the label by the visitor."""
    file = StringIO()
    writer = csv_writer(file)
    writer.writerow(COLUMNS)
    for key, each in seen.items():
        for number, face in enumerate(each.faces, start=1):
            box = face.box
            label = corrected(face) if number in wrong.get(key, ()) else None
            answer = (face.label, f"{face.p_male:.4f}", f"{face.confidence:.4f}")
            edges = [f"{edge:.1f}" for edge in (box.left, box.top, box.right, box.bottom)]
            writer.writerow(map(as_cell, (each.name, number, *answer, *edges, label, None)))
        if not each.faces:
            blank = [None] * (len(COLUMNS) - 2)
            writer.writerow(map(as_cell, (each.name, *blank, each.result.error)))
    return file.getvalue()


def to_json(seen: dict[str, Seen], wrong: Wrong) -> str:
    """A list of photos as `Result.to_json` has them, with `corrected` for each face."""
    photos: list[dict[str, Any]] = []
    for key, each in seen.items():
        faces = [
            {**face.to_json(), "corrected": corrected(face) if at in wrong.get(key, ()) else None}
            for at, face in enumerate(each.faces, start=1)
        ]
        photos.append({**each.result.to_json(), "path": each.name, "faces": faces})
    return json.dumps(photos, indent=1)


def pictures_zip(seen: dict[str, Seen], say: Callable[[Face], str]) -> bytes:
    """Every readable photo with its faces framed and labelled."""

    def files() -> Iterator[tuple[str, bytes]]:
        for each in seen.values():
            if each.preview_jpeg and each.result.size_hw:
                said = list(map(say, each.faces))
                jpeg = draw_faces(each.preview_jpeg, each.faces, each.result.size_hw, said)
                yield f"{PurePath(each.name).stem}.jpg", jpeg

    return _zip(files())


def corrections(seen: dict[str, Seen], wrong: Wrong, read: dict[str, Callable[[], bytes]]) -> bytes:
    """The corrected faces, cut out, and corrections.csv, as `pilah prepare` reads it."""
    rows: list[tuple[str, str]] = []

    def files() -> Iterator[tuple[str, bytes]]:
        for key, each in seen.items():
            if not wrong.get(key):
                continue
            image = Image.fromarray(load(read[key]()))
            for number in sorted(wrong[key]):
                face = each.faces[number - 1]
                name = f"faces/{len(rows) + 1}-{PurePath(each.name).stem}-{number}.jpg"
                rows.append((name, corrected(face)))
                yield name, _cut_out(image, face.box)
        table = StringIO()
        writer = csv_writer(table)
        writer.writerows([("path", "label"), *rows])
        yield "corrections.csv", table.getvalue().encode()

    return _zip(files())


def _cut_out(image: Image.Image, box: Box) -> bytes:
    more = AROUND * box.height
    edges = (box.left - more, box.top - more, box.right + more, box.bottom + more)
    left, top, right, bottom = map(round, edges)
    inside = (max(0, left), max(0, top), min(image.width, right), min(image.height, bottom))
    file = BytesIO()
    image.crop(inside).save(file, "JPEG", quality=95)
    return file.getvalue()


def _zip(files: Iterator[tuple[str, bytes]]) -> bytes:
    made, taken = BytesIO(), set[str]()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files:
            free = free_name(name, lambda each: each.casefold() in taken)
            taken.add(free.casefold())
            archive.writestr(free, data)
    return made.getvalue()
