"""What the Classify page shows of the photos that were looked at: a grid of cards, with filters."""

import html
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pilah.answers import label_of
from pilah.app.closer import look_closer
from pilah.app.drawing import Seen, draw_faces
from pilah.app.language import text, words
from pilah.app.plain import plain, visible
from pilah.app.spoken import faces_in_words
from pilah.texts import unreadable
from pilah.types import Face, Label

IN_A_ROW = 3
FACES_AT_ONCE = 6
"""Of a photo with more, the answers are behind a click."""

ALL = "all"


def show_photos(
    seen: dict[str, Seen], read: dict[str, Callable[[], bytes]], caution: float
) -> None:
    """Show photos by their keys: those of a kind that the visitor chooses.

    Args:
        seen: the photos, answered from the confidence `caution` upwards.
        read: gives the bytes of each.
        caution: see `seen`.
    """
    chosen = _filter(seen) if len(seen) > 1 else ALL
    shown = {key: each for key, each in seen.items() if chosen in (ALL, *kinds(each))}
    in_a_row = IN_A_ROW if len(seen) > 1 else 1
    places = [
        column
        for _ in range(-(-len(shown) // in_a_row))
        for column in st.columns(in_a_row, gap="small")
    ]
    for (key, each), place in zip(shown.items(), places, strict=False):
        with place.container(border=True):
            answers = _card(each, alone=len(seen) == 1)
            if each.faces:
                with answers, st.container(horizontal=True):
                    _ask_what_is_wrong(key, each)
                    if st.button(text("closer.open"), key=f"closer {key}"):
                        look_closer(each, read[key](), caution)


def kinds(seen: Seen) -> set[str]:
    """Under which filters a photo is found: one for each kind of its faces."""
    if seen.result.error is not None:
        return {"unreadable"}
    return {face.label or "unsure" for face in seen.faces} or {"no_face"}


def _filter(seen: dict[str, Seen]) -> str:
    found = [kind for each in seen.values() for kind in kinds(each)]
    counts = {kind: found.count(kind) for kind in dict.fromkeys(_KINDS) if kind in found}
    return str(
        st.segmented_control(
            text("cards.filter"),
            [ALL, *counts],
            default=ALL,
            required=True,
            format_func=lambda kind: _filter_words(kind, {ALL: len(seen), **counts}),
            label_visibility="collapsed",
            # Streamlit takes a choice with other words for another one.
            key=f"kinds {words().language}",
        )
    )


_KINDS = ("female", "male", "unsure", "no_face", "unreadable")


def _filter_words(kind: str, counts: dict[str, int]) -> str:
    name = text("sort.all") if kind == ALL else text(f"bin.{kind}")
    return f"{name} {words().number(counts.get(kind, 0))}"


def _card(seen: Seen, *, alone: bool) -> DeltaGenerator:
    """Show a photo and its answers; where the answers are, there is room for more below them."""
    result = seen.result
    if result.error is not None or seen.preview_jpeg is None or result.size_hw is None:
        st.markdown(f"__{plain(seen.name)}__")
        error = result.error or ""
        st.warning(unreadable(error, words()) or plain(error), icon=":material/broken_image:")
        return st.container()
    picture, answers = st.columns([3, 2], gap="medium") if alone else (st.container(),) * 2
    said = faces_in_words(result)
    picture.image(
        draw_faces(seen.preview_jpeg, seen.faces, result.size_hw),
        caption=f"__{plain(seen.name)}__",
        alt=f"{visible(seen.name)}, {said}",
    )
    with answers:
        if not seen.faces:
            st.info(text("classify.no_face"), icon=":material/face_retouching_off:")
            return answers
        rows = [
            _face_row(number if len(seen.faces) > 1 else None, face)
            for number, face in enumerate(seen.faces, start=1)
        ]
        place = st.container()
        if len(rows) > FACES_AT_ONCE:
            place = st.expander(said)
        place.html("".join(rows))
    return answers


def _ask_what_is_wrong(key: str, seen: Seen) -> None:
    """Let the visitor say of which faces the model's label is wrong; kept with their photos."""
    wrong: dict[str, set[int]] = st.session_state.setdefault("wrong", {})
    with st.popover(text("cards.wrong")):
        chosen = st.pills(
            text("cards.which"),
            range(1, len(seen.faces) + 1),
            default=sorted(wrong.get(key, ())),
            selection_mode="multi",
            format_func=lambda number: _other_words(seen, number),
            key=f"wrong {key} {words().language}",
        )
    wrong[key] = set(chosen)


def corrected(face: Face) -> Label:
    """What a face is if the model is wrong about it: the label to which it does not lean."""
    return "female" if label_of(face.p_male, 0.5) == "male" else "male"


def _other_words(seen: Seen, number: int) -> str:
    label = text(f"label.{corrected(seen.faces[number - 1])}")
    return f"{number}: {label}" if len(seen.faces) > 1 else label


def _face_row(number: int | None, face: Face) -> str:
    """Label, confidence and bar of one face; an unsure one says what it leans to."""
    kind = face.label or "unsure"
    share = words().confidence(face.confidence)
    leaning = label_of(face.p_male, 0.5)
    word = text(f"label.{kind}")
    if face.label is None:
        share = text("classify.leaning", label=text(f"label.{leaning}"), share=share)
    head = f"{number}. {word}" if number else word
    percent = 100 * face.confidence
    return (
        f'<div class="face {kind}"><div class="words"><b>{html.escape(head)}</b>'
        f"<span>{html.escape(share)}</span></div>"
        f'<div class="track" role="meter" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent:.1f}" aria-valuetext="{html.escape(share)}" '
        f'aria-label="{html.escape(word)}">'
        f'<div class="fill" style="width:{percent:.1f}%"></div></div></div>'
    )
