"""Who may name folders of the machine: whoever opens the address that the server prints."""

import re

from playwright.sync_api import expect

from demo.serving import PATIENCE, served, token_of, wait_for_page
from pilah.texts import texts

expect.set_options(timeout=PATIENCE)
SAY = texts("en")


def test_the_address_that_is_printed_opens_folders(browser, tiny_bundle, tmp_path):
    with served("--model", tiny_bundle) as (address, process):
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{address}/sort")
        page.get_by_role("radio", name=SAY("intake.from_own")).click()
        expect(page.get_by_text(SAY("access.where").split("`")[0])).to_be_visible()
        expect(page.get_by_role("textbox", name=SAY("intake.folder"))).to_have_count(0)

        with open(f"/proc/{process}/fd/1") as log:
            printed = re.search(r"Open (\S+)", log.read())[1]
        assert printed == f"{address}/?token={token_of(process)}"
        page.goto(printed)
        wait_for_page(page)
        expect(page).not_to_have_url(re.compile("token"))
        page.get_by_role("link", name=SAY("frame.sort"), exact=True).click()
        page.get_by_role("radio", name=SAY("intake.from_own")).click()
        expect(page.get_by_role("textbox", name=SAY("intake.folder"))).to_be_visible()
        cookie = next(each for each in context.cookies() if each["name"] == "pilah-token")
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")

        other = browser.new_context()
        page = other.new_page()
        page.goto(f"{address}/?token=guess")
        wait_for_page(page)
        assert "pilah-token" not in {each["name"] for each in other.cookies()}
        other.close()
        context.close()


def test_a_server_for_others_has_no_token(tiny_bundle):
    with served("--model", tiny_bundle, "--address", "0.0.0.0") as (_, process):
        assert token_of(process) == ""
