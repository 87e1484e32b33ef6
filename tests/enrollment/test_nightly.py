"""The night, on a real database with tiny models."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.night_lease import JOB, claim
from enrollment.night_report import NightReport, face_of, with_faces
from enrollment.nightly import Nightly
from enrollment.planning import NightPolicy
from enrollment.report_photos import disagreements, photos_in
from enrollment.service import Service, open_service
from models.head_trainer import FitOptions, HeadTrainer
from store.archive import open_archive
from store.records import NewSample
from tests import tiny

pytestmark = pytest.mark.slow

IMPRINT = NightPolicy(mode="imprint")
NIGHT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
QUICK = NightPolicy(mode="joint", options=FitOptions(epochs=2))


class Nights:
    """Runs nights at times of our own."""

    def __init__(self, service: Service, trainer: HeadTrainer) -> None:
        self.service = service
        self.trainer = trainer
        self.gallery = service._gallery
        self.archive = service._archive
        self.at = NIGHT

    def run(self, policy: NightPolicy = IMPRINT, progress=lambda stage, share: None, **options):
        report = NightReport(self.gallery, self.archive, "here")
        nightly = Nightly(
            self.gallery,
            self.archive,
            lambda: 0.6,
            report.write,
            "test",
            self.trainer,
            now=lambda: self.at,
        )
        return nightly.run(policy, progress, **options)

    def next_day(self) -> None:
        self.at += timedelta(days=1)


@pytest.fixture(scope="module")
def trainer() -> HeadTrainer:
    return HeadTrainer(tiny.TinyBackbone.dimension)


@pytest.fixture
def nights(service: Service, trainer: HeadTrainer) -> Nights:
    return Nights(service, trainer)


@pytest.fixture
def enroll(service: Service, person: Callable[..., Enrollee]) -> Callable[..., None]:
    def add(numbers: range, photos: range = range(3)) -> None:
        people = [person(i, photos) for i in numbers]
        list(service.enroll(people, "yes", allow_collision))

    return add


def test_nobody_is_enrolled(nights: Nights) -> None:
    result = nights.run()
    assert (result.outcome, result.report) == ("skipped", None)
    assert "nobody is enrolled" in result.reason
    assert nights.gallery.jobs(JOB) == []


def test_the_first_night_and_the_second(nights: Nights, enroll, service: Service) -> None:
    enroll(range(12))
    first = nights.run()
    assert (first.outcome, first.mode, first.day) == ("promoted", "imprint", "2026-11-21")
    assert first.report is not None
    page = first.report.read_text("utf-8")
    assert "Person 3" in page or "12" in page
    assert first.report.stat().st_mode & 0o077 == 0
    document = json.loads(first.report.with_suffix(".json").read_text("utf-8"))
    assert document["people"]["total"] == 12
    assert document["states"][0]["accuracy"] == 1.0
    (head,) = service.heads()
    assert head.state == "champion"

    again = nights.run()
    assert (again.outcome, again.run_id) == ("skipped", first.run_id)
    assert "has been run already" in again.reason
    assert again.report == first.report
    nights.next_day()
    unchanged = nights.run()
    assert unchanged.outcome == "skipped"
    assert "nobody came" in unchanged.reason
    assert len(service.heads()) == 1

    enroll(range(12, 15))
    second = nights.run()
    assert second.outcome == "promoted"
    compared = second.metrics["comparison"]
    assert (compared["probes"], compared["negative_flips"]) == (36, 0)
    assert compared["new_probes"] == 9
    assert [h.state for h in service.heads()] == ["retired", "champion"]
    report = json.loads(second.report.with_suffix(".json").read_text("utf-8"))
    assert report["cohorts"]["nights"] == ["2026-11-21", "2026-11-22"]
    assert {p["name"] for p in report["people"]["new"]} == {"Person 12", "Person 13", "Person 14"}
    counts = service.profiles.nights(service.person("Person 3").subject_id)
    assert [(n.day.date().isoformat(), n.found, n.tried) for n in counts] == [
        ("2026-11-21", 3, 3), ("2026-11-22", 3, 3),
    ]  # fmt: skip
    assert len(service.profiles.nights(service.person("Person 13").subject_id)) == 1


def test_a_day_has_one_night_unless_forced(nights: Nights, enroll) -> None:
    enroll(range(4))
    first = nights.run()
    enroll(range(4, 6))
    assert nights.run().outcome == "skipped"
    forced = nights.run(force=True)
    assert forced.outcome == "promoted"
    assert forced.run_id != first.run_id
    (job,) = nights.gallery.jobs(JOB)
    assert job.details["run_id"] == forced.run_id


def test_a_clock_that_jumps_back(nights: Nights, enroll) -> None:
    enroll(range(4))
    nights.run()
    enroll(range(4, 6))
    nights.at -= timedelta(days=1)
    result = nights.run()
    assert result.outcome == "skipped"
    assert "set the clock right" in result.reason


def test_one_person_with_one_photo(nights: Nights, enroll) -> None:
    enroll(range(1), range(1))
    result = nights.run(NightPolicy())
    assert (result.outcome, result.mode) == ("promoted", "imprint")
    document = json.loads(result.report.with_suffix(".json").read_text("utf-8"))
    assert document["needs_photos"] == [{"name": "Person 0", "why": "1 of at least 3 photos"}]


def test_one_photo_each(nights: Nights, enroll) -> None:
    enroll(range(5), range(1))
    result = nights.run(QUICK)
    assert result.outcome == "promoted"
    assert result.mode == "imprint", "nothing shows that the trained head is better"


def test_a_trained_head_must_be_better(nights: Nights, enroll, service: Service) -> None:
    enroll(range(8))
    result = nights.run(QUICK)
    assert (result.outcome, result.mode) == ("promoted", "imprint")
    assert "no better than the plain means" in result.reason
    states = {str(h.manifest["mode"]): h.state for h in service.heads()}
    assert states == {"joint": "refused", "imprint": "champion"}
    assert "Person" not in json.dumps([dict(h.manifest) for h in service.heads()])


def test_a_person_may_promote_and_roll_back(nights: Nights, enroll, service: Service) -> None:
    enroll(range(8))
    nights.run(QUICK)
    probe = np.eye(32, dtype=np.float32)[:1]
    means = service._roster.rank(probe)[0]
    trained = service.promote_head("2026-11-21-joint")
    assert trained.state == "champion"
    moved = service._roster.rank(probe)[0]
    assert moved.scores != means.scores, "the trained rows serve"
    assert "trainings without a fifth" in service.operating_point().explanation
    with open_service(service._settings, capture=service._capture) as other:
        assert other._roster.rank(probe)[0] == moved, "every process serves the same"
    assert service.rollback_head().manifest["mode"] == "imprint"
    assert service._roster.rank(probe)[0] == means
    with pytest.raises(BadInput, match="no earlier head"):
        service.rollback_head()
    with pytest.raises(BadInput, match="no head"):
        service.promote_head("nothing")


def test_a_trained_row_serves_only_the_photos_it_learnt(nights, enroll, service, person) -> None:
    enroll(range(6))
    nights.run(QUICK)
    service.promote_head("2026-11-21-joint")
    arrays = service._champion.trained()
    service._roster.refresh()
    row = dict(zip(service._roster._head.subject_ids, service._roster._head.rows, strict=True))
    for i, subject_id in enumerate(arrays.subject_ids):
        assert np.array_equal(row[subject_id], arrays.rows[i])
    list(service.enroll([person(0, range(3, 5))], "yes", allow_collision))
    service._roster.refresh()
    after = dict(zip(service._roster._head.subject_ids, service._roster._head.rows, strict=True))
    changed = [s for s in arrays.subject_ids if not np.array_equal(after[s], row[s])]
    assert [service._roster.subject(s).name for s in changed] == ["Person 0"]


def test_a_damaged_head_file_is_passed_over(nights: Nights, enroll, service: Service) -> None:
    enroll(range(6))
    nights.run(QUICK)
    service.promote_head("2026-11-21-joint")
    (path,) = (service._settings.home / "heads").glob("*.sealed")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with open_service(service._settings, capture=service._capture) as other:
        assert other._champion.trained() is None
        assert "not the one that was written" in other._champion.problem
        assert other.people()
        assert any("head" in problem for problem in other.diagnose().problems)
    with pytest.raises(Exception, match="not the one that was written"):
        nights.service.rollback_head() and nights.service.promote_head("2026-11-21-joint")
    nights.next_day()
    enroll(range(6, 8))
    assert nights.run().outcome == "promoted", "the next night makes a head that is whole"


def test_a_refusal_is_in_plain_words(nights: Nights, enroll) -> None:
    """Strangers' photos under a colleague's name: she is not found any more, and it says so."""
    enroll(range(6))
    nights.run()
    nights.next_day()
    service = nights.service
    victim = service.person("Person 2").subject_id
    vectors = nights.gallery.templates()
    mine = vectors.vectors[[i for i, s in enumerate(vectors.subject_ids) if s == victim]]
    photo, *_ = nights.gallery.samples([victim])
    # A newcomer who is the colleague to the last number: what one sees the other answers.
    with nights.gallery.change("test") as change:
        newcomer = change.add_subject("Impostor", None)
        consent = change.add_consent(newcomer, "consent", "yes")
        copies = [
            NewSample(os.urandom(32), photo.image, dict(photo.details), v.astype(np.float32))
            for v in mine
            for _ in "ab"
        ]
        change.add_samples(newcomer, consent, copies)
    result = nights.run()
    assert result.outcome == "refused"
    assert "Person 2 3/3 -> " in result.reason
    kept = nights.gallery.jobs(JOB)[-1].details
    assert "Person" not in json.dumps(kept), "what is kept names nobody"
    assert [h.state for h in service.heads()] == ["champion"]
    assert service.heads()[0].head_id.startswith("2026-11-21"), "the old one serves on"
    document = json.loads(result.report.with_suffix(".json").read_text("utf-8"))
    assert document["disagreements"][0]["truth"] == "Person 2"
    files = [path.read_text("utf-8") for path in result.report.parent.iterdir()]
    assert not any("/9j/" in text for text in files), "no face lies in the open"
    (night,) = service.nights()[-1:]
    page = service.night_page(night)
    count = len(document["disagreements"])
    looks, _ = service.privacy.audit_page(["people.look"])
    assert looks, "and it is written down that they looked"
    assert page.count("data:image/jpeg;base64,/9j/") == count > 0, "whoever looks sees them"
    service.erase("Impostor")
    (night,) = service.nights()[-1:]
    assert service.night_page(night) is None


def test_a_photo_of_another_person_does_not_take_the_place_of_one_that_is_gone(
    nights: Nights, enroll, service: Service
) -> None:
    enroll(range(1))
    (template_id, *_) = nights.gallery.templates().ids
    sample = nights.gallery.samples_of([template_id])[template_id]
    page = str(disagreements({"disagreements": [{"truth": "A", "photo": f"{template_id} 0-0"}]}))
    assert photos_in(page) == [f"{template_id} 0-0"]
    without, shown = with_faces(page, nights.gallery)
    assert "no picture kept" in without
    assert "<img" not in without
    assert not shown
    page, shown = with_faces(page.replace("0-0", sample.sample_id), nights.gallery)
    assert f'<img src="data:image/jpeg;base64,{face_of(sample)}" alt="Photo of A">' in page
    assert shown == {sample.subject_id}


def test_gone_means_gone(nights: Nights, enroll, service: Service) -> None:
    enroll(range(6))
    first = nights.run(QUICK)
    assert first.report.exists()
    trained = service.promote_head("2026-11-21-joint")
    receipt = service.erase("Person 3")
    assert receipt.erased_rows["heads"] == 1
    assert receipt.erased_rows["events"] == 1, "what the night counted of this person"
    assert service.profiles.nights(receipt.subject_id) == []
    assert receipt.reports_deleted == 1
    assert not first.report.exists()
    assert list((service._settings.home / "heads").iterdir()) == []
    assert trained.head_id not in {h.head_id for h in service.heads()}
    live = b"".join(p.read_bytes() for p in service._settings.home.rglob("*") if p.is_file())
    assert receipt.subject_id.encode() not in live
    assert b"Person 3" not in live
    nights.next_day()
    second = nights.run(QUICK)
    assert second.outcome == "promoted"
    names = json.dumps(nights.gallery.jobs(JOB)[-1].details)
    assert receipt.subject_id not in names


def test_what_no_row_names_goes_with_whoever_is_erased(
    nights: Nights, enroll, service: Service
) -> None:
    """A night that was run twice, and one that was broken off, leave files that nothing names."""
    enroll(range(4))
    first = nights.run()
    assert nights.run(force=True).report != first.report
    assert first.report.exists(), "nothing names it any more"
    home, archive = service._settings.home, service._archive
    archive.write_head("broken-off", b"rows of Person 3")
    archive.write_report("broken-off.html", b"Person 3")
    (home / "reports" / ".half.html.xyz.new").write_bytes(b"Person 3")
    service.erase("Person 3")
    left = {path.name for folder in ("heads", "reports") for path in (home / folder).iterdir()}
    heads, reports = service._gallery.named_files()
    assert left == {f"{head}.sealed" for head in heads} | set(reports)
    assert not any(b"Person 3" in p.read_bytes() for p in home.rglob("*") if p.is_file())


def test_a_night_whose_files_an_erasure_took_looks_again(
    nights: Nights, enroll, service: Service, monkeypatch
) -> None:
    enroll(range(4))
    service.suspend("Person 3")
    written: list[Path] = []
    write = NightReport.write

    def erased_after(self, night):
        names = write(self, night)
        written.append(service._settings.home / "reports" / names[0][0])
        if len(written) == 1:
            service.erase("Person 3")  # who is in no head of this night
            assert not written[0].exists()
        return names

    monkeypatch.setattr(NightReport, "write", erased_after)
    result = nights.run()
    assert (result.outcome, len(written)) == ("promoted", 2)
    assert result.report.exists()


def test_erased_while_the_night_ran(nights: Nights, enroll, service: Service) -> None:
    """No head that knows the erased is published: the night looks again."""
    enroll(range(6))
    erased = []

    def progress(stage: str, share: float) -> None:
        if stage == "search with means" and share == 1.0 and not erased:
            erased.append(service.erase("Person 3"))

    result = nights.run(QUICK, progress)
    assert result.outcome == "promoted"
    assert result.metrics["subjects"] == 5
    for head in service.heads():
        assert head.manifest["subjects"] == 5


def test_interrupted_leaves_nothing(nights: Nights, enroll, service: Service) -> None:
    enroll(range(6))

    def stop(stage: str, share: float) -> None:
        if stage == "train and search" and share > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nights.run(QUICK, stop)
    assert service.heads() == []
    assert nights.gallery.jobs(JOB) == []
    assert nights.run(QUICK).outcome == "promoted"


def test_a_forced_night_that_is_broken_off_leaves_the_one_of_the_day(
    nights: Nights, enroll, service: Service
) -> None:
    enroll(range(2))
    first = nights.run()
    (before,) = nights.gallery.jobs(JOB)
    assert first.report is not None
    os.utime(first.report, (0, 0))

    def stop(stage: str, share: float) -> None:
        (running,) = nights.gallery.jobs(JOB)
        assert (running.state, running.details["mentions"]) == (
            "running",
            before.details["mentions"],
        )
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            nights.run(QUICK, stop, force=True)
        (after,) = nights.gallery.jobs(JOB)
        assert (after.state, after.started_at, after.finished_at) == (
            "finished",
            before.started_at,
            before.finished_at,
        )
        assert {**after.details, "beat": 0} == {**before.details, "beat": 0}
        assert first.report.exists()
    nights.run(force=True)
    (job,) = nights.gallery.jobs(JOB)
    assert "replaces" not in job.details


def test_one_at_a_time(nights: Nights, enroll) -> None:
    enroll(range(3))
    lease, _ = claim(nights.gallery, "other", lambda: nights.at)
    result = nights.run()
    assert result.outcome == "skipped"
    assert f"process {os.getpid()}" in result.reason
    nights.at += timedelta(minutes=3)
    assert nights.run().outcome == "promoted", "nothing was heard of the other for two minutes"
    with pytest.raises(Exception, match="taken over"):
        lease.beat()


def test_a_dead_process_is_taken_over_at_once(nights: Nights, enroll) -> None:
    enroll(range(3))
    lease, _ = claim(nights.gallery, "other", lambda: nights.at)
    with nights.gallery.change("test", raises_generation=False) as change:
        change.put_job(JOB, lease.day, "running", nights.at, lease.details() | {"pid": 2**22 + 1})
    assert nights.run().outcome == "promoted"


def test_a_head_is_measured_against_the_one_that_serves_when_it_goes_live(
    nights: Nights, enroll, service: Service
) -> None:
    """Somebody lets an older head serve while a night runs: it looks again."""
    enroll(range(4))
    first = nights.run()
    assert first.outcome == "promoted"
    nights.next_day()
    enroll(range(4, 6))
    assert nights.run().outcome == "promoted"
    nights.next_day()
    enroll(range(6, 7))
    older, newer = (head.head_id for head in service.heads())
    planned: list[str] = []

    def progress(stage: str, share: float) -> None:
        if stage == "search with means" and share == 0.0:
            planned.append(service._gallery.champion().head_id)
            if len(planned) == 1:
                service.promote_head(older)

    result = nights.run(progress=progress)
    assert planned == [newer, older], "looked at again, against the head that serves now"
    assert result.outcome == "promoted"
    assert len(service.heads()) == 3

    def for_ever(stage: str, share: float) -> None:
        if stage == "search with means" and share == 0.0:
            serving = service._gallery.champion().head_id
            service.promote_head(older if serving != older else newer)

    nights.next_day()
    enroll(range(7, 8))
    result = nights.run(progress=for_ever)
    assert (result.outcome, len(service.heads())) == ("skipped", 3)
    assert "another head was let serve" in result.reason
    assert nights.run().outcome == "promoted", "the day can still have its night"


def test_files_of_killed_runs_are_swept(nights: Nights, enroll, service: Service) -> None:
    enroll(range(3))
    archive = open_archive(service._settings.home, service._gallery.vault)
    archive.write_head("left-behind", b"x")
    path = service._settings.home / "heads" / "left-behind.sealed"
    nights.run()
    assert path.exists(), "it may be about to be named"
    os.utime(path, (0, 0))
    nights.next_day()
    enroll(range(3, 5))
    nights.run()
    assert not path.exists()


@pytest.mark.slow
def test_every_mode_runs(nights: Nights, enroll) -> None:
    enroll(range(5))
    for mode in ("joint", "local", "rehearsal", "pseudo", "imprint"):
        result = nights.run(replace(QUICK, mode=mode), force=True)
        assert result.outcome == "promoted"
        assert result.metrics["trained"] == (None if mode == "imprint" else mode)


@pytest.mark.slow
def test_a_newcomer_does_not_wait_for_the_threshold(enroll, service: Service) -> None:
    """2 % more people move the rate of strangers by 2 % of itself; more than that is measured."""
    enroll(range(60))
    point = service.operating_point()
    with service._gallery.change("test") as change:
        _add(change, service, seed=1)
    assert service.operating_point() is point
    with service._gallery.change("test") as change:
        _add(change, service, seed=2)
    assert service.operating_point().generation == service._gallery.generation()


def _add(change, service: Service, seed: int) -> None:
    vector = np.random.default_rng(seed).normal(size=32)
    vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    subject_id = change.add_subject(f"Newcomer {seed}", None)
    consent = change.add_consent(subject_id, "consent", "yes")
    change.add_samples(subject_id, consent, [NewSample(os.urandom(32), b"x", {}, vector)])
