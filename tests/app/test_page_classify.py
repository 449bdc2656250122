"""What the Classify page makes of photos and of the visitor's caution, without a browser."""

import csv
import io
import json
import re
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photos import jpeg_of
from PIL import Image, ImageDraw, ImageEnhance

import pilah
from pilah import uploads
from pilah.app import downloads
from pilah.app.caution import Risk, caution_steps, risk_at
from pilah.app.drawing import Seen, find_tags, preview
from pilah.app.samples import sample_photos
from pilah.dataset.table import read_table
from pilah.models.bundle import RiskPoint
from pilah.texts import texts
from pilah.types import Box, Face, Result

SAY = texts("en")


@pytest.fixture(scope="module")
def doubtful(tiny_bundle, portraits) -> bytes:
    """A portrait so bright that the tiny model is between 0.5 and 0.8 sure."""
    photo = Image.open(next(iter(sample_photos().values()))).convert("RGB")
    model = pilah.load(tiny_bundle, workers=1)
    for percent in range(40, 250, 5):
        data = jpeg_of(ImageEnhance.Brightness(photo).enhance(percent / 100))
        face = model.predict(data).main
        if face and 0.55 < face.confidence < 0.75:
            return data
    pytest.fail("no brightness makes the tiny model doubt")


def give(page, *photos: bytes) -> None:
    page.file_uploader[0].set_value(
        [(f"photo {n}.jpg", data, "image/jpeg") for n, data in enumerate(photos)]
    )
    page.run()
    assert not page.exception


def kinds(page) -> list[str]:
    """The label of each face that is shown, unsure where there is none."""
    return [kind for rows in page.html for kind in re.findall('class="face ([a-z]+)"', rows.value)]


