"""A gallery moves to another backbone while it serves, and back."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from enrollment import rebackbone
from enrollment.backbone_agreement import Seen, compare
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.photo import Photo, encode_jpeg, photo_bytes
from enrollment.planning import NightPolicy
from enrollment.rebackbone import KEPT, Prepared, Rebackbone, Terms
from enrollment.reembedding import reembed
from enrollment.restoring import restore
from enrollment.service import Service, open_service
from models.detector import Face
from models.head_trainer import FitOptions
from store.errors import BackboneMoved, GalleryDamaged
from store.key import make_key_file
from store.schema import samples, shadow_templates, templates
from tests import databases, tiny
from tests.galleries import TinyPipelines, make_gallery, open_copy

PEOPLE = {f"Person {i:02}": (i, 3) for i in range(8)}
OTHERS = ("tiny-2", "tiny-long")


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gallery(tmp_path_factory.mktemp("enrolled") / "gallery", PEOPLE)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "gallery"
    return Settings(home=home, key=tiny.KEY, key_folder=home / "keys", actor="test")


@pytest.fixture
def service(enrolled: Path, settings: Settings) -> Iterator[Service]:
    with open_copy(enrolled, settings, None, TinyPipelines()) as opened:
        yield opened


def photo(person: int, number: int) -> Photo:
    return photo_bytes(f"{person}-{number}.png", tiny.png(tiny.picture((person, number))))


def named(service: Service, person: int, number: int = 40) -> str | None:
    (answer,) = service.identify(photo(person, number))
    return answer.name


def enroll(service: Service, name: str, person: int, photos: int = 3) -> None:
    shots = tuple(photo(person, i) for i in range(photos))
    (report,) = service.enroll([Enrollee(name, None, shots)], "yes")
    assert report.accepted == photos


def move(service: Service, name: str, terms: Terms | None = None) -> rebackbone.Moved:
    prepared = service.rebackbone.prepare(name)
    _, moved = service.rebackbone.switch(prepared, terms or Terms())
    assert moved is not None
    return moved


def back(service: Service) -> rebackbone.Moved:
    _, moved = service.rebackbone.switch(service.rebackbone.prepare_back(), Terms())
    assert moved is not None
    return moved


def sound(service: Service) -> bool:
    return service.verify_gallery().sound


@pytest.mark.parametrize("name", OTHERS)
def test_moves_and_goes_back(service: Service, name: str) -> None:
    before = {s.subject_id: s for s in service.people()}
    vectors = service._gallery.templates()
    assert named(service, 3) == "Person 03"
    prepared = service.rebackbone.prepare(name)
    assert named(service, 3) == "Person 03"
    assert service.facts.backbone == "tiny", "it serves as before"
    assert prepared.templates == 24
    assert prepared.faceless == {}
    assert prepared.agreement.after.probes == 24
    _, moved = service.rebackbone.switch(prepared, Terms())
    assert moved is not None
    assert service.facts.backbone == service.backbone.name == name
    assert {s.subject_id: s for s in service.people()} == before
    assert all(named(service, i) == f"Person {i:02}" for i in range(8))
    assert named(service, 99) is None
    assert sound(service)
    assert service.operating_point().generation == service.generation()
    back(service)
    assert service.facts.backbone == service.backbone.name == "tiny"
    assert np.array_equal(service._gallery.templates().vectors, vectors.vectors), "to the last bit"
    assert all(named(service, i) == f"Person {i:02}" for i in range(8))
    assert sound(service)
    assert {"backbone.prepare", "backbone.switch"} <= set(service._gallery.audit_actions())


def test_the_operating_point_is_stored_with_the_move(
    service: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = service.rebackbone
    monkeypatch.setattr(work, "_follow", lambda: None)
    prepared = work.prepare("tiny-2")
    work.switch(prepared, Terms())
    newest = service._gallery.newest_operating_points(1)[0]
    assert newest.fingerprint == prepared.facts.fingerprint
    assert newest.generation == service.generation()
    assert newest.threshold == prepared.agreement.point.threshold


def test_kept_photos_give_what_was_enrolled(service: Service) -> None:
    prepared = service.rebackbone.prepare("tiny-2")
    assert prepared.fidelity is not None
    low, median = prepared.fidelity
    assert 0.97 < low <= median <= 1.0001


def test_who_changes_while_it_is_made(service: Service) -> None:
    prepared = service.rebackbone.prepare("tiny-2")
    enroll(service, "Late", 20)
    service.rename("Person 01", "Renamed")
    service.suspend("Person 02")
    service.merge("Person 03", "Person 04")
    erased = service.person("Person 05").subject_id
    service.erase(erased)
    assert rows_of(service, erased) == 0
    prepared, moved = service.rebackbone.switch(prepared, Terms())
    assert moved is not None
    assert prepared.templates == 24
    assert named(service, 20) == "Late"
    assert named(service, 1) == "Renamed"
    assert named(service, 2) is None
    assert named(service, 3) == "Person 04"
    assert named(service, 5) is None
    service.resume("Person 02")
    assert named(service, 2) == "Person 02"
    service.unmerge("Person 03")
    assert named(service, 3) == "Person 03"
    assert sound(service)


def test_nobody_is_lost_on_the_way_back(service: Service) -> None:
    move(service, "tiny-long")
    enroll(service, "Late", 20)
    erased = service.person("Person 05").subject_id
    service.erase(erased)
    assert rows_of(service, erased) == 0
    back(service)
    assert named(service, 20) == "Late"
    assert named(service, 5) is None
    assert service._gallery.count_templates() == 24
    assert sound(service)


def rows_of(service: Service, subject_id: str) -> int:
    with service._gallery._engine.connect() as connection:
        return sum(
            connection.execute(
                sa.select(sa.func.count()).where(table.c.subject_id == subject_id)
            ).scalar_one()
            for table in (templates, shadow_templates, samples)
        )


def interrupted_after(batches: int) -> Callable[[str, float], None]:
    told = 0

    def progress(stage: str, share: float) -> None:
        nonlocal told
        told += stage == "embed"
        if told > batches:
            raise KeyboardInterrupt

    return progress


def test_it_goes_on_where_it_was(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebackbone, "_AT_ONCE", 4)
    with pytest.raises(KeyboardInterrupt):
        service.rebackbone.prepare("tiny-2", interrupted_after(3))
    shadow = service.rebackbone.status()
    assert shadow is not None
    assert (shadow.state, shadow.templates, shadow.missing) == ("building", 12, 12)
    first = shadow_ids(service)
    assert service.rebackbone.prepare("tiny-2").templates == 24
    assert first < shadow_ids(service), "what was made stays"
    assert sound(service)


def shadow_ids(service: Service) -> set[int]:
    with service._gallery._engine.connect() as connection:
        return set(connection.execute(sa.select(shadow_templates.c.template_id)).scalars())


def test_a_worse_backbone_is_refused(service: Service) -> None:
    prepared = service.rebackbone.prepare("tiny-poor")
    (reason,) = prepared.against(Terms())
    assert f"finds {prepared.agreement.after.found} of 24 photos" in reason
    assert "--accept-worse" in reason
    assert service.rebackbone.switch(prepared, Terms())[1] is None
    assert service.facts.backbone == "tiny"
    assert prepared.agreement.worse
    _, moved = service.rebackbone.switch(prepared, Terms(accept_worse=True))
    assert moved is not None
    assert service.facts.backbone == "tiny-poor"


def test_photos_without_a_face(service: Service) -> None:
    spoil(service, "Person 06")
    prepared = service.rebackbone.prepare("tiny-2")
    victim = service.person("Person 06").subject_id
    assert prepared.faceless == {victim: 3}
    (reason,) = prepared.against(Terms())
    assert "1 of the enrolled would have no template" in reason
    assert "Person 06" in reason
    assert service.rebackbone.switch(prepared, Terms())[1] is None
    _, moved = service.rebackbone.switch(prepared, Terms(allow_missing=1))
    assert moved is not None
    assert named(service, 6) is None
    assert service.person("Person 06").templates == 0
    assert sound(service)
    back(service)
    assert named(service, 6) == "Person 06", "the old templates are kept as they were"


def spoil(service: Service, who: str) -> None:
    """Their kept photos become unreadable, as an old format would be."""
    subject_id = service.person(who).subject_id
    with service._gallery.change("test") as change:
        change.sealing.touch([subject_id])
        key = change._key(subject_id)
        for sample in service._gallery.samples([subject_id]):
            change.connection.execute(
                sa.update(samples)
                .where(samples.c.sample_id == sample.sample_id)
                .values(image=key.seal(b"no picture", "image", sample.sample_id))
            )


class TolerantDetector(tiny.TinyDetector):
    """Finds a frame also where a JPEG has changed its colour a little."""

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        frame = cv2.inRange(image, (180, 0, 180), (255, 90, 255)) > 0
        return super().detect(np.where(frame[..., None], tiny.FRAME, image).astype(np.uint8))


def test_landmarks_that_are_not_kept_are_looked_for(service: Service) -> None:
    capture = Capture(TolerantDetector(), tiny.OtherBackbone())
    kept = service.samples(service.person("Person 06").subject_id)
    whole = reembed([(s.image, s.details) for s in kept], capture)
    for odd in ({}, {"landmarks": None}, {"landmarks": [[1, 2]]}, {"landmarks": [[5, 5]] * 5}):
        found = reembed([(s.image, odd) for s in kept], capture)
        for one, other in zip(whole, found, strict=True):
            assert one is not None
            assert other is not None
            assert float(one @ other) > 0.9
    blank = encode_jpeg(np.full((80, 80, 3), 120, np.uint8))
    assert reembed([(blank, {}), (b"", {}), (kept[0].image[:200], {})], capture) == [None] * 3


def test_the_wrong_weights(service: Service, settings: Settings) -> None:
    generation = service.generation()
    for name in ("tiny", "nobody-knows-it"):
        with pytest.raises(BadInput):
            service.rebackbone.prepare(name)
    with pytest.raises(BadInput, match="there is no backbone to go back to"):
        service.rebackbone.prepare_back()
    assert service.rebackbone.status() is None
    assert service.generation() == generation
    service.rebackbone.prepare("tiny-2")
    with pytest.raises(BadInput, match="there is a shadow of tiny-2"):
        service.rebackbone.prepare("tiny-long")
    assert service.rebackbone.discard()
    assert not service.rebackbone.discard()
    service.rebackbone.prepare("tiny-long")
    with open_service(settings, pipelines=TinyPipelines("tiny-long")) as bare:
        with pytest.raises(BadInput, match="weights of tiny-long are not here"):
            bare.rebackbone.prepare("tiny-long")
        assert named(bare, 1) == "Person 01"


def test_another_network_of_the_same_name(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.rebackbone.prepare("tiny-2")
    with monkeypatch.context() as patched:
        patched.setattr(tiny.OtherBackbone, "description", {"backbone": "tiny-2", "version": "2"})
        with pytest.raises(BadInput, match="another network than the one"):
            service.rebackbone.prepare("tiny-2")
    with monkeypatch.context() as patched:
        patched.setattr(tiny.OtherBackbone, "seed", 9)
        with pytest.raises(BadInput, match="gives other embeddings"):
            service.rebackbone.prepare("tiny-2")
    move(service, "tiny-2")
    with monkeypatch.context() as patched:
        patched.setattr(tiny.TinyBackbone, "description", {"backbone": "tiny", "version": "2"})
        with pytest.raises(BadInput, match="gives other embeddings"):
            service.rebackbone.prepare_back()
    assert named(service, 1) == "Person 01"


def test_the_old_weights_are_lost(enrolled: Path, settings: Settings) -> None:
    """Which may be why the gallery is to move."""
    with open_copy(enrolled, settings, None, TinyPipelines("tiny")) as service:
        prepared = service.rebackbone.prepare("tiny-2")
        assert prepared.agreement.before.seconds_per_face is None
        _, moved = service.rebackbone.switch(prepared, Terms(accept_worse=True))
        assert moved is not None
        assert named(service, 1) == "Person 01"
        with pytest.raises(BadInput, match="weights of tiny are not here"):
            service.rebackbone.prepare_back()


def test_two_at_once(service: Service, settings: Settings) -> None:
    with open_service(settings, pipelines=TinyPipelines()) as other:

        def meanwhile(stage: str, share: float) -> None:
            with pytest.raises(BadInput, match="is working at the move"):
                other.rebackbone.prepare("tiny-2")
            with pytest.raises(BadInput, match="is working at the move"):
                other.rebackbone.discard()

        prepared = service.rebackbone.prepare("tiny-2", meanwhile)
        assert other.rebackbone.discard()
        with pytest.raises(Exception, match="shadow was dropped meanwhile"):
            service.rebackbone.switch(prepared, Terms())
    assert named(service, 1) == "Person 01"


@pytest.mark.parametrize("name", OTHERS)
def test_another_process_follows(service: Service, settings: Settings, name: str) -> None:
    with open_service(settings, pipelines=TinyPipelines()) as other:
        assert named(other, 1) == "Person 01"
        held = other.identifier
        move(service, name)
        with pytest.raises(BackboneMoved, match=name):
            held.photo(photo(1, 40))
        assert named(other, 1) == "Person 01"
        assert other.backbone.name == name
        enroll(other, "New", 30)
        assert named(service, 30) == "New"
        assert other.verify(photo(1, 41), "Person 01").decision == "known"


@pytest.mark.parametrize("name", OTHERS)
def test_whoever_is_in_the_middle_of_something_writes_nothing(
    service: Service, settings: Settings, name: str
) -> None:
    """An embedding of before must not become a template of now."""
    with open_service(settings, pipelines=TinyPipelines()) as other:
        enroller = other._enroller()
        person = Enrollee("New", None, (photo(30, 0),))
        moves = iter([name])

        def meanwhile() -> None:
            for wanted in moves:
                move(service, wanted)

        with pytest.raises(BackboneMoved):
            enroller.enroll(person, "yes", allow_collision, meanwhile)
        assert service.facts.backbone == name
        assert [s.name for s in other.people("New")] == []
        with pytest.raises(BackboneMoved), other._gallery.change("test") as change:
            change.check_backbone("0" * 64)


def test_without_the_new_weights_it_says_so(service: Service, settings: Settings) -> None:
    with open_service(settings, pipelines=TinyPipelines("tiny-2")) as other:
        assert named(other, 1) == "Person 01"
        move(service, "tiny-2")
        for _ in range(2):
            with pytest.raises(Exception, match="weights of tiny-2 are not here"):
                named(other, 1)


def test_heads_retire_and_may_come_back(service: Service) -> None:
    policy = NightPolicy(mode="joint", options=FitOptions(epochs=2))
    service.nightly(policy)
    (head,) = [head for head in service.heads() if head.state == "champion"]
    moved = move(service, "tiny-2")
    assert moved.head == head.head_id
    assert all(h.state != "champion" for h in service.heads())
    with pytest.raises(BadInput, match="made with another backbone"):
        service.promote_head(head.head_id)
    with pytest.raises(BadInput, match="no earlier head"):
        service.rollback_head()
    assert service.nightly(policy, force=True).outcome == "promoted"
    assert named(service, 1) == "Person 01"
    back(service)
    service.promote_head(head.head_id)
    assert named(service, 1) == "Person 01"


def test_the_review_queue_follows(service: Service) -> None:
    waiting = [seen(service, person) for person in (50, 51)]
    assert service.review.ignore([waiting[1]]).done == 1
    moved = move(service, "tiny-2")
    assert (moved.queue, moved.queue_lost, moved.set_aside, moved.taken_up) == (1, 0, 1, 0)
    (sighting,) = service._gallery.sightings()
    (captured,) = service._capture.faces([tiny.picture((50, 40))])[0]
    assert float(sighting.vector @ captured.embedding) > 0.95
    assert service.review.negatives() == []
    moved = back(service)
    assert (moved.queue, moved.queue_lost, moved.set_aside, moved.taken_up) == (1, 0, 0, 1)
    assert len(service.review.negatives()) == 1
    assert sound(service)


def seen(service: Service, person: int) -> str:
    offers = []
    service.identify(photo(person, 40), lambda *seen: offers.append(service.queue.look_on(*seen)))
    assert offers[0].sighting_id is not None
    return offers[0].sighting_id


def test_an_erasure_reaches_what_is_set_aside(service: Service) -> None:
    """A no to a face that was Person 05's, said before the move, is a vector of theirs."""
    (answer,) = service.identify(photo(5, 60))
    (captured,) = service._capture.faces([tiny.picture((5, 60))])[0]
    offer = service.queue.doubt(answer, captured, tiny.picture((5, 60)))
    assert offer.sighting_id is not None
    with service._gallery.change("test") as change:
        (sighting,) = change.sightings()
        plain = replace(sighting, nearest=None, rival=None)
        change.add_negative(plain, None, {"same_person": 0.5, "source": "door"})
        change.drop_sightings([sighting.sighting_id])
    assert move(service, "tiny-2").set_aside == 1
    receipt = service.erase("Person 05")
    assert receipt.erased_rows["negatives"] == 1
    assert receipt.erased_rows["shadow_templates"] == 3


