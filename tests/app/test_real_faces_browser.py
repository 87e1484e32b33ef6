"""Real people before a real browser's camera, from clips that are not part of the project."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import expect

from enrollment.photo import encode_jpeg
from tests.app.browser import (
    chromium,
    fill,
    frame,
    press_enroll,
    serving,
    settings_in,
    take_picture,
    watched,
    write_name_and_agree,
)
from tests.app.test_live_browser import film_until, open_live, pytestmark
from tests.models.places import shared

__all__ = ["pytestmark"]

STAFF, STRANGER = "d12", "d18"
SEEN = 60  # pictures of each clip that pass; somebody is enrolled with later ones
TWICE = 2  # from the clips' 15 a second to the camera's 30
NOBODY = [frame(None, 0)] * 45
PICTURES = 4
WIDE = {"width": 1200, "height": 1600}


def pictures(clip: str) -> list[bytes]:
    """The clip's, (360, 640) on grey where it is narrower, as JPEG."""
    film = cv2.VideoCapture(str(shared("faces", "clips", f"{clip}.mp4")))
    found = []
    while (read := film.read())[0]:
        found.append(encode_jpeg(_fitted(read[1][..., ::-1])))
    return found


def _fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(360 / picture.shape[0], 640 / picture.shape[1])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    whole = np.full((360, 640, 3), 128, np.uint8)
    left = (640 - small.shape[1]) // 2
    whole[: small.shape[0], left : left + small.shape[1]] = small
    return whole


def film(path: Path, *scenes: Sequence[bytes]) -> Path:
    with path.open("wb") as file:
        for scene in scenes:
            file.writelines(picture * TWICE for picture in scene)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real")


@pytest.fixture(scope="module")
def address(models_opened_once: None, folder: Path) -> Iterator[str]:
    fill(settings_in(folder))
    with serving(folder) as address:
        yield address


def test_enrolled_with_the_camera_one_is_named_and_another_stays_unknown(
    address: str, folder: Path
) -> None:
    staff, stranger = pictures(STAFF), pictures(STRANGER)
    alone = film(folder / "alone.mjpeg", staff[SEEN:])
    with chromium(alone) as browser, watched(browser.new_context(viewport=WIDE)) as page:
        page.goto(f"{address}/enroll")
        write_name_and_agree(page, STAFF)
        page.get_by_text("Take single pictures").click()
        for number in range(PICTURES):
            take_picture(page, f"Take picture {number + 1}")
            expect(page.get_by_role("button", name="Drop")).to_have_count(number + 1)
        press_enroll(page)
        expect(page.get_by_test_id("stMain").get_by_text(f"{STAFF} is enrolled")).to_be_visible()

    both = film(folder / "both.mjpeg", staff[:SEEN], NOBODY, stranger[:SEEN], NOBODY)
    with chromium(both) as browser, watched(browser.new_context(viewport=WIDE)) as page:
        camera = open_live(page, address)
        lines = page.get_by_role("table").locator("tbody tr")
        known, unknown = (
            lines.filter(has=page.get_by_role("cell", name=re.compile(rf"\b{decision}$")))
            for decision in ("known", "unknown")
        )
        film_until(camera, known.first)
        film_until(camera, unknown.first)
        assert known.filter(has_not_text=STAFF).count() == 0, "nobody else's name is said"
        assert unknown.filter(has_text=STAFF).count() == 0
