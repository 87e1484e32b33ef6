"""One answer a person who passes: from a few embedded frames, never from two people's."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from enrollment.camera_budget import CameraBackOff, CameraBudget
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.errors import BadInput
from enrollment.liveness import Challenge, Turn
from enrollment.passage import Frame, Passage, PassagePolicy, Passages, Prompt, decide_source
from enrollment.service import Service
from models.detector import Face
from tests import tiny
from tests.enrollment.test_liveness import Scripted
from tests.models.test_anti_spoofing import write_weights

pytestmark = pytest.mark.slow

CONSENT = "agreed"
RATE = 10


class Counting(tiny.TinyBackbone):
    """Knows how many faces it has embedded."""

    calls = 0

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.calls += len(crops)
        return super().embed(crops)


@pytest.fixture
def capture() -> Capture:
    return Capture(tiny.TinyDetector(), Counting())


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, weights_home=tmp_path / "weights")


@pytest.fixture
def staff(make_service: Callable[..., Service], person: Callable) -> Service:
    service = make_service()
    for report in service.enroll([person(1), person(2)], CONSENT):
        assert report.succeeded
    return service


def shot(number: int, *faces: tuple[int, float]) -> Frame:
    """Frame with these (person, left) on grey; every frame is another picture of them."""
    canvas = np.full((140, 900, 3), 120, np.uint8)
    for who, left in faces:
        x = round(left)
        canvas[20 : 20 + tiny.SIDE, x : x + tiny.SIDE] = tiny.face(who, 100 + number)
    return Frame(number, number / RATE, canvas)


def watch(passages: Passages, frames: Iterable[Frame]) -> list[Passage]:
    return [p for frame in frames for p in passages.see(frame)] + passages.end()


def test_somebody_enrolled_is_named_once_before_leaving(staff: Service, capture: Capture) -> None:
    backbone = capture.backbone
    before = backbone.calls
    (found,) = watch(staff.passages("door"), (shot(n, (1, 20 + 15 * n)) for n in range(40)))
    assert (found.answer.decision, found.answer.name) == ("known", "Person 1")
    assert found.seconds_to_decision < 1.0
    assert found.embedded == 3
    assert backbone.calls - before <= PassagePolicy().most < 40
    document = found.as_document()
    assert document["source"] == "door"
    assert document["box"] is not None
    assert (document["first_frame"], document["track"], document["liveness"]) == (0, 1, None)
    assert document["started"] <= document["ended"]


def test_a_stranger_is_unknown_when_gone(staff: Service) -> None:
    passages = staff.passages("door")
    seen = [p for n in range(20) for p in passages.see(shot(n, (9, 100)))]
    assert seen == []
    gone = [p for n in range(20, 40) for p in passages.see(shot(n))]
    assert [(p.answer.decision, p.answer.name) for p in gone] == [("unknown", None)]
    assert passages.end() == []


def test_who_was_not_named_is_offered_once_for_review(staff: Service) -> None:
    passages = staff.passages("door", onlooker=staff.queue.look_on)
    watch(passages, [shot(n, (9, 100), (1, 500)) for n in range(30)])
    (sighting,) = staff._gallery.sightings()
    assert sighting.details["source"] == "door"
    (cluster,) = staff.queue.clusters()
    report = staff.review.assign([cluster.cluster_id], "New Colleague", "agreed")
    assert report.done == 1
    (passage,) = watch(staff.passages("door"), [shot(n, (9, 100)) for n in range(30)])
    assert passage.answer.name == "New Colleague"


def test_nobody_is_looked_at_while_a_camera_waits(staff: Service, capture: Capture) -> None:
    now = 0.0
    budget = CameraBudget(CameraBackOff(free=1, seconds=30), lambda: now)
    passages = staff.passages("door", budget=budget)
    frames = [shot(n, (9, 100)) if n < 20 else shot(n) for n in range(40)]
    (stranger,) = [p for frame in frames for p in passages.see(frame)]
    assert (stranger.answer.decision, passages.wait()) == ("unknown", 30)
    before = capture.backbone.calls
    assert watch(passages, [shot(n, (1, 100)) for n in range(40, 70)]) == []
    assert (capture.backbone.calls, passages.in_sight()) == (before, ())
    now = 30.0
    (found,) = watch(passages, [shot(n, (1, 100)) for n in range(70, 100)])
    assert found.answer.name == "Person 1"
    assert passages.wait() == 0


def test_what_is_taken_for_a_picture_is_nobody(staff: Service, settings: Settings) -> None:
    """Stand-in weights: a dark frame is a picture, a bright one is not."""
    with pytest.raises(BadInput, match="MiniFASNet"):
        staff.passages("door", anti_spoofing=True)
    write_weights(settings.weights_home)
    passages = staff.passages("door", anti_spoofing=True)
    frames = [shot(n, (1, 100)) for n in range(30)]
    (dark,) = watch(passages, frames)
    assert (dark.answer.decision, dark.answer.name) == ("refused", None)
    assert [r.code.value for r in dark.answer.reasons] == ["liveness_failed"]
    assert not dark.answer.candidates
    light = [replace(f, image=np.where(f.image == 120, 250, f.image)) for f in frames]
    (bright,) = watch(staff.passages("door", anti_spoofing=True), light)
    assert bright.answer.name == "Person 1"


def test_who_stays_is_decided_after_a_while_and_once(staff: Service) -> None:
    policy = PassagePolicy(patience=2.0)
    passages = staff.passages("door", policy)
    found = watch(passages, (shot(n, (9, 100)) for n in range(100)))
    assert [p.answer.decision for p in found] == ["unknown"]
    assert found[0].seconds_to_decision == pytest.approx(2.0, abs=0.2)


def test_nobody_takes_the_name_of_who_stood_there_before(staff: Service) -> None:
    """Two people in one place, without a gap between them."""
    frames = [shot(n, (1 if n < 20 else 9, 100)) for n in range(40)]
    found = watch(staff.passages("door"), frames)
    assert [(p.answer.decision, p.answer.name) for p in found] == [
        ("known", "Person 1"),
        ("unknown", None),
    ]
    assert found[0].track != found[1].track


def test_evidence_is_never_mixed(staff: Service) -> None:
    """A stranger who is replaced by a colleague before any decision: neither is the other."""
    frames = [shot(n, (9 if n < 6 else 2, 100)) for n in range(40)]
    found = watch(staff.passages("door"), frames)
    assert sorted((p.answer.decision, p.answer.name or "") for p in found) == [
        ("known", "Person 2"),
        ("unknown", ""),
    ]


def test_two_who_cross_are_two_and_never_swap(staff: Service) -> None:
    frames = []
    for n in range(40):
        one, other = 20 + 20 * n, 780 - 20 * n
        hidden = abs(one - other) < tiny.SIDE + 8
        frames.append(shot(n, (1, one)) if hidden else shot(n, (1, one), (2, other)))
    found = watch(staff.passages("door"), frames)
    assert sorted(p.answer.name or "" for p in found) == ["Person 1", "Person 2"]


def test_out_of_sight_for_a_moment_is_one_passage(staff: Service) -> None:
    """Seen again elsewhere, by what the face is like and not by its place."""
    frames = [shot(n, (9, 20)) if n < 10 else shot(n) for n in range(15)]
    frames += [shot(n, (9, 700)) for n in range(15, 30)]
    found = watch(staff.passages("door"), frames)
    assert [p.frames for p in found] == [25]


def test_one_odd_face_is_set_aside(staff: Service) -> None:
    policy = PassagePolicy(spacing=0.05, enough=6, span=0.5)
    frames = [shot(n, (9 if n == 4 else 1, 100)) for n in range(20)]
    (found,) = watch(staff.passages("door", policy), frames)
    assert (found.answer.name, found.set_aside) == ("Person 1", 1)


def test_who_is_in_sight_and_what_is_known_of_them(staff: Service) -> None:
    passages = staff.passages("door", PassagePolicy(give_up=6))
    assert passages.in_sight() == ()
    states: dict[int, list[str]] = {100: [], 500: []}
    for n in range(30):
        passages.see(shot(n, (1, 100), (9, 500)))
        seen = passages.in_sight()
        assert [s.box[1:] for s in seen] == [(20, tiny.SIDE, tiny.SIDE)] * 2
        assert all((s.name == "Person 1") == (s.state == "known") for s in seen)
        assert not any(s.reasons for s in seen)
        for sighted in seen:
            states[sighted.box[0]].append(sighted.state)
    assert list(dict.fromkeys(states[100])) == ["checking", "known"]
    assert list(dict.fromkeys(states[500])) == ["checking", "unknown"]
    passages.see(shot(30, (1, 130)))
    (still,) = passages.in_sight()
    assert (still.box[0], still.state) == (130, "known"), "who is not in this picture is not shown"
    passages.drop()
    assert passages.in_sight() == ()


def test_a_face_that_cannot_be_compared_says_why(staff: Service) -> None:
    passages = staff.passages("door")
    canvas = np.full((140, 900, 3), 120, np.uint8)
    canvas[20:36, 100:116] = tiny.FRAME
    canvas[21:35, 101:115] = 120
    passages.see(Frame(0, 0.0, canvas))
    (sighted,) = passages.in_sight()
    assert sighted.state == "checking"
    assert "come closer" in sighted.reasons[0].message


def test_who_is_nobody_after_enough_faces_is_said_to_be_unknown(staff: Service) -> None:
    """For a screen: a stranger who stays learns it before the end, somebody enrolled is named."""
    policy = PassagePolicy(give_up=6)
    frames = [shot(n, (9, 100), (1, 500)) for n in range(40)]
    found = watch(staff.passages("door", policy), frames)
    assert [(p.answer.decision, p.answer.name) for p in found] == [
        ("known", "Person 1"),
        ("unknown", None),
    ]
    assert found[1].embedded == 6
    assert found[1].seconds_to_decision < 3
    assert watch(staff.passages("door"), frames[:30])[-1].embedded > 6, "only where it is asked for"


def test_a_flicker_is_nobody(staff: Service) -> None:
    frames = [shot(n, (1, 100)) if n == 5 else shot(n) for n in range(20)]
    assert watch(staff.passages("door"), frames) == []


def test_dropped_means_nobody_is_named(staff: Service) -> None:
    passages = staff.passages("door")
    for n in range(3):
        assert passages.see(shot(n, (1, 100))) == []
    assert passages.drop() == 1
    assert passages.end() == []


def test_too_near_to_call_is_unknown(make_service: Callable, person: Callable) -> None:
    """The same person under two names: nobody is named."""
    service = make_service()
    twins = [person(1, range(3), "One"), person(1, range(3, 6), "Other")]
    list(service.enroll(twins, CONSENT, lambda collision: "different"))
    assert len(service.people()) == 2
    found = watch(
        service.passages("door", PassagePolicy(tie=3.0)), (shot(n, (1, 100)) for n in range(20))
    )
    assert [(p.answer.decision, p.answer.name) for p in found] == [("unknown", None)]


def test_a_video_is_about_who_is_seen_most(staff: Service) -> None:
    frames = [shot(n, (1, 400)) if n < 30 else shot(n, (2, 400)) for n in range(40)]
    assert decide_source(watch(staff.passages("v"), frames), "v").name == "Person 1"
    both = [shot(n, (1, 250), (2, 550)) for n in range(20)]
    answer = decide_source(watch(staff.passages("v"), both), "v")
    assert (answer.decision, [r.code.value for r in answer.reasons]) == (
        "refused",
        ["several_faces"],
    )
    empty = decide_source([], "v")
    assert [r.code.value for r in empty.reasons] == ["no_face"]


class TurningHeads(tiny.TinyDetector):
    """The brightness of a picture's corner says how far the head is turned: 120 is straight."""

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        turn = (int(image[0, 0, 0]) - 120) / 100  # of the eyes' distance
        moved = []
        for face in super().detect(image):
            marks = face.landmarks.copy()
            marks[2, 0] += turn * (marks[1, 0] - marks[0, 0])
            moved.append(Face(face.box, marks, face.confidence))
        return moved


