"""What is broken off by the fault harness: small named programs over a gallery's folder.

To add one, write what it begins with, what it does (it says each thing that it acknowledges), and
what may be found afterwards; then put it into OPERATIONS. Nothing else knows of any of them.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest
from alembic import command
from numpy.typing import NDArray

from enrollment.enroller import allow_collision
from enrollment.nightly import Night, Nightly
from enrollment.opening import facts_of, is_gallery
from enrollment.planning import NightPolicy
from enrollment.rebackbone import Terms
from enrollment.restoring import restore
from enrollment.service import Service, open_service
from models.head_trainer import HeadTrainer, unit_rows
from store.archive import open_archive
from store.change import Change
from store.database import _alembic, open_engine, sqlite_url
from store.errors import KeyMissing
from store.gallery import stamp
from store.key import make_key_file, parse_key
from store.records import NewSample
from store.vault import Vault, key_id_of
from tests import tiny
from tests.faults.place import PHOTOS, Place, capture, person
from tests.faults.soundness import Found
from tests.store.test_migrations import NoSealing

Say = Callable[[str], None]
PEOPLE = {"Anna": 0, "Bertram Unmistakable": 1, "Cleo": 2}
ERASED = "Bertram Unmistakable"
NEWCOMERS = {"Dora": 3, "Emil": 4}
_OLD = key_id_of(parse_key(tiny.KEY))
FIRST_NIGHT = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
SECOND_NIGHT = datetime(2026, 1, 2, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Operation:
    """make: writes what it begins with. act: does it and says what is acknowledged; done again, it
    finishes what was broken off. judge: whether it is done, by what was there before, what is
    there now, where, and what was said; raises AssertionError where that must not be. secret: what
    must be in no file when it is done.
    """

    name: str
    make: Callable[[Place], None]
    act: Callable[[Place, Say], None]
    judge: Callable[[Found | None, Found | None, Place, Sequence[str]], bool]
    secret: bytes = b""


class TinyTrainer(HeadTrainer):
    """Trains nothing, so that a night has a head's file without TensorFlow."""

    def fit(self, start: NDArray[np.float32], *_: object, **__: object) -> NDArray[np.float32]:
        return start.copy()


# -- create ---------------------------------------------------------------------------------------


def _nothing(place: Place) -> None:
    place.root.mkdir(parents=True)


def _create(place: Place, say: Say) -> None:
    if not is_gallery(place.home):
        place.create()
    say("created")


def _created(_: Found | None, now: Found | None, _place: Place, said: Sequence[str]) -> bool:
    assert now is not None or not said, "a gallery that was acknowledged is lost"
    assert now is None or now.people == {}
    return now is not None


# -- enroll ---------------------------------------------------------------------------------------


def _with_people(place: Place) -> None:
    _nothing(place)
    place.create()
    with place.service() as service:
        _enroll_all(service, PEOPLE, lambda name: None)


def _enroll(place: Place, say: Say) -> None:
    with place.service() as service:
        _enroll_all(service, NEWCOMERS, say)


def _enroll_all(service: Service, people: dict[str, int], say: Say) -> None:
    enrollees = [person(name, number) for name, number in people.items()]
    for report in service.enroll(enrollees, "agreed on 2026-11-21", allow_collision):
        assert report.succeeded, [sample.reasons for sample in report.samples]
        say(report.name)


def _enrolled(before: Found | None, now: Found | None, _place: Place, said: Sequence[str]) -> bool:
    assert before is not None
    assert now is not None
    there = list(now.people)[len(before.people) :]
    assert dict(list(now.people.items())[: len(before.people)]) == before.people
    assert there == list(NEWCOMERS)[: len(there)], there
    assert set(said) <= set(there), f"lost: {set(said) - set(there)}"
    assert len(there) <= len(said) + 1, "somebody is there before it was their turn"
    assert all(now.people[name] == PHOTOS for name in there), "half enrolled"
    assert now.files
    return there == list(NEWCOMERS)


# -- erase ----------------------------------------------------------------------------------------


def _with_a_night(place: Place) -> None:
    _with_people(place)
    with place.service() as service:
        _run_night(service, place, FIRST_NIGHT)


def _erase(place: Place, say: Say) -> None:
    with place.service() as service:
        if any(subject.name == ERASED for subject in service.people()):
            service.erase(ERASED)
    say("erased")