def test_the_way_back_ends(service: Service) -> None:
    move(service, "tiny-2")
    work = service.rebackbone
    shadow = work.status()
    assert shadow is not None
    assert shadow.state == "kept"
    assert not work.expire()
    late = Rebackbone(
        service._gallery, service._archive, TinyPipelines(), lambda: service._capture,
        service.operating_point, "", "test", lambda: datetime.now(UTC) + KEPT + timedelta(hours=1),
    )  # fmt: skip
    assert late.expire()
    assert work.status() is None
    assert sound(service)


def test_the_report_goes_with_whoever_it_names(service: Service) -> None:
    spoil(service, "Person 06")
    prepared = service.rebackbone.prepare("tiny-2")
    assert prepared.report is not None
    page = prepared.report.read_text()
    assert "Person 06" in page
    assert "<script" not in page
    assert prepared.report.with_suffix(".json").exists()
    service.erase("Person 06")
    assert not prepared.report.exists()
    assert not prepared.report.with_suffix(".json").exists()


def test_what_was_changed_outside_is_found(service: Service) -> None:
    service.rebackbone.prepare("tiny-2")
    with service._gallery._engine.begin() as connection:
        rows = connection.execute(sa.select(shadow_templates).limit(2)).all()
        connection.execute(
            sa.update(shadow_templates)
            .where(shadow_templates.c.template_id == rows[0].template_id)
            .values(vector=rows[1].vector)
        )
    assert not service._gallery.verify_audit().intact
    with pytest.raises(GalleryDamaged):
        service.rebackbone.prepare("tiny-2")