class TestChallenge:
    @pytest.fixture
    def capture(self) -> Capture:
        return Capture(TurningHeads(), Counting())

    def passed_by(
        self, staff: Service, who: Callable[[int], int], *, turns: bool = True
    ) -> tuple[list[Passage], list[Prompt]]:
        """Somebody (by frame number) who does what is asked, or only stands there."""
        told: list[Prompt] = []
        script = Scripted([Turn.LEFT, Turn.RIGHT, Turn.RIGHT])
        passages = staff.passages("door", None, lambda: Challenge(script), told.append)
        found: list[Passage] = []
        shift = 0.0
        for n in range(200):
            ask = told[-1].ask if told and turns else "look_straight"
            goal = {"turn_left": 30.0, "turn_right": -30.0}.get(ask, 0.0)
            shift += float(np.clip(goal - shift, -6, 6))
            frame = shot(n, (who(n), 100))
            frame.image[0, 0, 0] = round(120 + shift)
            found += passages.see(frame)
            if found:
                break
        return found + passages.end(), told

    def test_who_turns_as_asked_is_named(self, staff: Service) -> None:
        (found,), told = self.passed_by(staff, lambda n: 1)
        assert (found.answer.name, found.liveness) == ("Person 1", "passed")
        asked = [p.ask for p in told if p.state == "asked"]
        assert asked == ["turn_left", "turn_right", "turn_right"]
        assert told[-1].state == "passed"

    def test_a_stranger_who_turns_is_unknown(self, staff: Service) -> None:
        found, _ = self.passed_by(staff, lambda n: 9)
        assert [(p.answer.decision, p.liveness) for p in found] == [("unknown", "passed")]

    def test_who_only_stands_there_is_refused(self, staff: Service) -> None:
        (found,), told = self.passed_by(staff, lambda n: 1, turns=False)
        assert (found.answer.decision, found.answer.name) == ("refused", None)
        assert found.liveness == "failed: the head was not turned"
        assert told[-1].state.startswith("failed")

    def test_a_stranger_cannot_turn_for_a_colleagues_photo(self, staff: Service) -> None:
        """The stranger does (nearly) all of the challenge, then the colleague's face is shown."""
        for swap in (10, 20, 33, 36):
            found, _ = self.passed_by(staff, lambda n, swap=swap: 9 if n < swap else 1)
            assert "Person 1" not in [p.answer.name for p in found], swap

    def test_nor_a_colleague_be_shown_first(self, staff: Service) -> None:
        for swap in (3, 6, 20, 33):
            found, _ = self.passed_by(staff, lambda n, swap=swap: 1 if n < swap else 9)
            assert "Person 1" not in [p.answer.name for p in found], swap


def test_without_the_challenge_nobody_is_named(staff: Service) -> None:
    told: list[Prompt] = []
    passages = staff.passages("door", None, lambda: Challenge(Scripted([])), told.append)
    found = watch(passages, (shot(n, (1, 100)) for n in range(200)))
    assert [(p.answer.decision, p.answer.name, p.answer.candidates) for p in found] == [
        ("refused", None, ())
    ]
    assert [r.code.value for r in found[0].answer.reasons] == ["liveness_failed"]
    assert found[0].liveness is not None
    assert told[0].as_document()["event"] == "liveness"
    left = watch(
        staff.passages("door", None, lambda: Challenge(Scripted([]))),
        (shot(n, (2, 100)) for n in range(10)),
    )
    assert [[r.code.value for r in p.answer.reasons] for p in left] == [["liveness_failed"]]
