"""Names of photos, folders and runs are shown letter by letter, whatever Markdown they resemble."""

import re
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photos import jpeg_of
from PIL import Image
from playwright.sync_api import Page, expect

from demo.serving import PATIENCE, served, token_of, wait_for_page
from pilah.app.plain import plain
from pilah.texts import LANGUAGES, texts

expect.set_options(timeout=PATIENCE)
SAY = texts("en")
NAME = "em:has(> code)"

NAMES = (
    "![x](https:/tracker.invalid/x.png) [y](https:/tracker.invalid/y).jpg",
    ":red[word] :blue-badge[b] :material/face: :material/x :smile: :streamlit: :small[s].jpg",
    "$x^2$ $$y$$ \\(z\\).jpg",
    "<img src=x onerror=alert(1)><b>b</b> &amp; &lt; &#64;.jpg",
    "a -> b <- c <-> d -- e >= f <= g ~= h.jpg",
    "www.tracker.invalid someone@tracker.invalid.jpg",
    "``two`one` \\` | ~~no~~ **b** _u_ [^1] *i*.jpg",
    "`.jpg",
    "# head.jpg",
    "  two  spaces ",
    "1. list.jpg",
    "Rīga 写真 👩‍🚀.jpg",
)
NO_FACE = jpeg_of(Image.new("RGB", (64, 64), "grey"))


@pytest.fixture
def own_run(runs, tmp_path) -> str:
    """A run folder that is called like a picture of another host."""
    name = "![x](data:xtracker.invalid) :red[r] $a$ www.tracker.invalid"
    run = tmp_path / "runs" / name
    shutil.copytree(runs / "xception_again", run)
    (run / "plots").mkdir()
    Image.new("RGB", (40, 40), "grey").save(run / "plots" / "wrong_predictions.png")
    shutil.copytree(runs / "unfinished", tmp_path / "runs" / ":red[unfinished] <b>")
    return name


@pytest.fixture
def open_own(browser, own_run, tmp_path, tiny_bundle):
    """Open a page of a server that shows one run of the user's own."""
    with served("--model", tiny_bundle, "--runs", tmp_path / "runs") as (address, process):
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        page = context.new_page()

        def open_own(path: str) -> Page:
            page.goto(f"{address}/{path}?token={token_of(process)}")
            wait_for_page(page)
            return page

        yield open_own
        context.close()


def test_names_in_the_review_and_in_errors(open_own, tmp_path):
    for name in [*NAMES, "caf\udce9.jpg"]:
        path = tmp_path / "photos" / (name if name.endswith(".jpg") else f"{name}.jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(NO_FACE)
    names = {name if name.endswith(".jpg") else f"{name}.jpg" for name in NAMES}
    page = open_own("sort")
    page.get_by_role("radio", name=SAY("intake.from_own")).click()
    folder = page.get_by_role("textbox", name=SAY("intake.folder"))
    folder.fill(str(tmp_path / "![x](https://tracker.invalid)"))
    folder.press("Enter")
    page.get_by_role("button", name=SAY("sort.start"), exact=True).click()
    error = page.get_by_test_id("stAlertContentError")
    expect(error).to_contain_text(str(tmp_path / "![x](https://tracker.invalid)"))

    folder.fill(str(tmp_path / "photos"))
    folder.press("Enter")
    page.get_by_role("button", name=SAY("sort.start"), exact=True).click()
    captions = page.locator(".review .name")
    expect(captions).to_have_count(len(names) + 1)
    assert {shown(caption) for caption in captions.all()} == {
        *names,
        "caf\N{REPLACEMENT CHARACTER}.jpg",
    }
    assert page.locator('img[src*="tracker"], a[href*="tracker"]').count() == 0
    page.get_by_role("option").first.focus()
    page.keyboard.press("x")
    expect(page.get_by_text(SAY("review.moved", bin="both", number=1))).to_be_visible()


def shown(part) -> str:
    """The letters that a person reads: what Chromium lays out, spaces kept."""
    return part.evaluate("element => element.innerText")


def test_names_of_uploaded_photos(open_own):
    page = open_own("")
    names = [name.replace("/", ":") for name in NAMES if name.endswith(".jpg")]
    page.locator('input[type="file"]').set_input_files(
        [{"name": name, "mimeType": "image/jpeg", "buffer": NO_FACE} for name in names[:-1]]
        + [{"name": names[-1], "mimeType": "image/jpeg", "buffer": b"no photo"}]
    )
    heads = page.locator(f"strong {NAME}")
    expect(heads).to_have_count(len(names))
    assert {shown(head) for head in heads.all()} == set(names)


def test_names_of_runs(open_own, own_run):
    page = open_own("study")
    cells = page.locator(f"table {NAME}")
    expect(cells.get_by_text("www.tracker.invalid")).to_have_count(1)
    assert own_run in {shown(cell) for cell in cells.all()}
    expect(page.get_by_test_id("stAlert").locator(NAME)).to_have_text(":red[unfinished] <b>")
    assert shown(page.locator(f"summary {NAME}")) == own_run


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_nothing_in_a_name_ends_its_code_span(name):
    for span in plain(name).removeprefix("*").removesuffix("*").split(r"\:material"):
        if span:
            fence = re.match("`+", span)[0]
            assert fence not in re.findall("`+", span.removeprefix(fence).removesuffix(fence))


def test_what_a_page_cannot_show_is_replaced_by_a_sign():
    assert plain("a\nb\tc\x1b\x9b") == "*`a␊b␉c␛�`*"
    assert plain("caf\udce9.jpg") == "*`caf�.jpg`*"
    assert plain("") == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_in_a_sentence_has_room_on_both_sides(language):
    """Where a letter touches the span, Markdown would show its stars instead of reading them."""
    for key, sentence in texts(language).by_key.items():
        for around in re.findall(r"(.?)\{name\}(.?)", sentence):
            assert not any(map(str.isalnum, around)), key
