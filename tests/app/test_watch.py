"""`rollcall watch` as a process, on films of drawn people."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from app import cli
from demo import identity, scene
from demo import picture as pictures
from demo.people import NAMES, PEOPLE, portrait
from demo.picture import Pose
from enrollment.photo import encode_jpeg

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("models_opened_once")]
RATE, SIZE = 10, 320


def shots(person: int, count: int) -> list[np.ndarray]:
    """The person before the camera, moving a little; with the camera's grain."""
    rng = np.random.default_rng(person)
    who = identity.identity(PEOPLE[person])
    made = []
    for n in range(count):
        calm = replace(
            pictures.picture(PEOPLE[person], 0, 0.3),
            pose=Pose(8 * np.sin(n / 3), 4 * np.cos(n / 4), 0),
        )
        image = scene.scene([scene.Sitter(who, calm, 0.0)], SIZE, SIZE)
        made.append(cv2.add(image, rng.integers(0, 5, image.shape, dtype=np.uint8)))
    return made


def nothing(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(100, 120, (SIZE, SIZE, 3), dtype=np.uint8) for _ in range(count)]


def film(path: Path, images: list[np.ndarray]) -> Path:
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (SIZE, SIZE))
    for image in images:
        video.write(np.ascontiguousarray(image[:, :, ::-1]))
    video.release()
    return path


@pytest.fixture(scope="module")
def home(models_opened_once: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of two drawn people; the third is a stranger."""
    folder = tmp_path_factory.mktemp("door")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROLLCALL_KEY_FOLDER", str(folder / "keys"))
        for person in (0, 1):
            for n in range(3):
                path = folder / "staff" / NAMES[person] / f"{n}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encode_jpeg(portrait(PEOPLE[person], n)))
        for words in (
            ["init", "--backbone", "dlib-resnet", "--consent-policy", "none"],
            ["enroll", str(folder / "staff"), "--on-collision", "allow"],
        ):
            with pytest.raises(SystemExit) as ended:
                cli.main([*words, "--json", "--home", str(folder / "home")])
            assert not ended.value.code
    return folder / "home"


def watch(home: Path, camera: Path | str, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "watch", "--camera", camera, *more, "--home", home],
        env=os.environ | {"ROLLCALL_KEY_FOLDER": str(home.parent / "keys")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_everybody_who_passes_is_one_line(home: Path, tmp_path: Path) -> None:
    """Somebody enrolled, then nobody, then a stranger."""
    images = [*shots(0, 20), *nothing(20), *shots(8, 20), *nothing(25)]
    process = watch(home, film(tmp_path / "door.avi", images))
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(x["decision"], x["name"]) for x in lines] == [("known", NAMES[0]), ("unknown", None)]
    assert all(x["embedded"] <= x["frames"] for x in lines)
    assert {"started", "ended", "track", "seconds_to_decision", "at"} <= set(lines[0])
    assert "attended use only" in err
    events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert [e["state"] for e in events if e["event"] == "camera"] == ["ended"]
    assert "Traceback" not in err


def test_a_required_challenge_names_nobody_who_does_not_turn(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process, where the models are open already."""
    monkeypatch.setenv("ROLLCALL_KEY_FOLDER", str(home.parent / "keys"))
    camera = film(tmp_path / "door.avi", [*shots(0, 25), *nothing(15)])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main(["watch", "--camera", str(camera), "--require-liveness", "--home", str(home)])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not ended.value.code
    said = capsys.readouterr()
    (line,) = [json.loads(text) for text in said.out.splitlines()]
    assert (line["decision"], line["name"], line["candidates"]) == ("refused", None, [])
    assert line["reasons"] == ["liveness_failed"]
    prompts = [json.loads(x) for x in said.err.splitlines() if '"liveness"' in x]
    assert prompts[0]["ask"] == "look_straight"
