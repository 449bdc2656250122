import base64
import io
import os
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fabricated import Sort, broken, photo
from PIL import Image

from pilah.models.bundle import BundleInfo
from pilah.report import write_report
from pilah.report.tally import MAX_UNREADABLE_SHOWN, MAX_UNSURE_SHOWN
from pilah.types import Result

VOID = {"meta", "br", "image", "rect"}


class Page(HTMLParser):
    """What a browser would see: tags, attributes, text; fails if tags are not balanced."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.text = " ".join((self.text + data).split()) + " "

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(target: Path, info: BundleInfo) -> Page:
    write_report(target, info=info)
    return Page(target / "report.html")


def test_the_page_needs_nothing_but_itself(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.6), "b.jpg": photo(0.01), "bad": broken("cut")})
    page = page_of(target, info)
    assert {"script", "link", "iframe", "img", "object"}.isdisjoint(tag for tag, _ in page.tags)
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            value = attributes.get(name)
            # the model card is the one link, and a link loads nothing
            assert value is None or value.startswith("data:image/jpeg") or tag == "a"
        assert not [name for name in attributes if name.startswith("on")]
    style = (target / "report.html").read_text().partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style and "@import" not in style
    policy = next(m for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in (policy["content"] or "")


def test_the_page_tells_the_counts_and_what_they_mean(sort: Sort, info: BundleInfo) -> None:
    photos = {f"w{n}.jpg": photo(0.02) for n in range(30)}
    photos |= {f"m{n}.jpg": photo(0.97) for n in range(70)}
    photos |= {"both.jpg": photo(0.97, 0.02), "wall.jpg": photo(), "bad.jpg": broken("cut off")}
    text = page_of(sort(photos), info).text
    assert "103 photos sorted, 102 faces found in them, 102 of them clear." in text
    # counted 31 of 102; h = 930/950, a = 30/950
    true = (31 / 102 - 30 / 950) / (930 / 950 - 30 / 950)
    assert f"{true:.1%} women" in text and f"{1 - true:.1%} men" in text
    assert "30.4% women, 95% interval" in text
    assert "In 1 photo no face was found" in text
    assert "bad.jpg cut off" in text
    assert "not who a person is" in text
    assert "It does not cover" in text
    for fact in ("tiny, version 1.2.3", "fabricated faces", "MIT", "Model card"):
        assert fact in text


def test_unsure_photos_are_shown_small_and_upright(sort: Sort, info: BundleInfo) -> None:
    target = sort({"maybe.jpg": photo(0.45, 0.99), "sure.jpg": photo(0.99)})
    placed = target / "unsure" / "maybe.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # a camera held upright: 2000 by 1500 pixels are shown as 1500 by 2000
    Image.new("RGB", (2000, 1500), "tan").save(placed, exif=exif)
    page = page_of(target, info)
    (image,) = page.all("image")
    jpeg = base64.b64decode((image["href"] or "").removeprefix("data:image/jpeg;base64,"))
    with Image.open(io.BytesIO(jpeg)) as shown:
        assert shown.size == (270, 360)
    boxes = [box for box in page.all("rect") if box["class"] in ("f", "m", "u") and "x" in box]
    assert [b["class"] for b in boxes if b["x"] == "8.0"] == ["u", "m"]
    assert "female 55%, male 45%" in page.text
    assert "holds small copies of the unsure photos" in page.text


def test_a_moved_photo_is_shown_from_its_new_place(sort: Sort, info: BundleInfo) -> None:
    target = sort({"maybe.jpg": photo(0.45)})
    (target.parent / "in" / "maybe.jpg").unlink()
    assert page_of(target, info).all("image")
    (target / "unsure" / "maybe.jpg").write_text("no photo any more")
    page = page_of(target, info)
    assert not page.all("image")
    assert "The photo is not there any more." in page.text


def test_long_lists_are_cut_and_say_so(sort: Sort, info: BundleInfo) -> None:
    photos = {f"u{n}.jpg": photo(0.5) for n in range(MAX_UNSURE_SHOWN + 3)}
    photos |= {f"b{n}": broken("empty") for n in range(MAX_UNREADABLE_SHOWN + 1)}
    page = page_of(sort(photos), info)
    assert len(page.all("image")) == MAX_UNSURE_SHOWN
    assert f"The first {MAX_UNSURE_SHOWN} are shown" in page.text
    assert f"The first {MAX_UNREADABLE_SHOWN} are listed" in page.text
    assert "501 photos could not be read" in page.text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert(1)<x>.jpg", "<script>alert(1)<x>.jpg"),
        ('" onload="alert(1).jpg', '" onload="alert(1).jpg'),
        ("{{ info }}.jpg", "{{ info }}.jpg"),
        ("two\nlines.jpg", r"two\nlines.jpg"),
        (os.fsdecode(b"caf\xe9.jpg"), r"caf\udce9.jpg"),
        ("gpj.\u202efdp.jpg", r"gpj.\u202efdp.jpg"),
    ],
    ids=["script", "attribute", "template", "newline", "not UTF-8", "right to left"],
)
@pytest.mark.parametrize("result", [photo(0.5), broken("no <b>luck</b>")], ids=["unsure", "bad"])
def test_a_hostile_name_is_only_text(
    sort: Sort, info: BundleInfo, name: str, shown: str, result: Result
) -> None:
    page = page_of(sort({name: result}), info)
    assert shown in page.text
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)


def test_an_empty_sort_has_a_page_too(sort: Sort, info: BundleInfo) -> None:
    text = page_of(sort({}), info).text
    assert "nothing to count yet" in text
    assert "No face was clear enough to count." in text
    assert "it holds no photos" in text


def test_no_correction_for_another_threshold(sort: Sort, info: BundleInfo) -> None:
    target = sort({"a.jpg": photo(0.02), "b.jpg": photo(0.85)})
    page = page_of(target, replace(info, min_confidence=0.9))
    assert "sorted with a minimum confidence other than" in page.text
    assert "Corrected for the model" not in page.text
