"""Moves to another backbone that are killed with kill -9 at random points, while a door asks."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from enrollment import rebackbone
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.photo import Photo, photo_bytes
from enrollment.rebackbone import Terms
from enrollment.service import Service, open_service
from store.errors import BackboneMoved
from tests import tiny
from tests.galleries import TinyPipelines, make_gallery

PEOPLE, PHOTOS, _AT_ONCE = 6, 3, 4
_NAMES = (tiny.TinyBackbone.name, tiny.OtherBackbone.name)  # of the same length, the worst case
Say = Callable[[bytes], None]


@dataclass
class Tally:
    """moves: that were aimed at; killed: before their end; moved: of these, after the commit.
    right, told: answers at the door, and how often it was told that the gallery has moved."""

    moves: int = 0
    killed: int = 0
    moved: int = 0
    right: int = 0
    told: int = 0


def killed_moves(home: Path, kills: int, seed: int = 0) -> Tally:
    """Kill so many moves, to and fro, each then ended by one that is left alone.

    Raises:
        AssertionError: somebody is lost, or something is half there, or the door was wrong.
    """
    rebackbone._AT_ONCE = _AT_ONCE
    make_gallery(home, {f"Person {i}": (i, PHOTOS) for i in range(PEOPLE)})
    people = {f"Person {i}": PHOTOS for i in range(PEOPLE)}
    settings = Settings(home=home, key=tiny.KEY, key_folder=home / "keys", actor="kill")
    moments, tally = random.Random(seed), Tally()
    with _door(settings) as (asked, end):
        for kill in range(kills):
            _one(settings, moments, tally, people, kill)
        tally.right, tally.told = _told(asked, end)
    return tally


def _one(
    settings: Settings, moments: random.Random, tally: Tally, people: dict[str, int], kill: int
) -> None:
    with open_service(settings, pipelines=TinyPipelines()) as service:
        before = service.facts.backbone
        service.rebackbone.discard()  # else the way back is short: everything is embedded already
        people[f"New {kill}"] = add(service, f"New {kill}", 100 + kill)
    wanted = next(name for name in _NAMES if name != before)
    words = 5 + -(-(PEOPLE + kill + 1) * PHOTOS // _AT_ONCE)  # that a whole move says
    aim = moments.choice((moments.randint(0, words), words))
    # Between two words little happens; after the last one comes the move itself.
    delay = moments.uniform(0, 0.5 if aim == words else 0.05)
    died = _killed(settings, wanted, aim, delay)
    with open_service(settings, pipelines=TinyPipelines()) as service:
        moved = service.facts.backbone == wanted
        check(service, people, kill)
        if not moved:
            move(service, wanted)
        assert service.facts.backbone == wanted
        check(service, people, kill)
    tally.moves += 1
    tally.killed += died
    tally.moved += died and moved


def check(service: Service, people: dict[str, int], kill: int) -> None:
    """Everybody is there, is found, and nothing was changed but by Rollcall."""
    assert service.verify_gallery().sound
    assert service.backbone.name == service.facts.backbone
    assert {s.name: s.templates for s in service.people()} == people
    for name, number in (("Person 1", 1), (f"New {kill}", 100 + kill)):
        (answer,) = service.identify(_photo(number, 40))
        assert answer.name == name, (answer, service.facts.backbone)


def move(service: Service, wanted: str, say: Callable[[str, float], None] | None = None) -> None:
    progress = say or (lambda stage, share: None)
    prepared = service.rebackbone.prepare(wanted, progress)
    _, moved = service.rebackbone.switch(prepared, Terms(accept_worse=True), progress)
    assert moved is not None


def add(service: Service, name: str, number: int) -> int:
    """Enroll somebody; how many photos were kept."""
    photos = tuple(_photo(number, i) for i in range(PHOTOS))
    (report,) = service.enroll([Enrollee(name, None, photos)], "yes", allow_collision)
    assert report.accepted > 0
    return report.accepted


def _photo(person: int, number: int) -> Photo:
    return photo_bytes(f"{person}-{number}.png", tiny.png(tiny.picture((person, number))))


def _killed(settings: Settings, wanted: str, aim: int, delay: float) -> bool:
    """Kill a move so long after so many words of progress; was it still running?"""

    def work(say: Say) -> None:
        with open_service(settings, pipelines=TinyPipelines()) as service:
            say(b".")
            move(service, wanted, lambda stage, share: say(b"."))

    child, pipe = _fork(work)
    with os.fdopen(pipe, "rb", buffering=0) as told:
        while aim and told.read(1):
            aim -= 1
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@contextmanager
def _door(settings: Settings) -> Iterator[tuple[int, Callable[[], None]]]:
    """A process that asks for the same people all the time, and is open during every move."""

    def ask(say: Say) -> None:
        with open_service(settings, pipelines=TinyPipelines()) as service:
            for count in range(10**9):
                number = count % PEOPLE
                try:
                    (answer,) = service.identify(_photo(number, 50))
                except BackboneMoved:
                    say(b"m")
                    continue
                say(b"." if answer.name == f"Person {number}" else b"x")

    child, pipe = _fork(ask)
    ended = False

    def end() -> None:
        nonlocal ended
        if not ended:
            ended = True
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    try:
        yield pipe, end
    finally:
        end()
        os.close(pipe)


def _told(pipe: int, end: Callable[[], None]) -> tuple[int, int]:
    end()
    said = b""
    while some := os.read(pipe, 1 << 16):
        said += some
    assert b"x" not in said, f"{said.count(b'x')} of {len(said)} answers were wrong"
    return said.count(b"."), said.count(b"m")


def _fork(work: Callable[[Say], None]) -> tuple[int, int]:
    """A process of its own: the parent never loads what cannot be forked."""
    hears, tells = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(hears)
            os.set_blocking(tells, False)
            work(lambda word: _tell(tells, word))
            code = 0
        finally:
            os._exit(code)
    os.close(tells)
    return child, hears


def _tell(tells: int, word: bytes) -> None:
    try:
        os.write(tells, word)
    except BlockingIOError:
        if word != b".":  # what is wrong must be heard
            os.set_blocking(tells, True)
            os.write(tells, word)
