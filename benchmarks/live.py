"""Pictures a second of the live overlay, with a face in every picture: at least 12 are wanted.

    python -m benchmarks.live                                    drawn people, MTCNN, dlib-resnet
    python -m benchmarks.live --film FILE --detector yunet:FILE  somebody's film, another detector
    python -m benchmarks.live --no-browser --seconds 10

Twice: in this process, where a film's pictures are given to the overlay at 30 a second; and through
the real page in Chromium, whose camera plays the film: there what counts is how many pictures the
page's <video> has presented. The gallery is made for it: four drawn people, and one who is filmed.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.live_recognition import LiveRecognition
from app.video import frames
from benchmarks.figure import Figure, figure, line, write
from demo.people import NAMES, portrait
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.opening import create
from enrollment.photo import encode_jpeg, photo_bytes
from enrollment.service import Service, open_service

PART = "live"
WANTED = 12.0
SIZE = (640, 480)
RATE = 30  # pictures a second that the camera gives
FILMED, COLLEAGUES = 3, range(6, 10)
CHROMIUM = "/usr/bin/chromium"
WORDS = {state: state for state in ("known", "unknown", "checking", "refused")}
Picture = NDArray[np.uint8]


def film_of(file: Path | None) -> list[Picture]:
    """(480, 640, 3) RGB each; somebody is in every one."""
    if file is not None:
        return [_fitted(f.image) for f in frames(file, a_second=25)]
    pictures = []
    for number in range(4):
        face = portrait(FILMED, number, size=360, hard=0.3)
        for step in range(15):  # from side to side
            canvas = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
            left = 80 + (step if number % 2 == 0 else 14 - step) * 8
            canvas[60:420, left : left + 360] = face
            pictures.append(canvas)
    return pictures


def _fitted(image: Picture) -> Picture:
    """As large as the page asks a camera for, with what is missing in grey."""
    scale = min(SIZE[0] / image.shape[1], SIZE[1] / image.shape[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    top, left = (SIZE[1] - small.shape[0]) // 2, (SIZE[0] - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def fill(settings: Settings, backbone: str, film: Sequence[Picture]) -> None:
    create(settings, backbone, consent_policy="none")
    people = [
        Enrollee(
            NAMES[person],
            None,
            tuple(photo_bytes(f"{n}.jpg", encode_jpeg(portrait(person, n))) for n in range(2)),
        )
        for person in COLLEAGUES
    ]
    shots = [film[len(film) * part // 3] for part in range(3)]
    filmed = tuple(photo_bytes(f"film-{n}.jpg", encode_jpeg(s)) for n, s in enumerate(shots))
    with open_service(settings) as service:
        for report in service.enroll(
            [*people, Enrollee("Filmed Person", None, filmed)], None, allow_collision
        ):
            print(f"enrolled {report.name}: {sum(s.accepted for s in report.samples)} photos")


def in_process(service: Service, film: Sequence[Picture], seconds: float) -> list[Figure]:
    service.warm()
    live = LiveRecognition("benchmark")
    view = live.begin(service, WORDS)
    drawn: list[float] = []
    shown, began = 0, time.monotonic()
    looked: list[float] = []
    while (now := time.monotonic()) - began < seconds:
        before = time.perf_counter()
        view.show(film[shown % len(film)])
        drawn.append(time.perf_counter() - before)
        shown += 1
        looked.append(view.rates()[1])
        time.sleep(max(began + shown / RATE - time.monotonic(), 0.0))
    spent = now - began
    view.close()
    view.wait(60)
    names = [p.passage.answer.name or p.passage.answer.decision for p in live.passed.newest_first()]
    print(
        f"in this process: {shown / spent:.1f} pictures a second shown, {looked[-1]:.1f} looked at "
        f"(n = {spent:.1f} s); drawing one takes {1000 * np.median(drawn):.2f} ms, "
        f"{np.median(drawn) * RATE:.1%} of its time; answers: {', '.join(names) or 'none yet'}",
        flush=True,
    )
    busy = float(np.median(drawn)) * RATE
    return [
        figure(PART, "drawing one picture", [busy], "of the time between two", at_most=1),
        figure(PART, "looked at, in this process", [looked[-1]], "a second"),
    ]


def in_browser(
    settings: Settings, folder: Path, film: Sequence[Picture], seconds: float
) -> list[float]:
    """Pictures a second that the page has presented, for each second."""
    from playwright.sync_api import sync_playwright

    reel = folder / "film.mjpeg"
    reel.write_bytes(b"".join(_jpeg(picture) for picture in film))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = (folder / "server.log").open("w")
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "app.cli",
            "serve",
            "--insecure-dev",
            "--port",
            str(port),
            "--home",
            settings.home,
        ],
        env=os.environ | {"ROLLCALL_KEY": settings.key or ""},
        stderr=log,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", server, folder / "server.log")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=[
                    "--no-sandbox",
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-video-capture={reel}",
                ],
            )
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(120_000)
            page.goto(f"http://127.0.0.1:{port}/identify")
            page.get_by_text("Live", exact=True).click()
            camera = page.frame_locator("iframe[title*=webrtc]")
            camera.get_by_role("button", name="Start the camera").click()
            page.get_by_role("table").get_by_text("known").first.wait_for()
            count = "v => v.getVideoPlaybackQuality().totalVideoFrames"
            video = camera.locator("video")
            presented, times = [video.evaluate(count)], [time.monotonic()]
            for _ in range(round(seconds)):
                page.wait_for_timeout(1000)
                presented.append(video.evaluate(count))
                times.append(time.monotonic())
            print("the page says:", page.get_by_text("pictures a second").inner_text())
            browser.close()
        return [float(rate) for rate in np.diff(presented) / np.diff(times)]
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
        log.close()


def _jpeg(picture: Picture) -> bytes:
    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done
    return data.tobytes()


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            sys.exit(log.read_text())
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310
            return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"nothing answers at {url}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--detector", default="mtcnn", help="mtcnn or yunet:FILE")
    parser.add_argument("--backbone", default="dlib-resnet")
    parser.add_argument("--film", type=Path, help="somebody's face in every picture")
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    film = film_of(arguments.film)
    load = os.getloadavg()[0]
    print(
        f"{os.cpu_count()} cores, load {load:.1f} before, {arguments.detector.split(':')[0]}, "
        f"{arguments.backbone.rpartition('/')[2]}, {len(film)} pictures of {SIZE[0]}x{SIZE[1]}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(
            home=folder / "gallery",
            key="5a" * 32,
            key_folder=folder / "keys",
            detector=arguments.detector,
        )
        fill(settings, arguments.backbone, film)
        with open_service(settings) as service:
            figures = in_process(service, film, arguments.seconds)
        if not arguments.no_browser and Path(CHROMIUM).exists():
            rates = in_browser(settings, folder, film, arguments.seconds)
            what = "presented in the browser, each second"
            figures.append(figure(PART, what, rates, "pictures", at_least=WANTED))
    for one in figures:
        print(line(one))
    print(f"load {os.getloadavg()[0]:.1f} after")
    if arguments.json:
        write(figures, arguments.json)


if __name__ == "__main__":
    main()
