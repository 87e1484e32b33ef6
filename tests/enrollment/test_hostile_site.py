"""The other site is somebody else's: every seal holds, and what stands in its gallery lies."""

import json
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.merge_report import LeftOutReason
from store import schema
from store.change import Change, template_context
from store.errors import GalleryDamaged, GalleryMissing
from store.vectors import subject_keys_of
from tests import tiny
from tests.two_sites import Site, enrollees, found_as, make_site

R3 = range(3)
LONG_AGO = "2026-01-01T00:00:00.000000+00:00"
TO_COME = "2999-01-01T00:00:00.000000+00:00"
Lie = Callable[[Change, str], None]  # of the subject of there whose id is given


@pytest.fixture
def here(tmp_path: Path) -> Site:
    return make_site(tmp_path / "here", {"Ada": (1, R3), "Bea": (2, R3)})


@pytest.fixture
def there(tmp_path: Path) -> Site:
    return make_site(tmp_path / "there", {"Cem": (3, R3), "Dan": (4, R3)})


def lie_about(site: Site, name: str, lie: Lie) -> None:
    """Written with the site's own key, so that every seal holds."""
    subject_id = site.subjects()[name].subject_id
    with site.open() as service, service._gallery.change("liar") as change:
        change.sealing.touch([subject_id])
        lie(change, subject_id)


def is_called(**values: str) -> Lie:
    def lie(change: Change, subject_id: str) -> None:
        whose = schema.subjects.c.subject_id == subject_id
        change.connection.execute(sa.update(schema.subjects).where(whose).values(**values))

    return lie


def agreed(**values: str) -> Lie:
    def lie(change: Change, subject_id: str) -> None:
        whose = schema.consents.c.subject_id == subject_id
        change.connection.execute(sa.update(schema.consents).where(whose).values(**values))

    return lie


def photos_are(image: bytes | None = None, details: object = None) -> Lie:
    def lie(change: Change, subject_id: str) -> None:
        key = subject_keys_of(change.connection, change.vault, [subject_id])[subject_id]
        samples = schema.samples
        ids = sa.select(samples.c.sample_id).where(samples.c.subject_id == subject_id)
        for sample_id in change.connection.execute(ids).scalars().all():
            values = {}
            if image is not None:
                values["image"] = key.seal(image, "image", sample_id)
            if details is not None:
                values["details"] = key.seal(json.dumps(details).encode(), "details", sample_id)
            this = samples.c.sample_id == sample_id
            change.connection.execute(sa.update(samples).where(this).values(**values))

    return lie


def details(**more: object) -> Mapping[str, object]:
    quality = {"face_px": 90.0}
    return {"source": "a.png", "landmarks": [[1, 2]] * 5, "quality": quality, **more}


@pytest.mark.parametrize(
    "lie",
    [
        is_called(name="\x1b[2J\x1b]0;Cem\x07", name_key="x"),
        is_called(name="<script>alert(1)</script>", name_key="x"),
        is_called(name="C" * 101, name_key="c"),
        is_called(external_id="\x1b[2J"),
        is_called(enrolled_at=TO_COME),
        agreed(text="", version="e3b0c442"),
        agreed(given_at=TO_COME),
        agreed(version="<b>1</b>"),
        agreed(expires_at=LONG_AGO, withdrawn_at=LONG_AGO),
        photos_are(b"<html>"),
        photos_are(tiny.png(tiny.picture((3, 0)))),
        photos_are(b"\xff\xd8\xff" + bytes(11 * 1024**2)),
        photos_are(details=[1]),
        photos_are(details={"digest": "zz"}),
        photos_are(details={"source": "\x1b[2J"}),
        photos_are(details=details()),
        photos_are(details=details(landmarks=[[float("nan")] * 2] * 5)),
        photos_are(details={"source": "x" * 20_000}),
    ],
)
def test_who_could_not_be_enrolled_so_stays_away(here: Site, there: Site, lie: Lie) -> None:
    """And nobody else does."""
    lie_about(there, "Cem", lie)
    report = here.merge(there)
    assert report.brought == 1
    (left,) = report.left_out
    assert left.reason is LeftOutReason.UNSOUND
    assert left.why
    assert "\x1b" not in left.name + left.why
    assert report.finished, "no word of anybody changes it"
    with here.open() as service:
        assert {p.name for p in service.everybody()} == {"Ada", "Bea", "Dan"}
        assert service.verify_gallery().sound


def test_nobody_takes_back_what_another_agreed_to(here: Site, there: Site) -> None:
    """With an id of here, which the other site knows since it took over the people of here."""
    here.merge(there)
    ada = here.subjects()["Ada"].subject_id
    with here.open() as service:
        (hers,) = service.consents(ada)
    lie_about(
        there,
        "Cem",
        lambda change, subject_id: (
            change.connection.execute(
                sa.insert(schema.consents).values(
                    consent_id=hers.consent_id,
                    subject_id=subject_id,
                    basis="consent",
                    text=hers.text,
                    version=hers.version,
                    given_at=LONG_AGO,
                    withdrawn_at=LONG_AGO,
                )
            )
            and None
        ),
    )
    report = here.merge(there)
    assert [one.reason for one in report.left_out] == [LeftOutReason.UNSOUND]
    with here.open() as service:
        assert service.consents(ada) == [hers]
        assert not service._gallery.verify_audit().findings


