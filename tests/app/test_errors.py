"""What goes wrong unexpectedly: no traceback for the visitor, no name of a photo in the log."""

import shutil
from pathlib import Path

from photos import jpeg_of
from PIL import Image
from playwright.sync_api import expect

from demo.serving import PATIENCE, served, token_of, wait_for_page
from pilah.texts import texts

expect.set_options(timeout=PATIENCE)


def log_of(process: int) -> str:
    return Path(f"/proc/{process}/fd/1").read_text()


def test_an_unexpected_error_is_an_apology_and_its_message_is_not_logged(
    browser, runs, tiny_bundle, tmp_path
):
    run = tmp_path / "runs" / "secret"
    shutil.copytree(runs / "xception_again", run)
    (run / "plots").mkdir()
    (run / "plots" / "wrong_predictions.png").write_bytes(b"no picture")
    with served("--model", tiny_bundle, "--runs", tmp_path / "runs") as (address, process):
        page = browser.new_page()
        page.goto(f"{address}/study?language=id")
        expect(page.get_by_text(texts("id")("frame.broken").split("`")[0])).to_be_visible()
        assert page.get_by_test_id("stException").count() == 0
        page.close()
        log = log_of(process)
    assert "study.py" in log
    assert "secret" not in log


def test_names_of_photos_are_not_logged(browser, tiny_bundle, tmp_path):
    photos = tmp_path / "secret"
    photos.mkdir()
    good = jpeg_of(Image.new("RGB", (64, 64), "grey"))
    for name, data in (("good", good), ("cut", good[: len(good) // 2]), ("no", b"no")):
        (photos / f"secret {name}.jpg").write_bytes(data)
    (photos / "secret link.jpg").symlink_to(photos / "secret nowhere.jpg")
    with served("--model", tiny_bundle) as (address, process):
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{address}/sort?token={token_of(process)}")
        wait_for_page(page)
        page.get_by_role("radio", name=texts("en")("intake.from_own")).click()
        page.get_by_role("textbox").fill(str(photos))
        page.get_by_role("textbox").press("Enter")
        page.get_by_role("button", name=texts("en")("sort.start"), exact=True).click()
        expect(page.get_by_text("secret good.jpg")).to_be_visible()
        page.close()
        log = log_of(process)
    assert "pilah with the model" in log
    assert "secret" not in log
