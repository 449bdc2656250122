"""What a visitor does, in a real browser, with the app in a real process."""

import contextlib
import csv
import io
import re
import urllib.request
import zipfile

import pytest
from photos import jpeg_of, zip_of
from PIL import Image
from playwright.sync_api import Error, Page, expect
from watching import kept_inside

import pilah
from demo.serving import PATIENCE, pages, wait_for_page
from pilah.answers import label_of
from pilah.models import model_names
from pilah.texts import texts

expect.set_options(timeout=PATIENCE)


def give(page: Page, photos: dict[str, bytes]) -> None:
    page.locator('input[type="file"]').set_input_files(
        [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in photos.items()]
    )


def expected(tiny_bundle, data: bytes) -> list[str]:
    """What the page must say of a photo's faces, from the library itself."""
    say, rows = texts("en"), []
    for face in pilah.load(tiny_bundle).predict(data).faces:
        share = say.confidence(face.confidence)
        if face.label is None:
            leaning = "male" if face.p_male >= 0.5 else "female"
            share = say("classify.leaning", label=leaning, share=share)
        rows.append(f"{face.label or 'unsure'}{share}")
    return rows


def test_three_photos_and_their_results(open_page, portraits, tiny_bundle):
    page = open_page()
    photos = dict(list(portraits.items())[:3])
    give(page, photos)
    wanted = [row for data in photos.values() for row in expected(tiny_bundle, data)]
    assert wanted
    rows = page.locator(".face .words")
    expect(rows).to_have_count(len(wanted))
    assert [re.sub(r"^\d+\. ", "", row) for row in rows.all_text_contents()] == wanted
    expect(page.locator('[data-testid="stImage"] img')).to_have_count(3)


def test_a_photo_without_a_face_and_a_broken_file(open_page):
    page = open_page()
    give(page, {"wall.jpg": jpeg_of(Image.new("RGB", (300, 200), "grey")), "broken.jpg": b"nope"})
    expect(page.get_by_text(texts("en")("classify.no_face"))).to_be_visible()
    expect(page.get_by_text(texts("en")("unreadable.not_an_image"))).to_be_visible()


def test_more_caution_makes_unsure(open_page, portraits):
    page = open_page()
    give(page, {"grey.jpg": next(iter(portraits.values()))})
    expect(page.locator(".face")).to_have_count(1)
    shown = page.get_by_text("95.0%")
    expect(shown).to_be_visible()
    slider = page.get_by_role("slider")
    slider.focus()
    slider.press("ArrowLeft")  # by keyboard alone
    expect(page.get_by_text(texts("en")("caution.all"), exact=True)).to_be_visible()


