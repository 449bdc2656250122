"""From nothing to the first answer of the web app: `python -m benchmarks.cold_start`.

`pilah app` is started, a browser that is open already goes there as soon as it answers, gives one
photo, and waits for the label of its face. Each line reports the seconds since the start.
"""

import tempfile
import time
from pathlib import Path

from demo.portraits import write_photos
from demo.serving import PATIENCE, launched, served


def main() -> None:
    """Measure and print three lines."""
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        write_photos(Path(folder))
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        start = time.perf_counter()
        with served() as (address, _):
            print(f"{time.perf_counter() - start:5.1f} s  the server answers")
            page.goto(address)
            uploader = page.locator('input[type="file"]')
            uploader.wait_for(state="attached")
            print(f"{time.perf_counter() - start:5.1f} s  the page is there")
            uploader.set_input_files(Path(folder) / "collins.png")
            page.locator(".face").wait_for()
            print(f"{time.perf_counter() - start:5.1f} s  the first photo has its answer")


if __name__ == "__main__":
    main()
