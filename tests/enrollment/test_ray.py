"""A real Ray cluster on this machine: two workers, which are killed."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from app.ray_place import ray_place
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.enroller import SubjectReport, allow_collision
from enrollment.errors import FingerprintMismatch, Unusable
from enrollment.intake import Enrollee
from enrollment.nightly import NightResult
from enrollment.photo import photo_bytes
from enrollment.ray_crew import RayCrew
from enrollment.ray_pool import EACH
from enrollment.service import Service, open_service
from store.records import GalleryFacts
from tests import databases, tiny
from tests.enrollment import ray_eyes
from tests.galleries import TinyPipelines, make_gallery
from tests.test_layering import ROOT

pytestmark = pytest.mark.slow

PEOPLE, PHOTOS = 10, 3
# Of people of whom `tiny` draws three photos that are all kept.
NUMBERS = (*range(17), *range(18, 25))
Person = Callable[..., Enrollee]
Opens = Callable[[], Capture]


class Elsewhere(TinyPipelines):
    """At the workers, this is opened."""

    def __init__(self, opens: Opens) -> None:
        super().__init__()
        self._opens = opens

    def opener(self, facts: GalleryFacts) -> Opens:
        return self._opens


@pytest.fixture(scope="module")
def ray() -> Iterator[ModuleType]:
    """One cluster for all: starting one takes 5 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("ROLLCALL_KEY", tiny.KEY)
        with ray_place("local") as place:
            assert place is not None
            yield place._ray


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def crew(ray: ModuleType, told: list[str]) -> Iterator[RayCrew]:
    with RayCrew(ray, told.append) as made:
        yield made


@pytest.fixture
def opened(
    settings: Settings, capture: Capture, empty_gallery: Callable[[str], Path]
) -> Iterator[Callable[..., Service]]:
    services: list[Service] = []

    def make(crew: RayCrew | None, opens: Opens = ray_eyes.slow, name: str = "gallery") -> Service:
        here = replace(settings, home=settings.home.parent / name)
        databases.copy_of(empty_gallery("required"), here.home)
        services.append(
            open_service(here, capture=capture, pipelines=Elsewhere(opens), workplace=crew)
        )
        return services[-1]

    yield make
    for service in services:
        service.close()


def everybody(person: Person) -> list[Enrollee]:
    """With a photo that is none, one twice, and one of two people, so that all is decided on."""
    people = [person(number, range(PHOTOS)) for number in range(PEOPLE)]
    broken = photo_bytes("broken.png", tiny.png(tiny.picture((1, 0)))[:400])
    pair = photo_bytes("pair.png", tiny.png(tiny.picture((2, 7), (3, 7))))
    people[1] = replace(people[1], photos=(*people[1].photos, broken, people[1].photos[0]))
    people[2] = replace(people[2], photos=(*people[2].photos, pair))
    return people


def decided(reports: list[SubjectReport]) -> list[object]:
    """All that is said of everybody, without the ids, which are drawn."""
    return [{**report.as_document(), "subject_id": None} for report in reports]


def kept(service: Service) -> dict[str, list[object]]:
    """Name -> vectors and details of everything that is stored of a person."""
    gallery = service._gallery
    found: dict[str, list[object]] = {}
    for subject in service.people():
        templates = gallery.templates_of([subject.subject_id])
        samples = gallery.samples([subject.subject_id])
        found[subject.name] = [  # in no order: ids are drawn
            sorted(templates.vectors.tolist()),
            sorted((s.image, json.dumps(s.details)) for s in samples),
        ]
    return found


def assert_same(one: Mapping[str, list[object]], other: Mapping[str, list[object]]) -> None:
    assert one.keys() == other.keys()
    for name, (vectors, samples) in one.items():
        np.testing.assert_allclose(vectors, other[name][0], atol=1e-6)
        assert samples == other[name][1]


@pytest.fixture
def without(opened: Callable[..., Service], person: Person) -> tuple[list[object], Service]:
    """The same people, enrolled in this process."""
    service = opened(None, name="without")
    return decided(list(service.enroll(everybody(person), "yes", allow_collision))), service


def killer(people: list[Enrollee], at: int, kill: Callable[[], None]) -> list[Enrollee]:
    """These people; when the photos of number `at` are read, somebody kills."""
    struck = threading.Lock()

    def struck_once(photo: object) -> object:
        read = photo.read

        def reads() -> bytes:
            if struck.acquire(blocking=False):
                kill()
            return read()

        return replace(photo, read=reads)

    photos = tuple(map(struck_once, people[at].photos))
    return [*people[:at], replace(people[at], photos=photos), *people[at + 1 :]]


