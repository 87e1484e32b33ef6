"""What a person who films himself is told, and when a view is taken: by table."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from enrollment.capture import Capture, FoundFace
from enrollment.guidance import Check, Guidance, GuidancePolicy, Take, View
from enrollment.guide import Guide
from enrollment.photo import Picture, decode
from enrollment.quality import Quality
from models.detector import Face
from tests import tiny

GOOD = Quality(
    face_px=90, sharpness=500, brightness=120, contrast=40, yaw=0, pitch=-4, roll=0, confidence=0.95
)
FRAME = (480, 640, 3)
BOX = (240, 140, 160, 200)


def found(quality: Quality = GOOD, box: tuple[int, int, int, int] = BOX, **measures) -> FoundFace:
    x, y, width, height = box
    places = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    landmarks = np.array([(x + width * a, y + height * b) for a, b in places], np.float32)
    measured = replace(quality, **measures)
    return FoundFace(Face(box, landmarks, measured.confidence), measured, np.zeros((1, 1, 3)))


class Film:
    """Frames at ten a second."""

    def __init__(self, guidance: Guidance | None = None) -> None:
        self.guidance = guidance or Guidance()
        self.number = 0

    def show(self, *faces: FoundFace, seconds: float = 1.0) -> list[Take]:
        taken = []
        for _ in range(round(seconds * 10)):
            take = self.guidance.see(self.number, self.number / 10, faces, FRAME)
            self.number += 1
            taken += [take] if take else []
        return taken

    def views(self, *poses: FoundFace) -> list[View]:
        """Each pose for three seconds."""
        return [take.view for pose in poses for take in self.show(pose, seconds=3)]

    @property
    def said(self) -> str:
        return str(self.guidance.advice.words)

    @property
    def number_said(self) -> str:
        return str(self.guidance.advice.number)


def straight_taken() -> Film:
    film = Film()
    assert [take.view for take in film.show(found())] == [View.STRAIGHT]
    film.show(found(), seconds=2)
    return film


@pytest.mark.parametrize(
    ("faces", "check", "words", "number"),
    [
        ([], Check.FACE, "Show your face", None),
        ([found(), found()], Check.ALONE, "Only one person, please", None),
        ([found(face_px=31)], Check.SIZE, "Move closer", "31 px between the eyes; 40"),
        ([found(box=(120, 20, 360, 440))], Check.SIZE, "Move back", "92 % of the height"),
        ([found(box=(0, 140, 160, 200))], Check.PLACE, "Bring your face into the oval", "38 %"),
        ([found(brightness=22)], Check.LIGHT, "More light", "brightness 22; 40 to 220"),
        ([found(brightness=240)], Check.LIGHT, "Less light", "brightness 240"),
        ([found(contrast=9)], Check.LIGHT, "More light", "contrast 9; at least 15"),
        ([found(roll=-31)], Check.UPRIGHT, "Hold your head upright", "leans 31 degrees"),
        ([found(sharpness=44)], Check.SHARP, "Hold still", "sharpness 44; at least 60"),
        ([found(yaw=18)], Check.POSE, "Look straight at the camera", "18 degrees; at most 10"),
        ([found(pitch=30)], Check.POSE, "Look straight at the camera", "nods by 30 degrees"),
    ],
)
def test_one_red_check_is_said_by_its_own_number(
    faces: Iterable[FoundFace], check: Check, words: str, number: str | None
) -> None:
    film = Film()
    assert film.show(*faces) == []
    assert film.guidance.advice.check is check
    assert film.said == words
    assert (number or "None") in film.number_said


@pytest.mark.parametrize(
    ("pose", "words", "number"),
    [
        ({"yaw": 5}, "Turn your head a little to your left", "5 degrees so far; 15 are needed"),
        ({"yaw": 47}, "A little less", "47 degrees; at most 42"),
    ],
)
def test_a_turn_is_guided(pose: dict[str, float], words: str, number: str) -> None:
    film = straight_taken()
    assert film.show(found(**pose)) == []
    assert film.said == words
    assert number in film.number_said


def test_a_small_face_in_the_background_is_nobody() -> None:
    film = Film()
    passer_by = found(face_px=12)
    assert [take.view for take in film.show(found(), passer_by)] == [View.STRAIGHT]


def test_five_views_by_themselves() -> None:
    film = Film()
    poses = (found(), found(yaw=25), found(yaw=-25), found(pitch=-15), found(pitch=8))
    assert film.views(*poses) == [*View]
    assert film.guidance.asked is None
    assert film.said == "All done"
    assert film.show(found()) == []


def test_left_is_the_persons_own_and_sides_come_in_any_order() -> None:
    film = straight_taken()
    assert film.guidance.asked is View.LEFT
    assert film.views(found(yaw=-25)) == [View.RIGHT], "the nose points to the image's left"
    assert film.views(found(yaw=25)) == [View.LEFT]


def test_a_nod_counts_only_when_one_is_asked_for() -> None:
    film = straight_taken()
    assert film.views(found(pitch=8), found(pitch=-16)) == []
    film.views(found(yaw=25), found(yaw=-25))
    assert film.views(found(pitch=8)) == [View.DOWN]


def test_turns_and_nods_are_measured_from_this_persons_straight_view() -> None:
    film = Film()
    assert film.views(found(yaw=-8, pitch=10)) == [View.STRAIGHT]
    assert film.views(found(yaw=9, pitch=10)) == [View.LEFT]
    assert film.views(found(yaw=-20, pitch=10)) == [], "only 12 degrees from straight"
    assert film.views(found(yaw=-25, pitch=10)) == [View.RIGHT]
    assert film.views(found(yaw=-8, pitch=0)) == [View.UP]


def test_a_glance_is_not_taken() -> None:
    film = Film()
    for _ in range(5):
        assert film.show(found(), seconds=0.3) == []
        assert film.show(found(yaw=20), seconds=0.3) == []


def test_who_moves_is_asked_to_hold_still() -> None:
    film = Film()
    for step in range(20):
        assert film.show(found(box=(200 + 8 * step % 80, 140, 160, 200)), seconds=0.1) == []
    film = straight_taken()
    for step in range(12):
        assert film.show(found(yaw=16 + 5 * (step % 6)), seconds=0.1) == []


def test_the_sharpest_frame_of_the_moment_is_taken() -> None:
    film = Film()
    taken = []
    for sharpness in (200, 300, 900, 400, 500):
        taken += film.show(found(sharpness=sharpness), seconds=0.1)
    assert taken == [Take(View.STRAIGHT, 2)]


def test_a_slow_machine_takes_pictures_too() -> None:
    guidance = Guidance()
    takes = [guidance.see(n, n * 3.0, [found()], FRAME) for n in range(2)]
    assert [take is not None for take in takes] == [False, True]


def test_a_camera_that_stood_still_begins_a_new_moment() -> None:
    guidance = Guidance()
    times = (0, 0.1, 30, 30.1, 30.5)
    takes = [guidance.see(n, t, [found()], FRAME) for n, t in enumerate(times)]
    assert [take is not None for take in takes] == [False, False, False, False, True]


def test_any_view_may_be_skipped_and_asked_for_again() -> None:
    guidance = Guidance()
    for view in View:
        assert guidance.asked is view
        guidance.skip(view)
    film = Film(guidance)
    film.show(found())
    assert film.said == "All done"
    guidance.reopen(View.LEFT)
    assert guidance.asked is View.LEFT
    assert film.views(found(yaw=25)) == [View.LEFT]
    guidance.reopen(View.LEFT)
    assert film.views(found(yaw=25)) == [View.LEFT]
    guidance.skip(View.LEFT)
    assert View.LEFT in guidance.taken, "what is taken is not skipped"


def test_words_do_not_flicker() -> None:
    film = straight_taken()
    said = []
    for n in range(20):
        film.show(found(yaw=5) if n % 4 else found(brightness=30), seconds=0.1)
        said.append(film.said)
    assert set(said[2:]) == {"Turn your head a little to your left"}


def test_on_a_slow_machine_words_come_at_once() -> None:
    guidance = Guidance()
    guidance.see(0, 0.0, [found(brightness=20)], FRAME)
    assert str(guidance.advice.words) == "More light"
    guidance.see(1, 1.0, [found(yaw=30)], FRAME)
    assert str(guidance.advice.words) == "Look straight at the camera"


# -- with pictures --------------------------------------------------------------------------------

TINY = GuidancePolicy(tallest=1, face_px=10, sharpness=1)


class TurningDetector(tiny.TinyDetector):
    """Finds heads turned to where it is told."""

    nose = 0.0  # px

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        def turned(face: Face) -> Face:
            landmarks = face.landmarks.copy()
            landmarks[2, 0] += self.nose
            return replace(face, landmarks=landmarks)

        return [turned(face) for face in super().detect(image)]


@pytest.fixture
def detector() -> TurningDetector:
    return TurningDetector()


@pytest.fixture
def guide(detector: TurningDetector) -> Guide:
    return Guide(Capture(detector, tiny.TinyBackbone()), Guidance(TINY))


def look(guide: Guide, *people: tuple[int, int], start: float = 0.0) -> None:
    picture = np.ascontiguousarray(tiny.picture(*people))
    for n in range(8):
        guide.look(round(start * 10) + n, start + n / 10, picture)


def test_what_was_taken_is_a_photo_of_the_whole_frame(guide: Guide) -> None:
    look(guide, (1, 0))
    (shot,) = guide.shots
    assert (shot.view, shot.photo.source) == (View.STRAIGHT, "camera, straight")
    assert (shot.likeness, shot.unlike) == (None, False)
    picture = decode(shot.photo)
    assert isinstance(picture, Picture)
    assert picture.image.shape == tiny.picture((1, 0)).shape
    assert shot.crop.shape == (112, 112, 3)
    assert guide.taken == {View.STRAIGHT}
    guide.reopen(View.STRAIGHT)
    assert guide.shots == ()
    assert guide.asked is View.STRAIGHT


def test_somebody_else_in_the_middle_is_noticed(guide: Guide, detector: TurningDetector) -> None:
    look(guide, (1, 0))
    detector.nose = 10
    look(guide, (1, 1), start=10)
    detector.nose = -10
    look(guide, (2, 0), start=20)
    assert [shot.view for shot in guide.shots] == [View.STRAIGHT, View.LEFT, View.RIGHT]
    assert [shot.unlike for shot in guide.shots] == [False, False, True]


def test_without_one_face_nothing_is_kept(guide: Guide) -> None:
    look(guide)
    look(guide, (1, 0), (2, 0), start=10)
    assert guide.shots == ()
    assert not guide.holding
