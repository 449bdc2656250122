"""The grid on which a person reviews a sort: the least confident photos first, moved by keys.

Streamlit knows neither keys nor a selection of several photos, so `review.js` and `tiles.js` show
the grid. They are given one page of photos and give back what the person did, as numbered actions:
each is done once, however often it comes.
"""

from pathlib import Path
from typing import Any

import streamlit as st

from pilah.app.language import text, words
from pilah.app.plain import visible
from pilah.app.spoken import faces_in_words
from pilah.app.workspace import Workspace
from pilah.sorting.bins import Bin, deciding

KEYS: dict[Bin, str] = {"female": "f", "male": "m", "mixed": "x", "unsure": "u", "no_face": "n"}
"""Where a person can move a photo to, and by which key."""

ON_A_PAGE = 48

KEY = "grid"
_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "pilah_review",
    js="".join((_HERE / name).read_text("utf-8") for name in ("tiles.js", "review.js")),
    css=(_HERE / "review.css").read_text("utf-8"),
    isolate_styles=False,
)


def in_order(workspace: Workspace) -> list[int]:
    """The numbers of all photos: the least confident first, those without a face last."""
    keys = []
    for number, photo in enumerate(workspace.photos):
        if photo.result.error is not None:
            keys.append((3.0, number))
        elif not photo.result.faces:
            keys.append((2.0, number))
        else:
            keys.append(
                (
                    min(face.confidence for face in deciding(photo.result.faces, workspace.by)),
                    number,
                )
            )
    return [number for _, number in sorted(keys)]


def show_grid(workspace: Workspace, numbers: list[int], view: str) -> None:
    """Show a page of photos, and do what the person does there.

    Args:
        workspace: the sort.
        numbers: of the photos to show, in their order.
        view: a name of this choice of photos. As long as it is the same, those that are moved stay
            where they are: else others would come to pages that were looked at.
    """
    state = st.session_state.setdefault("grid_state", {"done": 0})
    if state.get("view") != (workspace.address, view):
        state |= {"view": (workspace.address, view), "numbers": numbers, "page": 1, "said": None}
    numbers = state["numbers"]
    pages = max(1, -(-len(numbers) // ON_A_PAGE))
    state["page"] = min(state["page"], pages)
    first = (state["page"] - 1) * ON_A_PAGE
    data = {
        "address": workspace.address,
        "view": view,
        "done": state["done"],
        "page": state["page"],
        "pages": pages,
        "photos": [_tile(workspace, number) for number in numbers[first : first + ON_A_PAGE]],
        "bins": [{"bin": bin, "word": text(f"bin.{bin}"), "key": key} for bin, key in KEYS.items()],
        "can_undo": workspace.can_undo,
        "said": _said(state["said"]),
        "words": {
            "grid": text("review.grid"),
            "how": text("review.how"),
            "how_touch": text("review.how_touch"),
            "move": text("review.move"),
            "selected": text("review.selected", number="{number}"),
            "undo": text("review.undo"),
            "select": text("review.select"),
            "close": text("review.close"),
            "gone": text("review.gone"),
            "previous": text("review.previous"),
            "next": text("review.next"),
            "page": text("review.page", page=state["page"], pages=pages),
        },
    }
    _component(key=KEY, data=data, on_actions_change=lambda: _act(workspace))


def _act(workspace: Workspace) -> None:
    """Do the actions that were not done yet; the browser's word is checked."""
    state = st.session_state["grid_state"]
    for action in st.session_state[KEY].get("actions") or []:
        match action:
            case {"n": int(n)} if n <= state["done"]:
                continue
            case {"n": n, "do": "move", "photos": [*numbers], "to": to} if to in KEYS:
                state["said"] = _move(workspace, numbers, to)
            case {"n": n, "do": "undo"}:
                moved = workspace.undo()
                state["said"] = ("undone", len(moved), None)
            case {"n": n, "do": "page", "page": int(page)}:
                state["page"] = max(1, page)
            case _:
                continue
        state["done"] = n


def _said(step: tuple[str, int, Bin | None] | None) -> str:
    """What the last step did, in the language of now."""
    if step is None:
        return ""
    key, number, bin = step
    values = {"bin": text(f"bin.{bin}")} if bin else {}
    return text(f"review.{key}", number=words().number(number), **values)


def _move(workspace: Workspace, numbers: list[Any], to: Bin) -> tuple[str, int, Bin]:
    photos = [
        workspace.photos[number]
        for number in numbers
        if isinstance(number, int) and 0 <= number < len(workspace.photos)
    ]
    photos = [photo for photo in photos if photo.destination is not None]
    workspace.correct(photos, to)
    return "moved", len(photos), to


def _tile(workspace: Workspace, number: int) -> dict[str, Any]:
    """What the grid shows of one photo; boxes are in pixels of `size`, width and height."""
    photo = workspace.photos[number]
    bin = workspace.bin_of(photo)
    name = visible(workspace.name_of(photo))
    height, width = photo.result.size_hw or (0, 0)
    answer = faces_in_words(photo.result)
    return {
        "number": number,
        "name": name,
        "answer": answer,
        "alt": text("review.alt", name=name, answer=answer, bin=text(f"bin.{bin}")),
        "bin": bin,
        "word": text(f"bin.{bin}"),
        "moved": bin != photo.bin,
        "fixed": photo.destination is None,
        "size": [width, height],
        "faces": [
            {
                "box": [face.box.left, face.box.top, face.box.width, face.box.height],
                "kind": face.label or "unsure",
            }
            for face in photo.result.faces
        ],
    }
