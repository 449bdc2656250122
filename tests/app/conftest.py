"""The app in a process of its own, a real browser to look at it, and pages alone."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from photos import jpeg_of
from PIL import Image, ImageEnhance
from playwright.sync_api import Browser, Page
from streamlit.testing.v1 import AppTest
from watching import WatchedBrowser, kept_inside

from demo.serving import PATIENCE, NoBrowser, launched, pages, served
from pilah.app.samples import sample_photos
from pilah.app.settings import TOKEN_VARIABLE, Settings
from pilah.texts import Texts, texts


@pytest.fixture(scope="session")
def portraits() -> dict[str, bytes]:
    """Two portraits, each dark and bright: the tiny model calls dark faces female."""
    samples = sample_photos()
    if len(samples) < 2:
        pytest.skip("the two sample portraits are not installed (matplotlib and scikit-image)")
    made = {}
    for name, path in samples.items():
        photo = Image.open(path).convert("RGB")
        for word, factor in (("dark", 0.3), ("bright", 2.5)):
            data = jpeg_of(ImageEnhance.Brightness(photo).enhance(factor))
            made[f"{word} {name.split()[1]}.jpg"] = data
    return made


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one evaluated run that repeats the study, and one that is not evaluated."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("xception_again", "unfinished"):
        run = folder / name
        run.mkdir()
        (run / "recipe.toml").write_text(
            'name = "x"\nrepeats_study = true\n[model]\nbackbone = "xception"\n'
        )
        (run / "environment.json").write_text("{}")
        (run / "history.csv").write_text(
            "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n"
            "1,0.3,0.9,0.25,0.91,0.001,1\n2,0.2,0.93,0.22,0.92,0.001,1\n"
        )
    split = {
        "n": 1000,
        "accuracy": {"value": 0.9437, "low": 0.9276, "high": 0.9564, "n": 1000},
        "loss": 0.1834,
        "confusion": [[540, 30], [26, 404]],
    }
    text = json.dumps({"validation": {**split, "loss": 0.2071}, "test": split})
    (folder / "xception_again" / "metrics.json").write_text(text)
    return folder


@pytest.fixture(scope="session")
def address(tiny_bundle: Path, runs: Path) -> Iterator[str]:
    """Where the app is, with the tiny model and the runs."""
    with served("--model", tiny_bundle, "--runs", runs) as (address, _):
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of one file: Playwright drives one at a time, and others follow."""
    try:
        with launched() as browser:
            yield browser
    except NoBrowser as missing:
        pytest.skip(str(missing))


@pytest.fixture
def browser(chromium: Browser) -> Iterator[WatchedBrowser]:
    """The browser; a test fails if any page of it asks for something beyond this machine."""
    with kept_inside(chromium) as watched:
        yield watched


@pytest.fixture
def open_page(browser: WatchedBrowser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a page of the app in a context of its own."""
    with pages(browser) as open_at:
        yield lambda path="", **options: open_at(f"{address}/{path}", **options)


@dataclass(frozen=True)
class Screen:
    """A desktop in English, or a phone in Indonesian."""

    language: str
    width: int
    open_page: Callable[..., Page]

    @property
    def say(self) -> Texts:
        return texts(self.language)

    def open(self, path: str = "") -> Page:
        viewport = {"width": self.width, "height": 844}
        return self.open_page(f"{path}?language={self.language}", viewport=viewport)

    def fits(self, page: Page) -> bool:
        """Whether nothing on the page is wider than the screen."""
        return bool(page.evaluate("document.querySelector('.stMain').scrollWidth") <= self.width)


@pytest.fixture(params=[("en", 1280), ("id", 390)], ids=["desktop", "phone"])
def screen(request: pytest.FixtureRequest, open_page: Callable[..., Page]) -> Screen:
    return Screen(*request.param, open_page)


@pytest.fixture
def page_alone(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Run a page of the app without a browser, with the tiny model."""

    def page_alone(
        name: str, *, language: str = "en", runs: tuple[Path, ...] = (), own_machine: bool = True
    ) -> AppTest:
        settings = Settings(str(tiny_bundle), runs, own_machine)
        monkeypatch.setenv(TOKEN_VARIABLE, "the token")
        monkeypatch.setattr(sys, "argv", ["main.py", *settings.to_arguments()])
        # Streamlit puts the page in its place; worker processes of later tests would start with it
        monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
        page = AppTest.from_function(_show, args=(name,), default_timeout=PATIENCE / 1000)
        page.session_state["language"] = language
        return page.run()

    return page_alone


def _show(name: str) -> None:
    from importlib import import_module

    import_module(f"pilah.app.{name}").show()
