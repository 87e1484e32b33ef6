"""The server is started anew while somebody fills in a form."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.browser import (
    CHROMIUM,
    chromium,
    fill,
    frame,
    free_port,
    serving,
    settings_in,
    watched,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed"),
]


def test_what_was_typed_outlives_the_server(models_opened_once: None, tmp_path: Path) -> None:
    fill(settings_in(tmp_path), [6])
    film, port = tmp_path / "film.mjpeg", free_port()
    film.write_bytes(frame(None, 0))
    with chromium(film) as browser, watched(browser.new_context()) as page:
        with serving(tmp_path, port) as address:
            page.goto(f"{address}/enroll")
            name = page.get_by_role("textbox", name="Name", exact=True)
            name.fill("Ada")
            name.press("Tab")
            expect(page.get_by_role("button", name="Enroll", exact=True)).to_be_visible()
        with serving(tmp_path, port):
            # The page finds the server again by itself; what was drawn before can be used at once.
            said = page.get_by_text("The server was started anew")
            number = page.get_by_role("textbox", name="Staff number")
            while not said.is_visible():
                number.fill(str(int(number.input_value() or 0) + 1))
                number.press("Tab")
                page.wait_for_timeout(2000)
            expect(name).to_have_value("Ada")
