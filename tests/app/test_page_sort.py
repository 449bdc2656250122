"""The Sort page without a browser: a folder of the user's own, and what is refused."""

import pytest

from pilah import uploads
from pilah.app import visits
from pilah.app.plain import plain
from pilah.app.texts import texts

SAY = texts("en")


@pytest.fixture
def folder(tmp_path, portraits):
    for name, data in portraits.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def sort(page, folder) -> None:
    page.text_input[0].set_value(str(folder)).run()
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
    assert len(page_alone("sort", own_machine=True).text_input) == 1
    assert len(page_alone("sort", own_machine=False).text_input) == 0


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
    monkeypatch.setattr(uploads, "MAX_ZIP_PHOTOS", 1)
    sort(page, folder)
    assert [error.value for error in page.error] == [
        SAY("limits.folder_photos", number=len(list(folder.iterdir())), most=1)
    ]
