"""A drawn head looks straight, left, right, up and down before a real browser's camera."""

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from demo.people import NAMES, PEOPLE, portrait
from tests.app.browser import (
    CHROMIUM,
    chromium,
    fill,
    press_until,
    serving,
    settings_in,
    watched,
)

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
    fill(settings_in(folder), COLLEAGUES)
    with serving(folder) as served:
        yield served


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    film = tmp_path_factory.mktemp("film") / "film.mjpeg"
    film.write_bytes(b"".join(_film(PEOPLE[FILMED])))
    with chromium(film) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """As wide as a telephone."""
    with watched(browser.new_context(viewport={"width": 375, "height": 1600})) as page:
        yield page


def test_five_views_are_taken_by_themselves_and_the_person_is_recognised(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/enroll")
    guided = page.get_by_text("Guided camera: five views")
    page.get_by_role("textbox", name="Name", exact=True).fill(NAMES[FILMED])
    page.keyboard.press("Tab")
    ticked = page.get_by_role("checkbox", name="The person has read this", checked=True)
    press_until(page.get_by_text("The person has read this and agrees to it"), ticked)
    expect(page.get_by_text("First the consent")).to_be_hidden()
    camera = page.frame_locator("iframe").get_by_role("button", name="Start the camera")
    press_until(guided, camera)
    press_until(camera, page.get_by_text("pictures a second"))
    for view in ("Straight", "Left", "Right", "Up", "Down"):
        expect(page.get_by_text(f"{view}: taken")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="All done")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.frame_locator("iframe").get_by_role("button", name="Stop the camera").click()
    verdict = page.get_by_role("heading", name="The photos")
    question = page.get_by_role("button", name="Different people")
    enroll = page.get_by_role("button", name="Enroll", exact=True)
    press_until(enroll, verdict.or_(question).first)
    if question.is_visible():  # drawn people look alike
        question.click()
    said = page.get_by_test_id("stMain").get_by_text(f"{NAMES[FILMED]} is enrolled: ")
    expect(said).to_contain_text(re.compile("[3-5] of 5 photos were kept"))
    page.get_by_text("The camera", exact=True).click()
    shot = page.get_by_role("button", name="Take Photo")
    line = page.get_by_role("table").locator("tbody tr")
    press_until(shot, line)
    expect(line.locator("td").nth(2)).to_have_text(NAMES[FILMED])


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
