"""The Sort page without a browser: a folder of the user's own, and what is refused."""

import io

import pytest
from photos import jpeg_of
from PIL import Image, ImageEnhance

from pilah import uploads
from pilah.app import visits
from pilah.app.plain import plain
from pilah.texts import texts

SAY = texts("en")
ARCHIVED = {"results.csv", "results.parquet", "corrections.csv", "report.html"}


@pytest.fixture
def folder(tmp_path, portraits):
    for name, data in portraits.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def sort(page, folder) -> None:
    page.segmented_control[0].set_value("own").run()
    assert not page.exception
    page.text_input[0].set_value("the token").run()
    page.text_input[1].set_value(str(folder)).run()
    page.button[0].click().run()
    assert not page.exception


def found() -> dict[str, int]:
    """The latest sort: how many photos there are by bin."""
    *_, workspace = visits._sorts.values()
    return workspace.counts()


def test_a_named_folder_is_sorted_and_not_changed(page_alone, folder, portraits):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    page = page_alone("sort")
    sort(page, folder)
    assert sum(found().values()) == len(portraits)
    options = page.segmented_control[0].options
    assert options[0] == f"{SAY('sort.all')} {len(portraits)}"
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_may_be_named_on_the_users_own_machine_only(page_alone):
    assert SAY("intake.from_own") in page_alone("sort").segmented_control[0].options
    others = page_alone("sort", own_machine=False)
    assert SAY("intake.from_own") not in others.segmented_control[0].options


def test_a_folder_needs_the_token_of_this_server(page_alone):
    page = page_alone("sort")
    page.segmented_control[0].set_value("own").run()
    assert len(page.text_input) == 1
    assert page.button[0].disabled
    page.text_input[0].set_value("a guess").run()
    assert [error.value for error in page.error] == [SAY("access.wrong")]
    assert len(page.text_input) == 1


def test_nothing_given_nothing_to_start(page_alone):
    assert page_alone("sort").button[0].disabled


@pytest.mark.parametrize("name", ["~nosuchuser", "n" * 300, "/etc/passwd", "a\0b", "~nosuchuser/x"])
def test_a_folder_that_cannot_be_is_said_in_plain_words(page_alone, name):
    page = page_alone("sort")
    sort(page, name)
    assert [error.value for error in page.error] == [SAY("limits.folder", name=plain(name))]


def test_a_folder_behind_a_link_is_sorted(page_alone, folder, portraits, tmp_path_factory):
    link = tmp_path_factory.mktemp("elsewhere") / "link"
    link.symlink_to(folder)
    page = page_alone("sort")
    sort(page, link)
    assert sum(found().values()) == len(portraits)


def test_what_is_refused_is_said_in_plain_words(page_alone, folder, monkeypatch):
    page = page_alone("sort")
    sort(page, folder / "nowhere")
    assert [error.value for error in page.error] == [
        SAY("limits.folder", name=plain(str(folder / "nowhere")))
    ]
    monkeypatch.setattr(visits, "AT_ONCE", 0)
    sort(page, folder)
    assert [error.value for error in page.error] == [SAY("limits.busy")]


def test_an_own_folder_has_no_limit(page_alone, folder, portraits, monkeypatch, tmp_path_factory):
    monkeypatch.setattr(uploads, "MAX_ZIP_PHOTOS", 1)
    monkeypatch.setattr("pilah.app.sort.MAX_UNPACKED_MB", 0)
    page = page_alone("sort")
    sort(page, folder)
    assert sum(found().values()) == len(portraits)
    # Too large for a .zip in the memory of a browser: it is copied to a folder instead.
    target = tmp_path_factory.mktemp("result") / "new"
    for answer in ("success", "error"):
        page.text_input[0].set_value(str(target))
        copy = next(button for button in page.button if button.label == SAY("sort.copy"))
        copy.click().run()
        assert len(getattr(page, answer)) == 1
    names = {path.name for path in target.rglob("*") if path.is_file()}
    assert names == {*portraits, *ARCHIVED}


def test_options_change_what_is_decided(page_alone, folder, portraits):
    page = page_alone("sort")
    page.select_slider[0].set_value(0.5).run()
    page.radio[0].set_value("main").run()
    page.checkbox[0].check().run()
    (folder / "album").mkdir()
    doubtful = ImageEnhance.Brightness(Image.open(io.BytesIO(portraits["dark Hopper.jpg"])))
    (folder / "album" / "two.jpg").write_bytes(jpeg_of(doubtful.enhance(1.0)))
    sort(page, folder)
    *_, workspace = visits._sorts.values()
    assert workspace.by == "main"
    assert found()["unsure"] == 0
    (place,) = (photo.destination for photo in workspace.photos if "two.jpg" in photo.source)
    assert place.endswith("/album/two.jpg")
