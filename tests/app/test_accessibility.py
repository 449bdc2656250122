"""Can everyone use it? Contrast as rendered, the keyboard alone, the width of a phone."""

from itertools import pairwise
from typing import Any

import pytest
from photos import jpeg_of, zip_of
from PIL import Image
from playwright.sync_api import FileChooser, Page, expect

from demo.serving import PATIENCE, wait_for_page
from pilah.texts import texts

expect.set_options(timeout=PATIENCE)

PAGES = ("", "sort", "study", "about")

CONTRASTS = """() => {
    const brush = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = (colour) => {
        brush.clearRect(0, 0, 1, 1);
        brush.fillStyle = colour;
        brush.fillRect(0, 0, 1, 1);
        return Array.from(brush.getImageData(0, 0, 1, 1).data, (part) => part / 255);
    };
    const over = (upper, lower, alpha) =>
        [0, 1, 2].map((i) => alpha * upper[i] + (1 - alpha) * lower[i]);
    const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const luminance = (c) =>
        0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
    const seen = (element) => {
        const chain = [];
        for (let up = element; up; up = up.parentElement) chain.unshift(getComputedStyle(up));
        let ground = [1, 1, 1];
        for (const style of chain) {
            const paint = rgba(style.backgroundColor);
            ground = over(paint, ground, paint[3] * style.opacity);
        }
        const ink = rgba(element instanceof SVGElement ? chain.at(-1).fill : chain.at(-1).color);
        const opacity = chain.reduce((all, style) => all * style.opacity, ink[3]);
        return [over(ink, ground, opacity), ground, opacity];
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.textContent.trim();
        const element = walker.currentNode.parentElement;
        const style = getComputedStyle(element);
        const skipped = !text || !element.checkVisibility({visibilityProperty: true})
            || element.closest(".role-mark, style, script, noscript")
            || element.closest("[data-testid=stSliderThumbValue]")
            || style.fontFamily.includes("Material") || element.getClientRects().length === 0
            || element.getBoundingClientRect().width <= 1;
        if (skipped) continue;
        const [front, back, opacity] = seen(element);
        if (opacity === 0) continue;
        const [ink, ground] = [front, back].map(luminance);
        const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
        found.push([Math.round(ratio * 100) / 100, text.slice(0, 60)]);
    }
    return found;
}"""
"""The contrast ratio (WCAG 2.2, 1.4.3) of every visible text, as colours and opacity render it.

Left out are icons, words painted on a chart's own marks, and the slider's value, which floats
above the thumb that it belongs to.
"""


def faces(page: Page, portraits: dict[str, bytes]) -> None:
    """Show one face that is female and one that is male, then make both unsure."""
    page.locator('input[type="file"]').set_input_files(
        [
            {"name": name, "mimeType": "image/jpeg", "buffer": data}
            for name, data in [
                *portraits.items(),
                ("wall.jpg", jpeg_of(Image.new("RGB", (300, 200), "grey"))),
                ("broken.jpg", b"nope"),
            ]
        ]
    )
    expect(page.get_by_text(texts("en")("unreadable.not_an_image"))).to_be_visible()


def sorted_zip(page: Page, portraits: dict[str, bytes]) -> None:
    """Show what came of sorting photos in several folders, one of which cannot be read."""
    photos = {**portraits, "broken.jpg": b"nope"}
    page.locator('input[type="file"]').set_input_files(
        [{"name": "photos.zip", "mimeType": "application/zip", "buffer": zip_of(photos)}]
    )
    page.get_by_role("button", name=texts("en")("sort.start"), exact=True).click()
    expect(page.get_by_role("button", name="Download the sorted .zip")).to_be_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(open_page, portraits, scheme):
    weak, kinds = [], set()
    for path in PAGES:
        page = open_page(path, color_scheme=scheme)
        if path == "":
            faces(page, portraits)
            kinds = {
                kind
                for kind in ("female", "male", "unsure")
                if page.locator(f".face.{kind}").count()
            }
        if path == "sort":
            expect(page.get_by_role("button", name=texts("en")("sort.start"))).to_be_disabled()
            page.get_by_text(texts("en")("intake.options"), exact=True).click()
            weak += [("sort", *found) for found in page.evaluate(CONTRASTS) if found[0] < 4.5]
            sorted_zip(page, portraits)
        page.wait_for_timeout(1500)
        found = page.evaluate(CONTRASTS)
        assert len(found) > 10
        if path == "":
            found += pointed_at_and_opened(page)
        if path == "about":
            for part in page.locator("summary").all():
                part.click()
            found += page.evaluate(CONTRASTS)
        if path == "sort":  # with a photo selected, moved and enlarged
            page.get_by_role("option").first.focus()
            for key in ("m", " ", "Enter"):
                page.keyboard.press(key)
            expect(page.get_by_role("dialog")).to_be_visible()
            found += page.evaluate(CONTRASTS)
        weak += [(path, ratio, text) for ratio, text in found if ratio < 4.5]
    assert weak == []
    assert kinds >= {"female", "male"}


