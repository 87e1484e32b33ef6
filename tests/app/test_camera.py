"""What state is a camera in? Told from frames and silence; and real files through real OpenCV."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.camera import Camera, CameraState, Pulse, parse_source
from app.video import frame_rate, rgb
from enrollment.errors import BadInput


def noise(seed: int, level: int = 120) -> NDArray[np.uint8]:
    grain = np.random.default_rng(seed).normal(level, 5, (48, 64, 3))
    return np.clip(grain, 0, 255).astype(np.uint8)


def test_live_frozen_back_black_missing() -> None:
    pulse = Pulse(0.0)
    assert pulse.state is CameraState.OPENING
    for n in range(10):
        assert pulse.beat(noise(n), n / 10)
    assert pulse.look(0.9) is CameraState.LIVE
    states = []
    for n in range(10, 25):
        assert not pulse.beat(noise(9), n / 10)  # never a frame that may be used
        states.append(pulse.state)
    assert states[0] is CameraState.LIVE
    assert states[-1] is CameraState.FROZEN
    assert pulse.beat(noise(30), 2.5)
    assert pulse.look(2.5) is CameraState.LIVE
    for n in range(26, 40):
        assert not pulse.beat(noise(n, level=2), n / 10)
    assert pulse.look(3.9) is CameraState.BLACK
    assert pulse.look(5.0) is CameraState.MISSING
    assert pulse.beat(noise(99), 6.0)
    assert pulse.look(6.1) is CameraState.LIVE
    pulse.end()
    assert pulse.look(60.0) is CameraState.ENDED


def test_a_camera_that_gives_nothing_is_missing() -> None:
    pulse = Pulse(0.0)
    assert pulse.look(0.5) is CameraState.OPENING
    assert pulse.look(1.1) is CameraState.MISSING


def test_sources(tmp_path: Path) -> None:
    (tmp_path / "door.mp4").write_bytes(b"x")
    assert parse_source("1").target == 1
    network = parse_source("rtsp://admin:secret@10.0.0.7:554/h264?key=also")
    assert network.is_network
    assert network.name == "rtsp://10.0.0.7:554/h264"
    assert network.target == "rtsp://admin:secret@10.0.0.7:554/h264?key=also"
    assert parse_source(str(tmp_path / "door.mp4")).is_file
    assert not parse_source("/dev/null").is_file
    for bad in (str(tmp_path), str(tmp_path / "gone.mp4"), "gopher://x", "-1", ""):
        with pytest.raises(BadInput, match="--camera"):
            parse_source(bad)


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4)])
def test_every_kind_of_frame_is_rgb(shape: tuple[int, ...]) -> None:
    frame = np.zeros(shape, np.uint8)
    frame[..., 0] = 200 if len(shape) == 3 else 0  # blue, where there is colour
    found = rgb(frame)
    assert found.shape == (4, 6, 3)
    assert found.flags.c_contiguous
    assert found[0, 0].tolist() == ([0, 0, 200] if shape[-1] in (3, 4) else [found[0, 0, 0]] * 3)


def test_a_frame_rate_that_makes_no_sense() -> None:
    assert [frame_rate(r) for r in (30.0, 0.0, float("nan"), 90_000.0)] == [30.0, 25.0, 25.0, 25.0]


def film(path: Path, images: list[NDArray[np.uint8]], rate: float = 20) -> Path:
    height, width = images[0].shape[:2]
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (width, height))
    for image in images:
        video.write(image)
    video.release()
    return path


@pytest.mark.slow
def test_a_file_is_played_at_its_own_pace_and_skips_for_the_slow(tmp_path: Path) -> None:
    path = film(tmp_path / "door.avi", [noise(n) for n in range(20)])
    started, numbers = time.monotonic(), []
    with Camera(parse_source(str(path))) as camera:
        while camera.state() is not CameraState.ENDED:
            frame = camera.newest(0.1)
            if frame is not None:
                numbers.append(frame.number)
                time.sleep(0.2)  # slower than frames come
        took = time.monotonic() - started
        assert camera.read == 20
    assert took >= 0.9
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 12


@pytest.mark.slow
def test_frames_that_repeat_are_not_handed_out(tmp_path: Path) -> None:
    path = film(tmp_path / "stuck.avi", [noise(0)] * 30)
    frames, states = [], set()
    with Camera(parse_source(str(path))) as camera:
        while camera.state() is not CameraState.ENDED:
            states.add(camera.state())
            frames.append(camera.newest(0.05))
    assert sum(frame is not None for frame in frames) <= 1
    assert CameraState.FROZEN in states


def test_a_file_that_is_no_video_ends(tmp_path: Path) -> None:
    (tmp_path / "cut.mp4").write_bytes(b"no video")
    with Camera(parse_source(str(tmp_path / "cut.mp4"))) as camera:
        deadline = time.monotonic() + 10
        while camera.state() is not CameraState.ENDED and time.monotonic() < deadline:
            assert camera.newest(0.05) is None
        assert camera.state() is CameraState.ENDED