def _with_what_a_killed_night_left(place: Place) -> None:
    _with_a_night(place)
    archive = open_archive(place.home, Vault(parse_key(tiny.KEY)))
    archive.write_head("killed", b"rows of everybody")
    archive.write_report("killed.html", ERASED.encode())


def _gone(before: Found | None, now: Found | None, place: Place, said: Sequence[str]) -> bool:
    assert before is not None
    assert now is not None
    others = {name: n for name, n in before.people.items() if name != ERASED}
    gone = ERASED not in now.people
    assert gone or not said, "erased, and back again"
    assert now.people == (others if gone else before.people)
    assert now.erased == before.erased + gone
    if gone:
        assert now.files
        left = [file for file in place.root.rglob("*") if file.is_file() and _names(file)]
        assert not left, f"the name is still in {left}"
        assert not (place.home / "heads" / "killed.sealed").exists(), "a head that knew them"
    return gone


def _names(file: object) -> bool:
    return ERASED.encode() in file.read_bytes()  # type: ignore[attr-defined]


# -- night ----------------------------------------------------------------------------------------


def _night(place: Place, say: Say) -> None:
    with place.service() as service:
        _run_night(service, place, SECOND_NIGHT)
    say("night")


def _run_night(service: Service, place: Place, at: datetime) -> None:
    archive = open_archive(place.home, Vault(parse_key(tiny.KEY)))

    def report(night: Night) -> tuple[list[str], list[str]]:
        """As `NightReport`, without its drawings, which take longer than all else."""
        seen = night.snapshot.subjects
        told = "\n".join(subject.name for subject in seen).encode()
        names = [f"{night.day}-{night.run_id[:8]}.{kind}" for kind in ("html", "json")]
        return [archive.write_report(n, told).name for n in names], [s.subject_id for s in seen]

    trainer = TinyTrainer(tiny.TinyBackbone.dimension)
    nightly = Nightly(
        service._gallery, archive, lambda: 0.6, report, "faults", trainer, now=lambda: at
    )
    result = nightly.run(NightPolicy(mode="joint"))
    days = [job.day for job in service.nights() if job.state == "finished"]
    assert at.date().isoformat() in days, result.reason


def _with_newcomers(place: Place) -> None:
    """One night behind, and somebody since, so that there is something to learn."""
    _with_a_night(place)
    _enroll(place, lambda name: None)


def _had_its_night(
    before: Found | None, now: Found | None, _place: Place, said: Sequence[str]
) -> bool:
    assert before is not None
    assert now is not None
    today = SECOND_NIGHT.date().isoformat()
    done = today in now.nights
    assert done or not said, "a night that was acknowledged is lost"
    assert now.nights == (*before.nights, *([today] if done else []))
    assert now.people == before.people
    assert now.files, "a row names a file that is not there"
    return done


# -- migrate --------------------------------------------------------------------------------------


def _of_before(place: Place, revision: str) -> None:
    """A gallery as a version without seals and anchors made it, with people in it."""
    place.home.mkdir(parents=True)
    vault, facts = Vault(parse_key(tiny.KEY)), facts_of(capture(), "", "required")
    engine, config = open_engine(sqlite_url(place.home / "gallery.db")), _alembic()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        stamp(connection, parse_key(tiny.KEY), facts, 0.01)
        now = datetime.now(UTC)
        change = Change(connection, vault, facts, 0, now, "old", NoSealing(), lambda _: None)
        drawn = np.random.default_rng(0).normal(size=(len(PEOPLE), PHOTOS, facts.dimension))
        for name, vectors in zip(PEOPLE, drawn.astype(np.float32), strict=True):
            subject_id = change.add_subject(name, None)
            consent = change.add_consent(subject_id, "consent", "yes")
            change.add_samples(
                subject_id,
                consent,
                [NewSample(v.tobytes()[:32], b"picture", {}, v) for v in unit_rows(vectors)],
            )
    engine.dispose()


def _migrate(place: Place, say: Say) -> None:
    with place.service():
        say("migrated")


def _migrated(before: Found | None, now: Found | None, _place: Place, said: Sequence[str]) -> bool:
    assert before is not None
    assert now is not None
    assert now.people == before.people
    assert now.revision in (before.revision, _newest()), f"half migrated: {now.revision}"
    assert not said or now.revision == _newest(), "a migration that was acknowledged is lost"
    return now.revision == _newest()