def pointed_at_and_opened(page: Page) -> list[list[Any]]:
    """The contrasts of Classify's buttons under the mouse and with the focus, and of what opens."""
    found = []
    for name in ("cards.wrong", "closer.open", "cards.csv"):
        button = page.get_by_role("button", name=texts("en")(name)).first
        for point in (button.hover, button.focus):
            point()
            page.wait_for_timeout(300)
            found += page.evaluate(CONTRASTS)
    for name, opened in (("cards.wrong", "stPopoverBody"), ("closer.open", "stDialog")):
        page.get_by_role("button", name=texts("en")(name)).first.click()
        expect(page.get_by_test_id(opened)).to_be_visible()
        wait_for_page(page)
        page.wait_for_timeout(500)
        found += page.evaluate(CONTRASTS)
        page.keyboard.press("Escape")
        expect(page.get_by_test_id(opened)).to_have_count(0)
    return found


def tab_to(page: Page, element: str) -> None:
    """Press Tab until what has the focus matches a CSS selector."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("what => document.activeElement.matches(what)", element):
            return
    raise AssertionError(f"Tab does not lead to {element}")


def test_the_keyboard_alone_opens_a_page(open_page):
    page = open_page()
    tab_to(page, 'a[href$="/about"]')
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=texts("en")("about.title"))).to_be_visible()


def test_the_keyboard_alone_chooses_photos(open_page, portraits):
    page = open_page()
    page.locator('input[type="file"]').wait_for(state="attached")
    choosers: list[FileChooser] = []
    page.on(
        "filechooser", lambda chooser: choosers.append(chooser)
    )  # before the key, so that no window opens instead
    for _ in range(5):  # a page drawn anew, as on a slow machine, takes the focus away
        tab_to(page, '[data-testid="stFileUploader"] button')
        page.keyboard.press("Enter")
        page.wait_for_timeout(3000)
        if choosers:
            break
    name, data = next(iter(portraits.items()))
    choosers[0].set_files({"name": name, "mimeType": "image/jpeg", "buffer": data})
    expect(page.locator(".face")).to_have_count(1)


def test_the_keyboard_alone_switches_the_language_and_tries_an_example(open_page):
    page = open_page()
    tab_to(page, '[role="radio"], [role="radiogroup"] *')
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=texts("id")("classify.title"))).to_be_visible()


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_wider_than_a_phone(open_page, path, language):
    page = open_page(f"{path}?language={language}", viewport={"width": 360, "height": 740})
    for part in page.locator("summary").all():  # of the card, or the options of a sort
        part.click()
    page.wait_for_timeout(1500)
    for scrolled in ("document.documentElement", "document.querySelector('.stMain')"):
        assert page.evaluate(f"{scrolled}.scrollWidth") <= 360


HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter((heading) => heading.checkVisibility())
    .map((heading) => Number(heading.tagName[1]))"""


@pytest.mark.parametrize("path", PAGES)
def test_headings_begin_with_one_and_skip_no_level(open_page, path):
    page = open_page(path)
    page.wait_for_timeout(500)
    levels = page.evaluate(HEADINGS)
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("language", ["en", "id"])
def test_a_tab_is_titled_by_its_page(open_page, language):
    for path, name in zip(PAGES, ("classify", "sort", "study", "about"), strict=True):
        page = open_page(f"{path}?language={language}")
        expect(page).to_have_title(f"{texts(language)(f'frame.{name}')} · pilah")
        expect(page.locator("html")).to_have_attribute("lang", language)
