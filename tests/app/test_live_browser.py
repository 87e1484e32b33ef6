"""The live camera in a real browser: real server, real models, people who are drawn."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    FrameLocator,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from playwright.sync_api import TimeoutError as Late

from demo.people import NAMES
from tests.app.browser import (
    CHROMIUM,
    COLLEAGUES,
    PATIENCE,
    fill,
    frame,
    launched,
    serving,
    settings_in,
    watched,
)

FILMED, STRANGER = 3, 20
SECOND = 30  # frames of the film
# Keeps what the page films, so that a test can take the camera away.
KEEP_STREAMS = """
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.streams = [];
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await real(wanted);
  window.streams.push(stream);
  return stream;
};
"""
TAKE_AWAY = "() => window.streams.forEach(s => s.getTracks().forEach(t => t.stop()))"
PRESENTED = "video => video.getVideoPlaybackQuality().totalVideoFrames"


def has_network() -> bool:
    """WebRTC goes over an address of the machine's own, not over loopback alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return False
        return not probe.getsockname()[0].startswith("127.")


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed"),
    pytest.mark.skipif(not has_network(), reason="this machine has no address but loopback"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def address(models_opened_once: None, folder: Path) -> Iterator[str]:
    fill(settings_in(folder), [*COLLEAGUES, FILMED])
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def film(folder: Path) -> Path:
    """Somebody enrolled, nobody, a stranger, nobody; long enough for a slow host."""
    film = folder / "film.mjpeg"
    nobody = frame(None, 0) * (3 * SECOND)
    known, stranger = (
        b"".join(frame(person, n) * (3 * SECOND) for n in range(4)) for person in (FILMED, STRANGER)
    )
    film.write_bytes(known + nobody + stranger + nobody)
    return film


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright, film: Path) -> Iterator[Browser]:
    with launched(playwright, film) as browser:
        yield browser


def camera_of(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title*=webrtc]")


def open_live(page: Page, address: str) -> FrameLocator:
    page.goto(f"{address}/identify")
    page.get_by_text("Live", exact=True).click()
    return camera_of(page)


def film_until(camera: FrameLocator, outcome: Locator) -> None:
    """Start the camera, and again when it is lost because the host is slow, as a person would."""
    until = time.monotonic() + PATIENCE
    while True:
        with suppress(Late):  # there is no such button while it films
            camera.get_by_role("button", name="Start the camera").click(timeout=10_000)
        try:
            expect(outcome).to_be_visible(timeout=30_000)
        except AssertionError:
            assert time.monotonic() < until, "nothing came of filming"
        else:
            return


def test_known_and_unknown_are_listed_and_a_camera_taken_away_is_said(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 1200})
    context.add_init_script(KEEP_STREAMS)
    with watched(context) as page:
        camera = open_live(page, address)
        lines = page.get_by_role("table").locator("tbody tr")
        named = lines.filter(has_text=NAMES[FILMED])
        film_until(camera, named.first)
        expect(named.first.get_by_role("cell").nth(1)).to_have_text(re.compile(r"\bknown\b"))
        unknown = lines.filter(has_text=re.compile(r"\bunknown\b"))
        film_until(camera, unknown.first)
        assert unknown.filter(has_text=NAMES[FILMED]).count() == 0
        assert camera.locator("video").evaluate(PRESENTED) > 0
        expect(page.get_by_text("pictures a second")).to_be_visible()

        listed = lines.count()
        camera.locator("body").evaluate(TAKE_AWAY)
        expect(page.get_by_text("The camera gives no more pictures")).to_be_visible()
        expect(lines.nth(listed - 1)).to_be_visible()  # nothing is lost
        expect(page.get_by_text("Photo", exact=True)).to_be_visible()
        camera.get_by_role("button", name="Stop the camera").click()
        camera.get_by_role("button", name="Start the camera").click()
        expect(page.get_by_text("The camera gives no more pictures")).to_be_hidden()
        expect(page.get_by_text("pictures a second")).to_be_visible()


def test_a_camera_that_is_not_allowed_is_said_and_a_photo_still_works(
    playwright: Playwright, film: Path, address: str
) -> None:
    with launched(playwright, film, allowed=False) as browser:
        context = browser.new_context()
        context.grant_permissions([])  # what is not granted is denied, without a question
        with watched(context) as page:
            open_live(page, address).get_by_role("button", name="Start the camera").click()
            expect(
                page.get_by_text("The browser was not allowed to use the camera")
            ).to_be_visible()
            page.get_by_text("Photo", exact=True).click()
            expect(page.get_by_test_id("stFileUploader")).to_be_visible()


def test_the_door_welcomes_in_large_letters_and_can_be_left(browser: Browser, address: str) -> None:
    with watched(browser.new_context(viewport={"width": 1280, "height": 720})) as page:
        page.goto(f"{address}/door?other-way=Ring+the+bell")
        sign = page.locator(".st-key-door-sign")
        expect(sign).to_have_attribute("aria-live", "polite")
        expect(sign).to_contain_text("The camera is off")
        expect(page.get_by_test_id("stSidebar")).to_be_hidden()
        expect(page.get_by_test_id("stHeader")).to_be_hidden()
        film_until(camera_of(page), sign.get_by_text(f"Welcome, {NAMES[FILMED]}"))
        size = sign.locator("b").evaluate("b => parseFloat(getComputedStyle(b).fontSize)")
        assert size >= 0.08 * 1280
        expect(sign).to_contain_text("Please look at the camera")
        expect(sign).to_contain_text("Ring the bell")

        page.set_viewport_size({"width": 375, "height": 800})
        another_way = sign.get_by_text("Please go another way")
        until = time.monotonic() + PATIENCE
        while not another_way.is_visible():  # a press while the page is drawn anew may be lost
            assert time.monotonic() < until
            page.get_by_role("button", name="I was not recognised").click()
            page.wait_for_timeout(2000)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        page.get_by_role("link", name="Leave door mode").press("Enter")
        expect(page).to_have_url(f"{address}/")