def shown(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_at_first_nothing_is_shown_and_nothing_is_wrong(page_alone):
    page = page_alone("classify")
    assert not page.exception
    assert kinds(page) == []
    assert [*page.warning, *page.error, *page.info] == []
    assert len(page.file_uploader) == 1


def test_caution_changes_the_labels_and_what_they_cost(page_alone, doubtful):
    page = page_alone("classify")
    give(page, doubtful)
    assert kinds(page) == ["unsure"]
    # as the counts at the recommended confidence have it, which About and the card show too
    assert shown(page) == {SAY("caution.coverage"): "95.0%", SAY("caution.error"): "4.7%"}
    assert page.metric[1].help == SAY("caution.interval", low="2.5%", high="8.8%", faces="190")
    page.select_slider[0].set_value(0.5).run()
    assert kinds(page)[0] in ("female", "male")
    assert shown(page) == {
        SAY("caution.coverage"): SAY("caution.all"),
        SAY("caution.error"): "10.0%",
    }


def test_the_slider_is_remembered_in_another_language(page_alone):
    page = page_alone("classify")
    page.select_slider[0].set_value(0.5).run()
    page.session_state["language"] = "id"
    page.run()
    assert page.select_slider[0].value == 0.5
    assert shown(page)[texts("id")("caution.coverage")] == texts("id")("caution.all")


def test_no_two_steps_read_alike(tiny_bundle):
    info = pilah.load(tiny_bundle, workers=1).info
    near = replace(info, min_confidence=0.6298, risk_coverage=(RiskPoint(0.6299, 0.1, 0.9),))
    assert caution_steps(near) == [0.5, 0.6298]


def test_where_no_error_was_seen_the_most_that_there_may_be_is_said(page_alone, monkeypatch):
    monkeypatch.setattr("pilah.app.caution.risk_at", lambda *_: Risk(0.3, 0.0, 1000))
    page = page_alone("classify")
    assert shown(page)[SAY("caution.error")] == "<0.4%"


def test_every_photo_gets_an_answer(page_alone, portraits):
    page = page_alone("classify")
    wall = jpeg_of(Image.new("RGB", (300, 200), "grey"))
    give(page, *portraits.values(), wall, b"nope", b"")
    assert set(kinds(page)) >= {"female", "male"}
    assert [info.value for info in page.info] == [SAY("classify.no_face")]
    assert [warning.value for warning in page.warning] == [
        SAY("unreadable.not_an_image"),
        SAY("unreadable.empty"),
    ]


def test_a_photo_taken_away_is_forgotten(page_alone, portraits):
    page = page_alone("classify")
    give(page, next(iter(portraits.values())))
    assert len(page.session_state["seen"]) == 1
    give(page)
    assert kinds(page) == []
    assert page.session_state["seen"] == {}


def test_more_photos_than_are_looked_at(page_alone, monkeypatch, portraits):
    monkeypatch.setattr(uploads, "MAX_PHOTOS", 2)
    page = page_alone("classify")
    give(page, *[next(iter(portraits.values()))] * 3)
    assert len(kinds(page)) == 2
    assert [warning.value for warning in page.warning] == [SAY("limits.photos", number=3, most=2)]


def test_in_indonesian(page_alone, doubtful):
    page = page_alone("classify", language="id")
    give(page, doubtful)
    assert texts("id")("label.unsure") in page.html[0].value
    assert shown(page)[texts("id")("caution.coverage")] == "95,0%"


def test_a_sample_in_one_click(page_alone, portraits):
    page = page_alone("classify")
    page.segmented_control[0].set_value("samples").run()
    page.pills[0].set_value([next(iter(sample_photos()))]).run()
    assert len(kinds(page)) == 1


def test_risk_between_two_measured_points_is_that_of_the_lower(tiny_bundle):
    info = pilah.load(tiny_bundle, workers=1).info
    assert risk_at(info, 0.79).coverage == 1.0
    assert risk_at(info, 0.99).coverage == 0.9
    assert risk_at(info, 0.99).faces == 180
    assert risk_at(info, 0.4) is None


@pytest.fixture
def seen(tiny_bundle, portraits) -> dict[str, Seen]:
    """Two photos of one face each, side by side in a third, and one that is none."""
    model = pilah.load(tiny_bundle, workers=1)
    photos = dict(list(portraits.items())[:2])
    one, two = (Image.open(io.BytesIO(data)) for data in photos.values())
    both = Image.new("RGB", (one.width + two.width, max(one.height, two.height)))
    both.paste(one, (0, 0))
    both.paste(two, (one.width, 0))
    photos["=both.jpg"] = jpeg_of(both)
    made = {name: Seen(name, model.predict(data), preview(data)) for name, data in photos.items()}
    assert [len(each.faces) for each in made.values()] == [1, 1, 2]
    return made | {"x": Seen("x", Result(None, error="not an image"), None)}


def test_answers_as_csv_and_json_have_every_photo_and_what_was_wrong(seen):
    wrong = {"=both.jpg": {2}}
    rows = list(csv.DictReader(io.StringIO(downloads.to_csv(seen, wrong))))
    assert [(row["photo"], row["face"]) for row in rows][-3:] == [
        *(("'=both.jpg", "1"), ("'=both.jpg", "2"), ("x", ""))
    ]
    assert rows[-1]["error"] == "not an image"
    right = seen["=both.jpg"].faces[1]
    other = "female" if right.p_male >= 0.5 else "male"
    assert [row["corrected"] for row in rows] == ["", "", "", other, ""]
    assert float(rows[-2]["left"]) > float(rows[-3]["right"])  # numbered from left to right
    photos = json.loads(downloads.to_json(seen, wrong))
    assert [photo["path"] for photo in photos] == list(seen)
    assert [face["corrected"] for face in photos[2]["faces"]] == [None, other]


def test_corrected_faces_are_a_table_that_prepare_reads(seen, portraits, tmp_path, tiny_bundle):
    name = next(iter(portraits))
    data = downloads.corrections(seen, {name: {1}}, {name: lambda: portraits[name]})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    table = read_table(tmp_path / "corrections.csv")
    ((path, label),) = table[["path", "label"]].to_numpy().tolist()
    before = seen[name].faces[0]
    assert label == ("female" if before.p_male >= 0.5 else "male")
    (face,) = pilah.load(tiny_bundle, workers=1).predict(path).faces
    assert face.height == pytest.approx(before.height, rel=0.1)


def test_pictures_are_one_for_each_photo(seen):
    data = downloads.pictures_zip(seen, lambda face: "word")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 3
        assert Image.open(archive.open(archive.namelist()[2])).size[0] <= 1200


BOXES = st.lists(
    st.tuples(st.floats(0, 1100), st.floats(0, 700), st.floats(20, 200)), min_size=1, max_size=48
)


@given(BOXES)
def test_no_label_covers_a_face(boxes):
    faces = tuple(Face(Box(x, y, x + w, y + 1.3 * w), "female", 0.1, 1.0) for x, y, w in boxes)
    white = jpeg_of(Image.new("RGB", (1200, 800), "white"))
    plain_boxes = [face.box for face in faces]
    for tag in find_tags(ImageDraw.Draw(Image.open(io.BytesIO(white))), faces, 1.0, ()):
        for box in plain_boxes:
            apart = (
                tag.box.right <= box.left
                or box.right <= tag.box.left
                or tag.box.bottom <= box.top
                or box.bottom <= tag.box.top
            )
            assert apart


def test_forty_eight_faces_are_all_numbered_in_letters_that_can_be_read():
    faces = tuple(
        Face(Box(x, y, x + 70, y + 90), "male", 0.9, 1.0)
        for y in range(60, 840, 135)
        for x in range(30, 1180, 145)
    )
    assert len(faces) == 48
    tags = find_tags(ImageDraw.Draw(Image.new("RGB", (1200, 900))), faces, 1.0, ())
    assert [tag.text for tag in tags] == [str(number) for number in range(1, 49)]
    assert min(tag.font.size for tag in tags) >= 14