def test_the_night_is_waited_for(service: Service) -> None:
    prepared = service.rebackbone.prepare("tiny-2")

    def meanwhile(stage: str, share: float) -> None:
        with pytest.raises(BadInput, match="the night is being run"):
            service.rebackbone.switch(prepared, Terms())

    service.nightly(NightPolicy(mode="imprint"), meanwhile)
    assert service.facts.backbone == "tiny"


@pytest.mark.sqlite
def test_a_backup_brings_the_way_back_along(service: Service, settings: Settings) -> None:
    move(service, "tiny-2")
    backup = settings.home.parent / "one.rollcall"
    service.backup(backup)
    gone = service.person("Person 05").subject_id
    service.erase(gone)
    elsewhere = replace(settings, home=settings.home.parent / "restored")
    restore(elsewhere, backup, "for a test")
    with open_service(elsewhere, pipelines=TinyPipelines()) as restored:
        assert rows_of(restored, gone) == 0
        assert named(restored, 1) == "Person 01"
        back(restored)
        assert restored.facts.backbone == "tiny"
        assert named(restored, 1) == "Person 01"
        assert named(restored, 5) is None
        assert sound(restored)


def test_the_way_back_survives_another_key(enrolled: Path, settings: Settings) -> None:
    filed = replace(settings, key=None)
    databases.copy_of(enrolled, settings.home)
    with open_service(settings, pipelines=TinyPipelines()) as service:
        move(service, "tiny-2")
        make_key_file(settings.key_file(service.facts.gallery_id), bytes.fromhex(tiny.KEY))
    with open_service(filed, pipelines=TinyPipelines()) as service:
        service.keys.rotate()
    with open_service(filed, pipelines=TinyPipelines()) as service:
        back(service)
        assert named(service, 1) == "Person 01"
        assert sound(service)