def test_a_pasted_photo(open_page, portraits):
    page = open_page()
    page.locator('input[type="file"]').wait_for(state="attached")
    page.wait_for_timeout(1000)
    page.evaluate(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", {type: "image/jpeg"}));
            const event = new ClipboardEvent("paste", {clipboardData: data, bubbles: true});
            document.body.dispatchEvent(event);
        }""",
        list(next(iter(portraits.values()))),
    )
    expect(page.locator(".face")).to_have_count(1)


def test_examples_in_one_click(open_page):
    page = open_page()
    page.get_by_role("radio", name="Examples").click()
    page.get_by_role("button", name="Grace Hopper").click()
    expect(page.locator(".face")).to_have_count(1)


def test_the_camera(open_page):
    page = open_page(permissions=["camera"])
    page.get_by_role("radio", name="Camera").click()
    page.wait_for_function("document.querySelector('video')?.readyState >= 2")
    page.get_by_role("button", name="Take Photo").click()
    # Chromium's fake device shows a green picture without a face
    expect(page.get_by_text(texts("en")("classify.no_face"))).to_be_visible()


def test_the_language_is_switched_and_remembered_by_the_address(open_page):
    page = open_page()
    page.get_by_role("radio", name="Bahasa Indonesia").click()
    expect(page.get_by_role("heading", name=texts("id")("classify.title"))).to_be_visible()
    again = open_page("about?language=id")
    expect(again.get_by_role("heading", name=texts("id")("about.title"))).to_be_visible()


def test_the_browsers_language_is_the_first(open_page):
    page = open_page(locale="id-ID")
    expect(page.get_by_role("heading", name=texts("id")("classify.title"))).to_be_visible()


def test_streamlits_own_words_are_in_the_pages_language(open_page):
    page = open_page("?language=id", permissions=["camera"])
    english, indonesian = texts("en"), texts("id")
    uploader = page.get_by_test_id("stFileUploader")
    expect(uploader.get_by_text("50MB per berkas")).to_be_visible()
    expect(page.get_by_label(indonesian("streamlit.menu"))).to_be_visible()
    page.get_by_role("radio", name=indonesian("classify.from_camera")).click()
    page.wait_for_function("document.querySelector('video')?.readyState >= 2")
    page.get_by_role("button", name=indonesian("streamlit.take")).click()
    expect(page.get_by_role("button", name=indonesian("streamlit.clear"))).to_be_visible()
    page.get_by_label(indonesian("streamlit.menu")).click()
    expect(page.get_by_text(indonesian("streamlit.print"))).to_be_visible()
    shown = page.locator("body").inner_text().splitlines()
    words = {key: word for key, word in english.by_key.items() if key.startswith("streamlit.")}
    same = {key for key, word in words.items() if indonesian.by_key[key] == word}
    assert {key for key, word in words.items() if word in shown} <= same
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.lang") == "id"

    page.get_by_role("radio", name=indonesian("classify.from_upload")).click()
    expect(uploader.get_by_text("Unggah", exact=True)).to_be_visible()
    page.get_by_role("radio", name="English").click()
    expect(uploader.get_by_text("Upload", exact=True)).to_be_visible()
    expect(uploader.get_by_text("50MB per file")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"


def test_a_photo_with_the_name_of_a_button_keeps_it(open_page):
    page = open_page("?language=id")
    give(page, {"Stop": jpeg_of(Image.new("RGB", (64, 64), "grey"))})
    expect(page.locator("strong").get_by_text("Stop", exact=True)).to_be_visible()


def test_the_study_table_is_that_of_the_files(open_page):
    page = open_page("study")
    row = page.locator("table tr", has_text="xception_again")
    expect(row).to_have_count(1)
    cells = [" ".join(cell.split()) for cell in row.locator("th, td").all_inner_texts()]
    assert cells == [
        *("xception_again xception", "0.944 study 0.929"),
        *("0.944 (0.928 to 0.956) study 0.952", "0.207 study 0.202", "0.183 study 0.194"),
    ]
    shipped = page.get_by_role("row", name="pilah/inception_v3 inception_v3, pretrained")
    expect(shipped).to_contain_text("0.968")
    expect(page.get_by_text("unfinished cannot be shown yet")).to_be_visible()


def test_a_request_beyond_this_machine_fails_any_test_with_a_browser(chromium):
    with (
        pytest.raises(pytest.fail.Exception, match=r"tracker\.invalid"),
        kept_inside(chromium) as browser,
        pages(browser) as open_at,
        contextlib.suppress(Error),
    ):
        open_at("http://tracker.invalid/x")


def test_a_zip_is_sorted_corrected_and_downloaded(open_page, portraits):
    page = open_page("sort")
    photo = next(iter(portraits.values()))
    photos = {"album/one.jpg": photo, "broken.jpg": b"nope", "notes.txt": b"x"}
    page.locator('input[type="file"]').set_input_files(
        [{"name": "photos.zip", "mimeType": "application/zip", "buffer": zip_of(photos)}]
    )
    page.get_by_role("button", name="Sort", exact=True).click()
    expect(page.get_by_role("button", name="Download the sorted .zip")).to_be_enabled()
    page.get_by_role("option", name="album/one.jpg").focus()
    page.keyboard.press("x")
    expect(page.get_by_text(texts("en")("review.moved", bin="both", number=1))).to_be_visible()
    wait_for_page(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the sorted .zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.read("mixed/one.jpg") == photo
        assert archive.read("unreadable/broken.jpg") == b"nope"
        rows = list(csv.DictReader(io.StringIO(archive.read("results.csv").decode())))
        assert {row["path"]: row["folder"] for row in rows} == {
            "album/one.jpg": "mixed",
            "broken.jpg": "unreadable",
        }
        assert {"report.html", "corrections.csv"} <= set(archive.namelist())


def test_a_click_on_the_chosen_folder_leaves_it_chosen(open_page):
    page = open_page("sort")
    photo = {"wall.jpg": jpeg_of(Image.new("RGB", (64, 64), "grey"))}
    page.locator('input[type="file"]').set_input_files(
        [{"name": "photos.zip", "mimeType": "application/zip", "buffer": zip_of(photo)}]
    )
    page.get_by_role("button", name="Sort", exact=True).click()
    for _ in range(2):
        page.get_by_role("radio", name="no face").click()
        wait_for_page(page)
    expect(page.get_by_text("wall.jpg")).to_be_visible()


@pytest.mark.parametrize("path", ["classify", "classify?language=en"])
def test_the_first_page_has_its_name_as_an_address_too(open_page, path):
    page = open_page(path)
    expect(page.get_by_role("heading", name=texts("en")("classify.title"))).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_app_answers_on_the_number_of_this_machine_too(browser, address):
    page = browser.new_page()
    page.goto(address.replace("localhost", "127.0.0.1"))
    page.locator("h1").first.wait_for(timeout=PATIENCE)
    page.close()


def test_no_other_page_may_show_this_one_in_a_frame(browser, address):
    with urllib.request.urlopen(address) as answer:
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    page = browser.new_page()
    page.set_content(f"<iframe src='{address}'></iframe>")
    page.wait_for_timeout(3000)
    assert page.frames[1].url.startswith("chrome-error:")
    page.close()


def test_a_hostile_zip_is_refused_in_plain_words(open_page):
    page = open_page("sort")
    page.locator('input[type="file"]').set_input_files(
        [
            {
                "name": "photos.zip",
                "mimeType": "application/zip",
                "buffer": zip_of({"../../x.jpg": b"x"}),
            }
        ]
    )
    page.get_by_role("button", name="Sort", exact=True).click()
    expect(page.get_by_text("wants to write outside its own folder")).to_be_visible()


def test_photos_are_filtered_corrected_and_taken_home(screen, portraits):
    say, page = screen.say, screen.open()
    give(page, {**portraits, "wall.jpg": jpeg_of(Image.new("RGB", (300, 200), "grey"))})
    expect(page.locator(".stImage img")).to_have_count(5)
    names = [image.get_attribute("alt") for image in page.locator(".stImage img").all()]
    assert names[0] == f"dark Hopper.jpg, {say('label.female')} >99%"
    for kind, number in (("no_face", 1), ("female", 2)):
        choice = f"{say(f'bin.{kind}')} {number}"
        page.get_by_role("radio", name=choice, exact=True).click()
        expect(page.locator(".stImage img")).to_have_count(number)
    page.get_by_role("button", name=say("cards.wrong")).first.click()
    page.get_by_role("button", name=say("label.male"), exact=True).click()
    page.keyboard.press("Escape")
    page.get_by_role("radio", name=f"{say('sort.all')} 5", exact=True).click()
    expect(page.locator(".stImage img")).to_have_count(5)
    wait_for_page(page)
    assert screen.fits(page)
    with page.expect_download() as download:
        page.get_by_role("button", name=say("cards.csv")).click()
    with download.value.path().open() as file:
        rows = {row["photo"]: row["corrected"] for row in csv.DictReader(file)}
    assert rows == {**dict.fromkeys([*portraits, "wall.jpg"], ""), "dark Hopper.jpg": "male"}
    with page.expect_download() as download:
        page.get_by_role("button", name=say("cards.corrections")).click()
    with zipfile.ZipFile(download.value.path()) as archive:
        (name, label) = archive.read("corrections.csv").decode().splitlines()[1].split(",")
        assert (label, len(archive.namelist())) == ("male", 2)
        Image.open(archive.open(name)).load()


def test_a_closer_look_has_each_models_answer_and_the_parts_that_count(
    screen, portraits, tiny_bundle
):
    say, page = screen.say, screen.open()
    parts = [Image.open(io.BytesIO(portraits[f"dark {who}.jpg"])) for who in ("Hopper", "Collins")]
    both = Image.new("RGB", (1024, 512))
    for at, part in enumerate(parts):
        both.paste(part.resize((512, 512)), (512 * at, 0))
    photo = jpeg_of(both)
    give(page, {"both.jpg": photo, "wall.jpg": jpeg_of(Image.new("RGB", (64, 64), "grey"))})
    page.get_by_role("button", name=say("closer.open")).click()  # one alone: a wall has no face
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".stImage img")).to_be_visible()
    faces = {
        name: sorted(pilah.load(model).predict(photo).faces, key=lambda face: face.box.left)
        for name, model in {"tiny": tiny_bundle, **{name: name for name in model_names()}}.items()
    }
    for number in (1, 2):
        dialog.get_by_role("radio", name=str(number), exact=True).click()
        cells = []
        for name, of_model in faces.items():
            face = of_model[number - 1]
            label = say(
                f"label.{label_of(face.p_male, 0.8) or 'unsure'}"
            )  # 0.8 is the tiny model's
            cells += [name, label, say.confidence(face.confidence)]
        expect(dialog.locator("tbody").locator("th, td")).to_have_text(cells)
        leaning = say(f"label.{label_of(faces['tiny'][number - 1].p_male, 0.5)}")
        picture = dialog.locator(".stImage img")
        expect(picture).to_have_attribute("alt", say("closer.alt", label=leaning))
    box = dialog.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= screen.width
    expect(dialog.get_by_role("link")).to_have_attribute("href", re.compile("^https://doi.org/"))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