def both_ready(service: Service, crew: RayCrew) -> None:
    service._eyes()  # waits for the first
    until = time.monotonic() + 120
    while len(crew.pids()) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(crew.pids()) == 2


def test_the_same_as_without(
    opened: Callable[..., Service], crew: RayCrew, person: Person, without: tuple
) -> None:
    service = opened(crew)
    reports = list(service.enroll(everybody(person), "yes", allow_collision))
    assert decided(reports) == without[0]
    assert_same(kept(service), kept(without[1]))
    account = crew.account
    assert (account.workers, account.lost, account.here) == (2, 0, 0)
    assert account.done == PEOPLE * PHOTOS + 3
    again = list(service.enroll(everybody(person), "yes", allow_collision))
    assert not any(report.accepted for report in again)
    assert account.done == PEOPLE * PHOTOS + 3 + 1, "only what was refused is looked at again"


def test_a_worker_is_killed_in_the_middle(
    opened: Callable[..., Service],
    crew: RayCrew,
    person: Person,
    without: tuple,
    told: list[str],
) -> None:
    service = opened(crew)
    both_ready(service, crew)
    people = killer(everybody(person), 5, lambda: os.kill(crew.pids()[0], signal.SIGKILL))
    reports = list(service.enroll(people, "yes", allow_collision))
    assert decided(reports) == without[0]
    assert_same(kept(service), kept(without[1]))
    account = crew.account
    assert (account.lost, account.here, account.given_up) == (1, 0, 0)
    assert 1 <= account.again <= EACH
    assert told == ["a Ray worker was lost; what it did is done again. 1 are left"]
    assert "1 workers were lost" in account.sentence()


def test_all_workers_are_killed_and_none_comes_again(
    opened: Callable[..., Service],
    ray: ModuleType,
    person: Person,
    without: tuple,
    told: list[str],
) -> None:
    with RayCrew(ray, told.append, replaced=0) as crew:
        service = opened(crew)
        both_ready(service, crew)

        def kill() -> None:
            for pid in crew.pids():
                os.kill(pid, signal.SIGKILL)

        reports = list(service.enroll(killer(everybody(person), 4, kill), "yes", allow_collision))
        assert decided(reports) == without[0]
        assert_same(kept(service), kept(without[1]))
        assert (crew.account.lost, crew.account.given_up) == (2, 0)
        assert crew.account.here > PHOTOS
        assert told[-1].endswith("0 are left")


def test_workers_that_went_while_they_were_idle_cost_no_photo(
    opened: Callable[..., Service],
    ray: ModuleType,
    person: Person,
    told: list[str],
) -> None:
    """Two dead ones in a row are not the photo's fault."""
    with RayCrew(ray, told.append, replaced=0) as crew:
        service = opened(crew)
        both_ready(service, crew)
        for pid in crew.pids():
            os.kill(pid, signal.SIGKILL)
        (report,) = service.enroll([person(1, range(1))], "yes")
        assert report.accepted == 1
        assert (crew.account.lost, crew.account.given_up, crew.account.done) == (2, 0, 0)


def test_a_photo_that_kills_every_worker_is_refused_and_nobody_elses(
    opened: Callable[..., Service], crew: RayCrew, person: Person, without: tuple
) -> None:
    service = opened(crew, ray_eyes.fragile)
    people = everybody(person)
    bad = photo_bytes("bad.png", ray_eyes.poisoned(6, 9))
    people[6] = replace(people[6], photos=(*people[6].photos, bad))
    reports = list(service.enroll(people, "yes", allow_collision))
    last = reports[6].samples[-1]
    assert [reason.code.value for reason in last.reasons] == ["unreadable_image"]
    assert "2 workers ended" in last.reasons[0].message
    assert_same(kept(service), kept(without[1]))
    assert (crew.account.lost, crew.account.given_up, crew.account.here) == (2, 1, 0)


def test_a_worker_of_another_pipeline_is_refused(
    opened: Callable[..., Service], crew: RayCrew, person: Person, told: list[str]
) -> None:
    service = opened(crew, ray_eyes.other)
    with pytest.raises(FingerprintMismatch, match="embeddings of two cannot be compared"):
        list(service.enroll([person(1)], "yes"))
    assert len(told) == 2
    assert not service.people()


