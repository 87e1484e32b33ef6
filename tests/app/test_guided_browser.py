"""A drawn head looks straight, left, right, up and down before a real browser's camera."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as Late

from demo.people import NAMES, PEOPLE, portrait
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.opening import create
from enrollment.photo import encode_jpeg, photo_bytes
from enrollment.service import open_service

CHROMIUM = "/usr/bin/chromium"
PATIENCE = 600  # seconds: a slow host is no failure, and what is quick does not wait
FILMED, COLLEAGUES = 0, range(6, 8)
HELD, ON_THE_WAY = 240, 4  # frames of the camera's 30 a second
# Degrees to the person's own left, and down.
VIEWS = ((0, 0), (26, 0), (-26, 0), (0, -22), (0, 22))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture(scope="module")
def address(models_opened_once: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("guided")
    _fill(Settings(home=folder / "gallery", key_folder=folder / "config" / "rollcall" / "keys"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--home", str(folder / "gallery")],
        env=os.environ | {"XDG_CONFIG_HOME": str(folder / "config")},
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE) == 0
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    film = tmp_path_factory.mktemp("film") / "film.mjpeg"
    film.write_bytes(b"".join(_film(PEOPLE[FILMED])))
    switches = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=switches, timeout=PATIENCE * 1000
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """As wide as a telephone. It must not ask anybody but the server for anything."""
    context = browser.new_context(viewport={"width": 375, "height": 1600})
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert not [u for u in asked if not re.match(r"(http://127\.0\.0\.1:|data:|blob:)", u)]


def test_five_views_are_taken_by_themselves_and_the_person_is_recognised(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/enroll")
    guided = page.get_by_text("Guided camera: five views")
    page.get_by_role("textbox", name="Name", exact=True).fill(NAMES[FILMED])
    page.keyboard.press("Tab")
    ticked = page.get_by_role("checkbox", name="The person has read this", checked=True)
    _press_until(page.get_by_text("The person has read this and agrees to it"), ticked)
    expect(page.get_by_text("First the consent")).to_be_hidden()
    camera = page.frame_locator("iframe").get_by_role("button", name="Start the camera")
    _press_until(guided, camera)
    _press_until(camera, page.get_by_text("pictures a second"))
    for view in ("Straight", "Left", "Right", "Up", "Down"):
        expect(page.get_by_text(f"{view}: taken")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="All done")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.frame_locator("iframe").get_by_role("button", name="Stop the camera").click()
    verdict = page.get_by_role("heading", name="The photos")
    question = page.get_by_role("button", name="Different people")
    enroll = page.get_by_role("button", name="Enroll", exact=True)
    _press_until(enroll, verdict.or_(question).first)
    if question.is_visible():  # drawn people look alike
        question.click()
    said = page.get_by_test_id("stMain").get_by_text(f"{NAMES[FILMED]} is enrolled: ")
    expect(said).to_contain_text(re.compile("[3-5] of 5 photos were kept"))
    page.get_by_text("The camera", exact=True).click()
    shot = page.get_by_role("button", name="Take Photo")
    line = page.get_by_role("table").locator("tbody tr")
    _press_until(shot, line)
    expect(line.locator("td").nth(2)).to_have_text(NAMES[FILMED])


def _press_until(button: Locator, outcome: Locator) -> None:
    """Press, and again when nothing comes of it, as a person would: a press while the page is
    being drawn anew may be lost."""
    until = time.monotonic() + PATIENCE
    while True:
        with suppress(Late):  # the outcome came just before this press
            button.click(timeout=20_000)
        try:
            expect(outcome).to_be_attached(timeout=60_000)
        except AssertionError:
            assert time.monotonic() < until, "nothing came of pressing it"
        else:
            return


def _film(person: int) -> Iterator[bytes]:
    before = VIEWS[0]
    for view in (*VIEWS, VIEWS[0]):
        for share in (1 / 3, 2 / 3):
            way = [a + (b - a) * share for a, b in zip(before, view, strict=True)]
            yield _frame(person, (way[0], way[1])) * ON_THE_WAY
        yield _frame(person, view) * HELD
        before = view


def _frame(person: int, turned: tuple[float, float]) -> bytes:
    picture = np.full((360, 640, 3), 128, np.uint8)
    picture[:, 140:500] = portrait(person, 0, size=360, hard=0.0, turned=turned)
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return data.tobytes()


def _fill(settings: Settings) -> None:
    create(settings, "dlib-resnet")
    with open_service(settings) as service:
        people = [
            Enrollee(
                NAMES[person],
                None,
                tuple(photo_bytes(f"{n}.jpg", encode_jpeg(portrait(person, n))) for n in range(2)),
            )
            for person in COLLEAGUES
        ]
        assert all(r.enrolled for r in service.enroll(people, "drawn", allow_collision))


def _wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"nothing answers at {url}")
