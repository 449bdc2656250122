"""A person reviews a sort in a real browser: by keyboard, by mouse, after a reload."""

import csv
import io
import zipfile

import pytest
from photos import jpeg_of, zip_of
from PIL import Image, ImageEnhance
from playwright.sync_api import Page, expect

from demo.serving import PATIENCE, wait_for_page
from pilah.app.samples import sample_photos
from pilah.texts import Texts, texts

expect.set_options(timeout=PATIENCE)
SAY = texts("en")
MISTAKES = {"07.jpg", "19.jpg", "33.jpg", "34.jpg", "58.jpg"}


@pytest.fixture(scope="module")
def sixty(portraits) -> dict[str, bytes]:
    """60 photos that the tiny model calls female, by how dark they are; men are on five of them."""
    samples = [Image.open(path).convert("RGB") for path in sample_photos().values()]
    photos = {}
    for number in range(60):
        photo = samples[number % 2].copy()
        photo.thumbnail((320, 320))
        dark = ImageEnhance.Brightness(photo).enhance(0.2 + 0.004 * number)
        photos[f"{number:02}.jpg"] = jpeg_of(dark)
    return photos


def sort(page: Page, photos: dict[str, bytes], say: Texts = SAY) -> None:
    page.locator('input[type="file"]').set_input_files(
        [{"name": "photos.zip", "mimeType": "application/zip", "buffer": zip_of(photos)}]
    )
    page.get_by_role("button", name=say("sort.start"), exact=True).click()
    expect(page.get_by_role("option").first).to_be_visible()
    wait_for_page(page)


def press_tab_until(page: Page, element: str) -> None:
    for _ in range(60):
        if page.evaluate("what => document.activeElement.matches(what)", element):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {element}")


def here(page: Page) -> str:
    """The name of the photo that has the focus, as a screen reader would begin."""
    label = page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''")
    return label.split(",")[0]


def review_by_keyboard(page: Page, mistakes: set[str], *, at_most: int = 60) -> set[str]:
    """Go from photo to photo by the arrow key, and press m on each that shows a man."""
    press_tab_until(page, "[role=option]")
    seen: list[str] = []
    while len(seen) < at_most:
        name = here(page)
        seen.append(name)
        if name in mistakes:
            page.keyboard.press("m")  # and the next photo has the focus
        else:
            page.keyboard.press("ArrowRight")
        if here(page) == name:  # the end of a page: the next one comes, or there is none
            if len(set(seen)) == 60:
                break
            page.wait_for_function(
                "name => !document.activeElement.getAttribute('aria-label')?.startsWith(name)",
                arg=name,
            )
    return set(seen)


def corrections(page: Page, say: Texts = SAY) -> dict[str, str]:
    """Each corrected photo and where it was put, from the .zip as downloaded by keyboard."""
    wait_for_page(page)
    button = page.get_by_role("button", name=say("sort.download"))
    with page.expect_download() as download:
        button.focus()
        page.keyboard.press("Enter")
    with zipfile.ZipFile(download.value.path()) as archive:
        rows = csv.DictReader(io.StringIO(archive.read("results.csv").decode()))
        corrected = {row["path"]: row["folder"] for row in rows if row["corrected"]}
        report = archive.read("report.html").decode()
    said = say("report.lead_corrected", number=len(corrected))
    assert f'<html lang="{say.language}">' in report
    assert said in report or not corrected
    return corrected


def expect_men(page: Page, say: Texts, number: int) -> None:
    expect(
        page.get_by_role("radio", name=f"{say('bin.male')} {number}", exact=True)
    ).to_be_visible()


def test_sixty_photos_are_reviewed_by_keyboard_alone(screen, sixty):
    page = screen.open("sort")
    sort(page, sixty, screen.say)
    expect(page.get_by_role("option")).to_have_count(48)
    assert review_by_keyboard(page, MISTAKES) == set(sixty)
    expect_men(page, screen.say, 5)
    assert screen.fits(page)
    assert corrections(page, screen.say) == dict.fromkeys(MISTAKES, "male")


