"""A real server and a real browser, for tests: what they have in common."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from playwright.sync_api import TimeoutError as Late

from demo.people import NAMES, portrait
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.opening import create
from enrollment.photo import encode_jpeg, photo_bytes
from enrollment.service import open_service

CHROMIUM = "/usr/bin/chromium"
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 600  # seconds: a slow host is no failure, and what is quick does not wait
COLLEAGUES = range(6, 9)  # enrolled beforehand, so that the threshold is measured on somebody


def settings_in(folder: Path) -> Settings:
    """Of the gallery that `serving` serves."""
    return Settings(home=folder / "gallery", key_folder=folder / "config" / "rollcall" / "keys")


def fill(settings: Settings, people: Sequence[int] = COLLEAGUES) -> None:
    """A gallery with these drawn people."""
    create(settings, "dlib-resnet")
    with open_service(settings) as service:
        enrollees = [
            Enrollee(
                NAMES[person],
                None,
                tuple(photo_bytes(f"{n}.jpg", encode_jpeg(portrait(person, n))) for n in range(2)),
            )
            for person in people
        ]
        assert all(r.enrolled for r in service.enroll(enrollees, "drawn", allow_collision))


@contextmanager
def serving(folder: Path, port: int | None = None, *options: str) -> Iterator[str]:
    """The address of a server of its own, as `rollcall serve` starts it; its log is in `folder`.

    Without options nobody has to sign in.
    """
    port = port or free_port()
    command = [
        sys.executable,
        "-m",
        "app.cli",
        "serve",
        "--port",
        str(port),
        *(options or ["--insecure-dev"]),
    ]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--home", str(folder / "gallery")],
            env=os.environ | {"XDG_CONFIG_HOME": str(folder / "config")},
            stderr=log,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/api/v1/health", server)
            yield f"http://127.0.0.1:{port}"
            server.send_signal(signal.SIGINT)
            assert server.wait(PATIENCE) == 0, "Ctrl-C ends it cleanly"
        finally:
            server.kill()
            server.wait()


@contextmanager
def chromium(film: Path) -> Iterator[Browser]:
    """As `launched`, with a Playwright of its own; there may be one at a time."""
    with sync_playwright() as playwright, launched(playwright, film) as browser:
        yield browser


@contextmanager
def launched(playwright: Playwright, film: Path, allowed: bool = True) -> Iterator[Browser]:
    """Chromium whose camera plays this film, concatenated JPEGs, again and again.

    Args:
        allowed: pages may use the camera without asking.
    """
    camera = [
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
        *(["--use-fake-ui-for-media-stream"] if allowed else []),
    ]
    expect.set_options(timeout=PATIENCE * 1000)
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*SWITCHES, *camera], timeout=PATIENCE * 1000
    )
    yield browser
    browser.close()


@contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    """A page that must not ask anybody but the server for anything."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    try:
        yield page
    finally:
        context.close()  # and so its camera
    away = [url for url in asked if not re.match(r"(http://127\.0\.0\.1:|data:|blob:)", url)]
    assert not away, "the pages load nothing from elsewhere"


def frame(person: int | None, number: int) -> bytes:
    """One JPEG of a film: a drawn person on grey, or grey alone."""
    picture = np.full((360, 640, 3), 128, np.uint8)  # a larger one keeps the host busy
    if person is not None:
        picture[:, 140:500] = portrait(person, number, size=360)
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return data.tobytes()


def press_until(button: Locator, outcome: Locator) -> None:
    """Press, and again when nothing comes of it for a minute, as a person would: a press while the
    page is being drawn anew may be lost."""
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


def write_name_and_agree(page: Page, name: str) -> None:
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.keyboard.press("Tab")
    agreed = page.get_by_role("checkbox", name="The person has read this")
    ticked = page.get_by_role("checkbox", name="The person has read this", checked=True)
    press_until(page.get_by_text("The person has read this and agrees to it"), ticked)
    expect(agreed).to_be_checked()


def take_picture(page: Page, label: str) -> None:
    """Press until the button is gone, as a person would: before the camera's first frame a press
    does nothing, and nothing on the page tells when that frame has come."""
    camera = page.get_by_test_id("stCameraInput").filter(has_text=label)
    button = camera.get_by_role("button", name="Take Photo")
    expect(button).to_be_enabled()
    until = time.monotonic() + PATIENCE
    while button.is_visible():
        assert time.monotonic() < until, "the camera gives no picture"
        with suppress(Late):  # it went away just before this press
            button.click(timeout=2000)
        page.wait_for_timeout(500)


def press_enroll(page: Page) -> None:
    """Press the button; drawn people look alike, so answer when it asks whether they are one."""
    verdict = page.get_by_role("heading", name="The photos")
    question = page.get_by_text("Is this the same person?")
    press_until(page.get_by_role("button", name="Enroll", exact=True), verdict.or_(question).first)
    if question.is_visible():
        page.get_by_role("button", name="Different people").click()
    expect(verdict).to_be_visible()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"nothing answers at {url}")
