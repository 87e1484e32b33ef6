"""The door of `watch` on real files through the real camera thread, with tiny models."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.camera import Camera, parse_source
from app.watch_command import Door
from enrollment.camera_budget import CameraBackOff, CameraBudget
from enrollment.errors import BadInput
from enrollment.passage import PassagePolicy
from enrollment.service import Service
from store.errors import DatabaseAway
from tests import tiny

pytestmark = pytest.mark.slow

RATE = 20
QUICK = PassagePolicy(gap=0.4, spacing=0.1, span=0.2)


@pytest.fixture
def staff(make_service: Callable[..., Service], person: Callable) -> Service:
    service = make_service()
    list(service.enroll([person(1), person(2)], "agreed"))
    return service


def shot(who: int | None, number: int) -> NDArray[np.uint8]:
    """One frame with this person, or with nobody; no two are the same."""
    image = tiny.picture((who, number) if who is not None else (0, number))
    if who is None:
        image[:] = np.random.default_rng(number).integers(100, 120, image.shape)
    return image


def film(path: Path, images: list[NDArray[np.uint8]]) -> Path:
    """Lossless: the tiny detector wants its frames' very colour."""
    height, width = images[0].shape[:2]
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), RATE, (width, height))
    for image in images:
        video.write(np.ascontiguousarray(image[:, :, ::-1]))
    video.release()
    return path


def watched(
    service: Service, path: Path, capsys: pytest.CaptureFixture[str], *, once: bool = False
) -> tuple[list[dict], list[dict], list[dict]]:
    """Lines on stdout, events on stderr, messages to the webhook."""
    posted: list[dict] = []
    source = parse_source(str(path))
    door = Door(source.name, lambda document: posted.append(dict(document)), lambda: "there")
    capsys.readouterr()
    with Camera(source) as camera:
        door.run(camera, service.passages(source.name, QUICK, tell=door.prompt), once)
    said = capsys.readouterr()
    lines, events = ([json.loads(x) for x in text.splitlines()] for text in (said.out, said.err))
    return lines, events, posted


@pytest.mark.slow
def test_one_line_a_person(
    staff: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    who = [*[1] * 16, *[None] * 14, *[9] * 16, *[None] * 14]
    path = film(tmp_path / "door.avi", [shot(w, n) for n, w in enumerate(who)])
    lines, events, posted = watched(staff, path, capsys)
    assert [(x["decision"], x["name"]) for x in lines] == [("known", "Person 1"), ("unknown", None)]
    assert [e["state"] for e in events] == ["ended"]
    assert [p["event"] for p in posted] == ["passage", "passage", "camera"]
    for line, message in zip(lines, posted, strict=False):
        assert "embedding" not in json.dumps(message)
        assert line.keys() - message.keys() == {"candidates"}


def test_a_pause_is_said_once_when_it_begins(
    staff: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    who = [*[9] * 16, *[None] * 14, *[1] * 16, *[None] * 14]
    path = film(tmp_path / "door.avi", [shot(w, n) for n, w in enumerate(who)])
    posted: list[dict] = []
    door = Door("door", lambda document: posted.append(dict(document)), lambda: "there")
    budget = CameraBudget(CameraBackOff(free=1))
    with Camera(parse_source(str(path))) as camera:
        door.run(camera, staff.passages("door", QUICK, budget=budget), once=False)
    assert [(p["event"], p.get("decision"), p.get("seconds")) for p in posted] == [
        ("passage", "unknown", None), ("back_off", None, 30), ("camera", None, None),
    ]  # fmt: skip
    assert "back_off" in capsys.readouterr().err


def test_a_file_that_is_no_film_is_said(
    staff: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its end is no end of a watch: nothing was watched."""
    path = tmp_path / "letter.mp4"
    path.write_text("Dear all,")
    with pytest.raises(BadInput, match="no frame that can be read"):
        watched(staff, path, capsys)


def test_once_ends_after_the_first(
    staff: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = film(tmp_path / "door.avi", [shot(1, n) for n in range(60)])
    lines, events, _ = watched(staff, path, capsys, once=True)
    assert [x["name"] for x in lines] == ["Person 1"]
    assert events == []


@pytest.mark.slow
def test_a_picture_that_stands_still_names_nobody(
    staff: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though it is the face of somebody who is enrolled."""
    stuck = shot(1, 50)
    images = [*[shot(None, n) for n in range(6)], *[stuck] * 30]
    lines, events, posted = watched(staff, film(tmp_path / "door.avi", images), capsys)
    assert lines == []
    assert [e["state"] for e in events] == ["frozen", "ended"]
    assert [e["event"] for e in events] == ["camera", "camera"]
    assert posted == events


@pytest.mark.slow
def test_who_is_seen_just_before_a_fault_is_forgotten(
    staff: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    black = np.zeros_like(shot(1, 0))
    images = [*[shot(1, n) for n in range(4)], *[black] * 26, *[shot(None, n) for n in range(5)]]
    lines, events, _ = watched(staff, film(tmp_path / "door.avi", images), capsys)
    assert lines == []
    assert [e["state"] for e in events] == ["black", "back", "ended"]
    assert events[0]["undecided"] == 1


def test_a_database_that_goes_away_is_told_once() -> None:
    """The door stays, names nobody while nobody can say who is enrolled, and tells when it can."""
    states = ["there", "from_memory", "from_memory", "away", "away", "there"]
    posted: list[dict] = []

    class Away:
        """What follows people, while the gallery cannot be asked."""

        dropped = 0

        def see(self, _frame: object) -> list:
            raise DatabaseAway("nobody answers")

        def drop(self) -> int:
            self.dropped += 1
            return 0

    door = Door("door", lambda document: posted.append(dict(document)), lambda: states.pop(0))
    passages = Away()
    while states:
        assert door._seen(None, passages) == []
        door._follow_database()
    assert [line["state"] for line in posted] == ["from_memory", "away", "there"]
    assert passages.dropped == 6