def test_the_same_after_a_reload(screen, sixty):
    page = screen.open("sort")
    sort(page, sixty, screen.say)
    confident_last = [here_name(tile) for tile in page.get_by_role("option").all()]
    first = {name for name in MISTAKES if name in confident_last[:40]}
    review_by_keyboard(page, first, at_most=40)
    expect_men(page, screen.say, len(first))
    page.reload()
    expect(page.get_by_role("option").first).to_be_visible()
    expect_men(page, screen.say, len(first))
    assert review_by_keyboard(page, MISTAKES - first) == set(sixty)
    expect_men(page, screen.say, 5)
    assert corrections(page, screen.say) == dict.fromkeys(MISTAKES, "male")


def here_name(tile) -> str:
    return tile.get_attribute("aria-label").split(",")[0]


def few(sixty: dict[str, bytes]) -> dict[str, bytes]:
    return dict(list(sixty.items())[:4])


def test_several_photos_are_moved_with_one_button_and_back_with_one(open_page, sixty):
    page = open_page("sort")
    sort(page, few(sixty))
    page.locator(".check").nth(0).click()
    page.locator(".check").nth(2).click()
    expect(page.get_by_text(SAY("review.selected", number=2))).to_be_visible()
    page.get_by_role("button", name="both x").click()
    expect(page.get_by_role("radio", name="both 2", exact=True)).to_be_visible()
    expect(page.locator(".moved")).to_have_count(2)
    page.get_by_role("radio", name="both 2", exact=True).click()
    expect(page.get_by_role("option")).to_have_count(2)
    page.get_by_role("radio", name="both 2", exact=True).click()  # once more changes nothing
    page.get_by_role("button", name="Undo z").click()
    expect(page.get_by_role("radio", name="both 0", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Undo z")).to_be_disabled()


def test_a_click_enlarges_a_photo_and_keys_work_there_too(open_page, sixty):
    page = open_page("sort")
    sort(page, few(sixty))
    page.get_by_role("option").nth(1).locator("svg").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    name = here_name(page.get_by_role("option").nth(1))
    expect(dialog.get_by_text(name, exact=True)).to_be_visible()
    page.keyboard.press("n")  # and the next one is shown
    after = here_name(page.get_by_role("option").nth(2))
    expect(dialog.get_by_text(after, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("option").nth(2)).to_be_focused()
    expect(page.get_by_role("radio", name="no face 1", exact=True)).to_be_visible()
    assert corrections(page) == {name: "no_face"}


def test_corrections_outlast_another_language_and_another_page(open_page, sixty):
    page = open_page("sort")
    sort(page, few(sixty))
    page.get_by_role("option").first.focus()
    page.keyboard.press("m")
    expect(page.get_by_role("radio", name="male 1", exact=True)).to_be_visible()
    page.get_by_role("radio", name="Bahasa Indonesia").click()
    expect(page.get_by_role("radio", name="laki-laki 1", exact=True)).to_be_visible()
    page.get_by_role("link", name=texts("id")("frame.about"), exact=True).click()
    expect(page.get_by_role("heading", name=texts("id")("about.title"))).to_be_visible()
    wait_for_page(page)
    page.reload()
    expect(page.get_by_role("heading", name=texts("id")("about.title"))).to_be_visible()
    wait_for_page(page)
    page.get_by_role("link", name=texts("id")("frame.sort"), exact=True).click()
    expect(page.get_by_role("radio", name="laki-laki 1", exact=True)).to_be_visible()


def test_what_is_typed_faster_than_the_page_answers_is_done(open_page, sixty):
    page = open_page("sort")
    sort(page, sixty)
    page.get_by_role("option").first.focus()
    for key in "mxunm" * 4:
        page.keyboard.press(key)
    for bin, number in (("male", 8), ("both", 4), ("unsure", 4), ("no face", 4)):
        expect(page.get_by_role("radio", name=f"{bin} {number}", exact=True)).to_be_visible()


def test_a_sort_is_shown_to_whoever_knows_its_address_only(open_page, sixty, address):
    page = open_page("sort")
    sort(page, few(sixty))
    shown = page.locator(".review image").first.get_attribute("href")
    picture = f"{address}/{shown.removeprefix('./')}"
    answer = page.request.get(picture)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert Image.open(io.BytesIO(answer.body())).size[1] <= 360
    photo, _, _ = picture.rpartition("/")
    folder, _, _ = photo.rpartition("/")
    for wrong in (f"{photo}/huge", f"{folder}/9999/small"):
        assert page.request.get(wrong).status == 404
    known = page.url.partition("review=")[2]
    assert page.request.get(picture.replace(known, "guess")).status == 404
    other = open_page("sort?review=guess")
    expect(other.get_by_role("button", name=SAY("sort.start"), exact=True)).to_be_visible()
    page.get_by_role("button", name=SAY("sort.again")).click()
    expect(page.get_by_role("button", name=SAY("sort.start"), exact=True)).to_be_visible()
    assert page.request.get(picture).status == 404
    assert "review=" not in page.url


def test_loose_photos_are_sorted_too(screen, sixty):
    page = screen.open("sort")
    page.locator('input[type="file"]').set_input_files(
        [
            {"name": name, "mimeType": "image/jpeg", "buffer": data}
            for name, data in few(sixty).items()
        ]
    )
    page.get_by_role("button", name=screen.say("sort.start"), exact=True).click()
    expect(page.get_by_role("option")).to_have_count(4)
    assert screen.fits(page)


def test_a_folder_is_uploaded_and_keeps_its_sub_folders(screen, sixty, tmp_path):
    folder = tmp_path / "holiday"
    (folder / "beach").mkdir(parents=True)
    (folder / "beach" / "one.jpg").write_bytes(sixty["00.jpg"])
    (folder / "notes.txt").write_text("x")
    page = screen.open("sort")
    page.get_by_role("radio", name=screen.say("intake.from_directory")).click()
    page.locator('input[type="file"][webkitdirectory]').set_input_files(folder)
    page.get_by_role("button", name=screen.say("sort.start"), exact=True).click()
    expect(page.get_by_role("option")).to_have_count(1)
    assert "beach/one.jpg" in here_name(page.get_by_role("option"))


def test_a_sort_that_is_cancelled_leaves_the_page_as_before(open_page, sixty):
    page = open_page("sort")
    many = {f"{copy}/{name}": data for copy in range(24) for name, data in sixty.items()}
    page.locator('input[type="file"]').set_input_files(
        [{"name": "photos.zip", "mimeType": "application/zip", "buffer": zip_of(many)}]
    )
    page.get_by_role("button", name=SAY("sort.start"), exact=True).click()
    page.get_by_role("button", name=SAY("sort.cancel")).click()
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.get_by_role("button", name=SAY("sort.cancel"))).to_have_count(0)
    expect(page.get_by_role("button", name=SAY("sort.start"), exact=True)).to_be_enabled()
    assert "review=" not in page.url


@pytest.mark.parametrize("language", ["en", "id"])
def test_a_finger_reviews_on_a_phone(open_page, sixty, language):
    say = texts(language)
    page = open_page(
        f"sort?language={language}",
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    page.locator('input[type="file"]').set_input_files(
        [{"name": "p.zip", "mimeType": "application/zip", "buffer": zip_of(few(sixty))}]
    )
    page.get_by_role("button", name=say("sort.start"), exact=True).tap()
    expect(page.get_by_text(say("review.how_touch"))).to_be_visible()
    page.locator(".check").nth(1).tap()
    expect(page.get_by_text(say("review.selected", number=1))).to_be_visible()
    page.get_by_role("button", name=say("bin.male"), exact=True).tap()
    expect(page.get_by_role("radio", name=f"{say('bin.male')} 1", exact=True)).to_be_visible()
    page.get_by_role("option").nth(0).locator("svg").tap()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    box = dialog.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
    dialog.get_by_role("button", name=say("review.close")).tap()
    expect(dialog).to_have_count(0)