def test_a_template_with_the_id_of_another_stays_away(here: Site, there: Site) -> None:
    with here.open() as service:
        ada = service.person("Ada").subject_id
        taken = service._gallery.stored_templates([ada])[0].template_id

    def lie(change: Change, subject_id: str) -> None:
        table, fingerprint = schema.templates, change.facts.fingerprint
        key = subject_keys_of(change.connection, change.vault, [subject_id])[subject_id]
        row = change.connection.execute(
            sa.select(table).where(table.c.subject_id == subject_id)
        ).first()
        assert row is not None
        vector = key.open(row.vector, *template_context(row.template_id, fingerprint))
        sealed = key.seal(vector, *template_context(taken, fingerprint))
        this = table.c.template_id == row.template_id
        change.connection.execute(
            sa.update(table).where(this).values(template_id=taken, vector=sealed)
        )

    lie_about(there, "Cem", lie)
    report = here.merge(there)
    assert [one.reason for one in report.left_out] == [LeftOutReason.UNSOUND]
    with here.open() as service:
        assert service.verify_gallery().sound


def test_an_id_is_no_proof_of_a_face(here: Site, there: Site) -> None:
    """Somebody else's photos under Ada's id, of there, do not name them Ada here."""
    there.merge(here)
    (stranger,) = enrollees({"Ada": (40, range(9))})
    insisted = tuple(replace(photo, insisted=True) for photo in stranger.photos)
    with there.open() as service:
        (added,) = service.enroll([replace(stranger, photos=insisted)], "agreed", allow_collision)
        assert sum(sample.accepted for sample in added.samples) == 9
    report = here.merge(there)
    (left,) = report.left_out
    assert (left.reason, left.photos) == (LeftOutReason.NOT_THIS_PERSON, 9)
    assert report.finished
    assert here.subjects()["Ada"].templates == 3
    with here.open() as service:
        assert found_as(service, 1) == "Ada"
        assert found_as(service, 40) != "Ada"


def test_who_was_united_there_with_somebody_of_here_brings_no_other_face(
    here: Site, there: Site
) -> None:
    there.merge(here)
    with there.open() as service:
        service.merge("Cem", "Ada")
    report = here.merge(there)
    assert LeftOutReason.NOT_THIS_PERSON in {one.reason for one in report.left_out}
    with here.open() as service:
        assert found_as(service, 1) == "Ada"
        assert found_as(service, 3) is None


@pytest.mark.parametrize(
    "vector",
    [
        np.full(32, 1000, np.float32),
        np.full(32, np.nan, np.float32),
        np.full(4, 0.5, np.float32),
    ],
)
def test_a_no_that_is_no_face_stays_away(
    here: Site, there: Site, vector: NDArray[np.float32]
) -> None:
    """It would be nearer to everybody than they are to themselves."""
    there.merge(here)
    ada = here.subjects()["Ada"].subject_id
    for named, negative_id in ((ada, "ab" * 16), (None, "cd" * 16)):
        lie_about(there, "Cem", says_no(negative_id, named, vector))
    report = here.merge(there)
    assert (report.negatives, report.negatives_left) == (0, 2)
    with here.open() as service:
        assert found_as(service, 1) == "Ada"


def says_no(negative_id: str, named: str | None, vector: NDArray[np.float32]) -> Lie:
    def lie(change: Change, _subject_id: str) -> None:
        context = negative_id, change.facts.fingerprint
        change.connection.execute(
            sa.insert(schema.negatives).values(
                negative_id=negative_id,
                at=LONG_AGO,
                fingerprint=change.facts.fingerprint,
                subject_id=named,
                vector=change.vault.seal_face(vector.tobytes(), "negative-vector", *context),
                details=change.vault.seal_face(b"{}", "negative-details", *context),
            )
        )

    return lie


def test_its_file_does_not_choose_whom_this_machine_connects_to(
    here: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of the attacker's would ask for our database's password, and be told it."""
    monkeypatch.setenv("PGPASSWORD", "ours")
    home = Site(tmp_path / "liar").settings.home
    home.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as listening, here.open() as service:
        port = listening.getsockname()[1]
        (home / "gallery.toml").write_text(f'database = "postgresql://127.0.0.1:{port}/x"')
        other = Site(tmp_path / "liar").settings
        for settings in (other, replace(other, database="postgresql:///x_{gallery}")):
            with pytest.raises(BadInput, match="--other-database"):
                service.merge_gallery(settings, allow_collision, lambda _people: False)
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.sqlite
def test_what_is_no_gallery_is_not_written_to(here: Site, tmp_path: Path) -> None:
    """A link to another program's database: opening it as a gallery made it one that has a log."""
    database, home = tmp_path / "theirs.db", Site(tmp_path / "liar").settings.home
    with closing(sqlite3.connect(database)) as rows:
        rows.execute("CREATE TABLE other (it)")
        rows.commit()
    before = database.read_bytes()
    home.mkdir(parents=True)
    (home / "gallery.db").symlink_to(database)
    with pytest.raises(GalleryMissing):
        here.merge(Site(tmp_path / "liar"))
    assert database.read_bytes() == before


def test_people_in_a_circle_are_damage(here: Site, there: Site) -> None:
    """They were followed for ever."""
    dan = there.subjects()["Dan"].subject_id

    def lie(change: Change, cem: str) -> None:
        change.sealing.touch([dan])
        is_called(state="merged", merged_into=dan)(change, cem)
        is_called(state="merged", merged_into=cem)(change, dan)

    with pytest.raises(GalleryDamaged):
        lie_about(there, "Cem", lie)
        here.merge(there)
    assert set(here.subjects()) == {"Ada", "Bea"}