def test_a_copy_of_ones_data_has_both(service: Service) -> None:
    subject_id = service.person("Person 05").subject_id
    service.rebackbone.prepare("tiny-long")
    packed = service.profiles.dossier(subject_id)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        kept = json.loads(archive.read("templates.json"))
    assert kept["backbone"] == "tiny"
    assert kept["of_another_backbone"]["backbone"] == "tiny-long"
    assert np.asarray(kept["of_another_backbone"]["vectors"]).shape == (3, 48)


def test_an_empty_gallery_moves(tmp_path: Path, settings: Settings) -> None:
    make_gallery(settings.home, {})
    with open_service(settings, pipelines=TinyPipelines()) as service:
        move(service, "tiny-long")
        enroll(service, "First", 1)
        assert named(service, 1) == "First"


def test_both_are_measured_on_the_same_searches() -> None:
    rng = np.random.default_rng(0)

    def people(spread: float) -> np.ndarray:
        means = rng.normal(size=(30, 1, 16))
        rows = (means + spread * rng.normal(size=(30, 3, 16))).reshape(-1, 16)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    owners = [f"{i:02}" for i in range(30) for _ in range(3)]
    good, bad = people(0.2), people(1.0)
    found = compare(
        Seen("good", good, 0.6, 0.9, None, 0.1), Seen("bad", bad, 0.6, 0.9, None, 0.2),
        owners, 0.01, 7,
    )  # fmt: skip
    assert found.finds_fewer
    assert found.before.probes == found.after.probes == 90
    assert found.only_before - found.only_after == found.before.found - found.after.found
    assert found.by_chance < 0.01
    assert sum(m.before - m.after for m in found.moved) == found.before.found - found.after.found
    same = compare(
        Seen("good", good, 0.6, 0.9, None, None), Seen("twin", good, 0.6, 0.9, None, None),
        owners, 0.01, 7,
    )  # fmt: skip
    assert (same.only_before, same.only_after, same.by_chance, same.moved) == (0, 0, 1.0, ())


def test_prepared_needs_nothing_but_what_it_says(service: Service) -> None:
    prepared: Prepared = service.rebackbone.prepare("tiny-2")
    assert prepared.against(Terms()) == []
    assert set(prepared.names) <= {s.subject_id for s in service.people()}