def _newest() -> str:
    from store.database import _newest as newest

    return str(newest())


# -- backup ---------------------------------------------------------------------------------------


def _back_up(place: Place, say: Say) -> None:
    with place.service() as service:
        say(service.backup(place.home / "backups" / "one.rollcall").name)


def _backed_up(before: Found | None, now: Found | None, place: Place, said: Sequence[str]) -> bool:
    assert before is not None
    assert now is not None
    assert set(said) <= set(now.backups), "a backup that was acknowledged is lost"
    assert (now.people, now.nights) == (before.people, before.nights)
    assert now.files
    for name in now.backups:  # so that the same command can be repeated
        (place.home / "backups" / name).unlink()
    return "one.rollcall" in now.backups


# -- rotate ---------------------------------------------------------------------------------------


def _under_a_file(place: Place) -> None:
    """Its key lies in a file, as it does unless somebody says otherwise."""
    _with_a_night(place)
    with place.service() as service:
        file = place.settings.key_file(service._gallery.facts.gallery_id)
    make_key_file(file, parse_key(tiny.KEY))


def _rotate(place: Place, say: Say) -> None:
    with place.service() as service:
        if service.keys.key_id == _OLD:
            service.keys.rotate()
        assert service.keys.key_id != _OLD
    say("rotated")


def _rotated(before: Found | None, now: Found | None, place: Place, said: Sequence[str]) -> bool:
    assert before is not None
    assert now is not None
    done = now.key_id != _OLD
    assert done or not said, "a rotation that was acknowledged is lost"
    assert now.deeds == before.deeds + done
    assert (now.people, now.nights) == (before.people, before.nights)
    assert now.files, "a head's file is under neither key"
    if done:
        with pytest.raises(KeyMissing), open_service(place.under(tiny.KEY), capture=capture()):
            pass
    return done


# -- restore --------------------------------------------------------------------------------------


def _of_a_backup(place: Place) -> None:
    """The gallery is gone; there are its keys, the list of the erased, and a backup of before
    somebody was erased."""
    _with_a_night(place)
    with place.service() as service:
        service.backup(place.root / "one.rollcall")
        service.erase(ERASED)
    shutil.rmtree(place.home)


def _restore(place: Place, say: Say) -> None:
    if not is_gallery(place.home):
        restore(place.settings, place.root / "one.rollcall", "a fault")
    say("restored")


def _restored(_: Found | None, now: Found | None, place: Place, said: Sequence[str]) -> bool:
    assert now is not None or not said, "a restore that was acknowledged is lost"
    assert (place.root / "one.rollcall").exists()
    if now is None:
        return False
    assert now.people == {name: PHOTOS for name in PEOPLE if name != ERASED}
    assert now.erased == 1
    # Heads that knew the erased person were not restored.
    assert now.nights == (FIRST_NIGHT.date().isoformat(),)
    return True


# -- rebackbone -----------------------------------------------------------------------------------


def _rebackbone(place: Place, say: Say) -> None:
    with place.service() as service:
        if service.facts.backbone != tiny.OtherBackbone.name:
            prepared = service.rebackbone.prepare(tiny.OtherBackbone.name)
            _, moved = service.rebackbone.switch(prepared, Terms(accept_worse=True))
            assert moved is not None
    say("moved")


def _rebackboned(
    before: Found | None, now: Found | None, _place: Place, said: Sequence[str]
) -> bool:
    assert before is not None
    assert now is not None
    done = now.backbone == tiny.OtherBackbone.name
    assert done or not said, "a move that was acknowledged is lost"
    assert done or now.backbone == before.backbone
    assert now.people == before.people
    return done


OPERATIONS = (
    Operation("create", _nothing, _create, _created),
    Operation("enroll", _with_people, _enroll, _enrolled),
    Operation("erase", _with_what_a_killed_night_left, _erase, _gone, ERASED.encode()),
    Operation("night", _with_newcomers, _night, _had_its_night),
    Operation("migrate", lambda place: _of_before(place, "0006"), _migrate, _migrated),
    Operation("backup", _with_a_night, _back_up, _backed_up),
    Operation("rotate", _under_a_file, _rotate, _rotated),
    Operation("rebackbone", _with_people, _rebackbone, _rebackboned),
    Operation("restore", _of_a_backup, _restore, _restored, ERASED.encode()),
)
