"""Every page in a real browser, light and dark, wide and on a telephone: it is drawn, nothing hangs
over, WCAG 2.1 AA holds as far as axe-core can tell, and nothing is loaded from elsewhere.

`--screenshots DIR` keeps a picture of each.
"""

from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect

from app.language import Language
from app.pages import addresses
from demo.people import NAMES, portrait
from enrollment.photo import encode_jpeg, photo_bytes
from enrollment.service import open_service
from tests.app.browser import CHROMIUM, chromium, fill, frame, serving, settings_in, watched

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# Not ours to mend: Streamlit's own menu nests its groups as no list may, and Vega draws an unnamed
# frame for regions (a chart's words stand in its alt).
NOT_OURS = ['[data-testid="stSidebarNav"]', '[data-testid="stVegaLiteChart"]']
# Browsers of today let the keyboard scroll what can be scrolled, such as Streamlit's wide tables.
OFF = {"scrollable-region-focusable": {"enabled": False}}
STRANGER = 20
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
TALLEST = 4000  # px of a picture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture(scope="module")
def address(models_opened_once: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """People, one suspended and one merged, a face to review, a request, a night, a backup."""
    folder = tmp_path_factory.mktemp("every-page")
    settings = settings_in(folder)
    fill(settings, range(6))
    with open_service(settings) as service:
        service.suspend(NAMES[4])
        service.merge(NAMES[5], NAMES[0])
        for number in range(2):
            photo = photo_bytes(f"{number}.jpg", encode_jpeg(portrait(STRANGER, number, hard=0.2)))
            service.identify(photo, service.queue.look_on)
        service.privacy.add_request(service.person(NAMES[1]).subject_id, "export", "by letter")
        service.nightly()
        service.backup()
    with serving(folder) as served:
        yield served
    assert "Traceback" not in (folder / "server.log").read_text()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    film = tmp_path_factory.mktemp("film") / "film.mjpeg"
    film.write_bytes(frame(0, 0) * 10)
    with chromium(film) as browser:
        yield browser


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("language", ["en-GB", "de-DE"])
def test_every_page(
    browser: Browser, address: str, width: int, language: str, request: pytest.FixtureRequest
) -> None:
    folder = request.config.getoption("--screenshots")
    context = browser.new_context(viewport={"width": width, "height": 900}, locale=language)
    wrong: list[str] = []
    with watched(context) as page:
        for path in addresses(Language()):
            page.goto(f"{address}/{path}")
            # The door has no menu, and is said in one sentence.
            way_out = page.get_by_text(Language(language[:2]).say("Leave door mode"))
            expect(page.get_by_role("heading", level=1).or_(way_out).first).to_be_attached()
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.locator(READY).wait_for()
                where = f"{path or 'start'}-{width}-{scheme}-{language[:2]}"
                wrong += [f"{where}: {what}" for what in faults(page, width)]
                if folder:
                    keep(page, Path(folder) / f"{where}.png", width)
    assert not wrong, "\n".join(wrong)


def faults(page: Page, width: int) -> list[str]:
    """What is wrong with the page as it stands."""
    found = []
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        found.append(f"{wide} px wide")
    if page.get_by_text("Traceback").count():
        found.append("a traceback")
    page.evaluate(AXE)
    results = page.evaluate(
        "([exclude, runOnly, rules]) => axe.run({exclude}, {runOnly, rules})",
        [NOT_OURS, RULES, OFF],
    )
    for violation in results["violations"]:
        first = violation["nodes"][0]
        found.append(f"{violation['id']}: {first['html'][:200]} {first['failureSummary'][:300]}")
    return found


def keep(page: Page, file: Path, width: int) -> None:
    """The whole page: Streamlit scrolls inside, so the window is made as tall as that."""
    file.parent.mkdir(parents=True, exist_ok=True)
    main = page.get_by_test_id("stMain")
    tall = main.evaluate("e => e.scrollHeight") if main.count() else 900
    page.set_viewport_size({"width": width, "height": min(max(int(tall), 900), TALLEST)})
    page.wait_for_timeout(300)
    page.screenshot(path=file)
    page.set_viewport_size({"width": width, "height": 900})