def test_a_worker_without_weights_is_told_of(
    opened: Callable[..., Service], crew: RayCrew, person: Person
) -> None:
    with pytest.raises(Unusable, match="the weights are not here"):
        list(opened(crew, ray_eyes.absent).enroll([person(1)], "yes"))


def test_workers_have_no_key_no_name_and_no_face_in_clear(
    opened: Callable[..., Service],
    ray: ModuleType,
    person: Person,
    told: list[str],
) -> None:
    """Neither in their environment, nor in what Ray keeps or writes."""
    with RayCrew(ray, told.append) as crew:
        service = opened(crew)
        photo = person(3, range(1)).photos[0]
        list(service.enroll([Enrollee("Ada Lovelace", "staff-77", (photo,))], "agreed-text"))
        for pid in crew.pids():
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            assert tiny.KEY.encode() not in environment
            assert b"RAY_AUTH_TOKEN" in environment
        jobs = str(ray._private.state.jobs())
        assert "rollcall" in jobs
        assert "pytest" not in jobs, "a command may have a name in it"
        folder = Path(ray._private.worker._global_node.get_session_dir_path())
        written = [file for file in folder.rglob("*") if file.is_file()]
        assert len(written) > 10
        for file in written:
            text = file.read_bytes()
            for secret in (b"Lovelace", b"staff-77", b"agreed-text", photo.read()[:64]):
                assert secret not in text, file


def test_a_night_gives_the_same_head(
    tmp_path: Path, ray: ModuleType, told: list[str], settings: Settings, capture: Capture
) -> None:
    """Without Ray, with it, and with a worker that is killed in the middle."""
    people = {f"Person {i:02}": (i, 4) for i in range(8)}
    home = make_gallery(tmp_path / "night", people)

    def night(name: str, crew: RayCrew | None, strike: bool = False) -> tuple[NightResult, bytes]:
        here = replace(settings, home=tmp_path / name)
        databases.copy_of(home, here.home)
        killed: list[int] = []

        def progress(stage: str, share: float) -> None:
            if strike and crew is not None and stage == "train and search" and not killed:
                killed.extend(crew.pids()[:1])
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)

        with open_service(here, capture=capture, workplace=crew) as service:
            result = service.nightly(progress=progress, force=True)
            (head,) = [h for h in service.heads() if h.manifest["mode"] == "joint"]
            archive = service._archive
            rows = archive.read_head(head.head_id, head.manifest["file_sha256"])
        return result, rows

    before, rows = night("here", None)
    assert before.metrics["trained"] == "joint"
    with RayCrew(ray, told.append) as crew:
        result, trained = night("elsewhere", crew)
        assert crew.account.done >= 9
        assert trained == rows
        assert result.metrics["states"] == before.metrics["states"]
    with RayCrew(ray, told.append) as crew:
        result, trained = night("struck", crew, strike=True)
        assert crew.account.lost == 1
        assert trained == rows
        assert result.outcome == before.outcome


def test_a_gallery_is_embedded_anew(
    tmp_path: Path, ray: ModuleType, told: list[str], settings: Settings, capture: Capture
) -> None:
    people = {f"Person {i:02}": (i, 3) for i in NUMBERS}
    home = make_gallery(tmp_path / "moves", people)

    def shadow(name: str, crew: RayCrew | None, strike: bool = False) -> np.ndarray:
        here = replace(settings, home=tmp_path / name)
        databases.copy_of(home, here.home)
        killed: list[int] = []

        def progress(stage: str, share: float) -> None:
            if strike and crew is not None and share > 0 and not killed:
                killed.extend(crew.pids()[:1])
                os.kill(killed[0], signal.SIGKILL)

        with open_service(
            here, capture=capture, pipelines=TinyPipelines(), workplace=crew
        ) as service:
            prepared = service.rebackbone.prepare("tiny-long", progress)
            assert prepared.templates == 3 * len(NUMBERS)
            return service._gallery.shadow_templates().vectors

    own = shadow("here", None)
    for strike in (False, True):
        with RayCrew(ray, told.append) as crew:
            found = shadow(f"elsewhere{strike}", crew, strike)
            assert crew.account.done == 3  # batches
            np.testing.assert_allclose(found, own, atol=1e-6)
