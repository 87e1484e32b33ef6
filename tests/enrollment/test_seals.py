"""Whatever Rollcall does itself, every seal fits afterwards; and every look leaves a row."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from enrollment.audit_check import audit_document, verify_audit, what_to_do
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.looks import Looks
from enrollment.photo import photo_bytes
from enrollment.planning import NightPolicy
from enrollment.rights import Acting
from enrollment.service import Service
from store.errors import GalleryDamaged
from tests import tiny
from tests.galleries import make_gallery, open_copy

STEPS = 40
Person = Callable[..., Enrollee]


@pytest.fixture(scope="module")
def with_three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("seals") / "gallery"
    return make_gallery(home, {f"Person {n}": (n, 3) for n in (1, 2, 3)})


@pytest.fixture
def staffed(with_three: Path, settings: Settings, capture: Capture) -> Iterator[Service]:
    with open_copy(with_three, settings, capture) as service:
        yield service


class Everything:
    """Every act of a service, on somebody by chance. One that is refused is fine, too."""

    def __init__(self, service: Service, seed: int) -> None:
        self.service = service
        self.random = random.Random(seed)
        self.number = 20
        self.done: set[str] = set()

    def acts(self) -> list[str]:
        return [name for name in dir(self) if name.startswith("do_")]

    def step(self, name: str) -> None:
        try:
            getattr(self, name)()
        except BadInput:
            return
        self.done.add(name)

    def who(self, *states: str) -> str:
        wanted = states or ("active", "suspended")
        found = [s.subject_id for s in self.service.everybody() if s.state in wanted]
        if not found:
            raise BadInput("nobody is so")
        return self.random.choice(found)

    def photos(self, number: int, count: int) -> tuple:
        first = self.random.randrange(1000)
        return tuple(
            photo_bytes(f"{number}-{i}.png", tiny.png(tiny.picture((number, first + i))))
            for i in range(count)
        )

    def seen(self) -> str:
        self.number += 1
        self.service.identify(
            photo_bytes("door", tiny.png(tiny.picture((self.number, 0)))),
            self.service.queue.look_on,
        )
        groups = self.service.queue.groups()
        if not groups:
            raise BadInput("nobody waits")
        return groups[0].cluster_id

    def do_enroll(self) -> None:
        self.number += 1
        new = Enrollee(f"Person {self.number}", None, self.photos(self.number, 2))
        list(self.service.enroll([new], "yes", allow_collision))

    def do_add_photos(self) -> None:
        name = self.service.person(self.who("active")).name
        more = Enrollee(name, None, self.photos(int(name.split()[1]), 1))
        list(self.service.enroll([more], "yes", allow_collision))

    def do_rename(self) -> None:
        who = self.service.person(self.who())
        self.service.rename(who.subject_id, f"{who.name} x", same_name=True)

    def do_merge(self) -> None:
        self.service.merge(self.who("active"), self.who("active"))

    def do_unmerge(self) -> None:
        self.service.unmerge(self.who("merged"))

    def do_suspend(self) -> None:
        self.service.suspend(self.who("active"))

    def do_resume(self) -> None:
        self.service.resume(self.who("suspended"))

    def do_withdraw(self) -> None:
        self.service.privacy.withdraw(self.who())

    def do_consent_again(self) -> None:
        until = datetime.now(UTC) + timedelta(days=9)
        self.service.privacy.consent_again(self.who(), "yes again", until)

    def do_ask(self) -> None:
        self.service.privacy.add_request(self.who(), "export", "please")

    def do_answer(self) -> None:
        waiting, _ = self.service.privacy.requests()
        if not waiting:
            raise BadInput("nobody asks")
        self.service.privacy.answer(waiting[0].request_id, "refused", "no")

    def do_export(self) -> None:
        self.service.privacy.copy_of(self.who())

    def do_assign(self) -> None:
        self.number += 1
        self.service.review.assign([self.seen()], f"Person {self.number}", "yes")

    def do_ignore(self) -> None:
        self.service.review.ignore([self.seen()], self.who("active"))

    def do_discard(self) -> None:
        self.service.review.discard([self.seen()])

    def do_forget(self) -> None:
        self.service.review.forget([n.negative_id for n in self.service.review.negatives()][:1])

    def do_different(self) -> None:
        one, other = self.who("active"), self.who("active")
        with self.service._gallery.change("test") as change:
            change.tell_apart(one, other)

    def do_calibrate(self) -> None:
        self.service.calibrate(self.random.choice([0.01, 0.02, 0.05]))

    def do_key(self) -> None:
        name = f"Door {self.random.randrange(10**9)}"
        key, secret = self.service.api_keys.add(name, ["identify"], 30, 100)
        assert self.service.api_keys.holder(secret) == key
        self.service.api_keys.revoke(key.name)

    def do_night(self) -> None:
        self.service.nightly(NightPolicy(mode="imprint"), force=True)

    def do_roll_back(self) -> None:
        self.service.rollback_head()

    def do_drop_cohort(self) -> None:
        self.service.drop_cohort()

    def do_erase(self) -> None:
        if len(self.service.everybody()) < 3:
            raise BadInput("too few are left")
        self.service.erase(self.who())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_every_act_leaves_every_seal_right(staffed: Service, seed: int) -> None:
    """Fails where a way to write forgets to touch what it writes."""
    everything = Everything(staffed, seed)
    acts = everything.acts()
    order = [*acts, *everything.random.choices(acts, k=STEPS)]
    everything.random.shuffle(order)
    for step in order:
        everything.step(step)
        found = staffed.privacy.verify_audit()
        assert found.intact, (step, found.findings)
    for step in acts:
        everything.step(step)
        assert staffed.privacy.verify_audit().intact, step
    assert len(everything.done) >= len(acts) - 3, set(acts) - everything.done


def test_verify_works_where_opening_refuses(staffed: Service, settings: Settings) -> None:
    assert verify_audit(settings).intact
    with staffed._gallery._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE gallery SET max_fpir = 0.5")
    with pytest.raises(GalleryDamaged, match="rollcall audit verify"):
        staffed.calibrate(0.01)
    found = verify_audit(settings)
    assert [finding.where for finding in found.findings] == ["gallery"]
    document = audit_document(found)
    assert document["intact"] is False
    assert document["anchored_to"] == document["verified_to"] == document["rows"]
    assert "There is no backup" in str(what_to_do(found, settings.home))


@pytest.mark.sqlite
def test_the_next_step_names_the_newest_backup(staffed: Service, settings: Settings) -> None:
    kept = staffed.backup()
    assert what_to_do(verify_audit(settings), settings.home) is None
    (settings.home / "backups" / "broken.rollcall").write_bytes(b"none")
    with staffed._gallery._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE subjects SET state = 'suspended'")
    found = verify_audit(settings)
    assert len(found.findings) == 3
    assert kept.name in str(what_to_do(found, settings.home))


@pytest.mark.sqlite
def test_a_backup_of_an_altered_gallery_does_not_pass(staffed: Service) -> None:
    with staffed._gallery._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE subjects SET name = 'Mallory'")
    with pytest.raises(GalleryDamaged, match="was altered"):
        staffed.backup()


def test_an_older_state_is_accepted_with_a_reason(staffed: Service) -> None:
    with pytest.raises(BadInput, match="write down why"):
        staffed.privacy.accept_older(" ")


# -- looks ----------------------------------------------------------------------------------------


def looks(service: Service) -> list[tuple[str, str]]:
    deeds, _ = service.privacy.audit_page(["person.look", "people.look"])
    return [
        (deed.record.actor, deed.subject.name if deed.subject else str(deed.record.details))
        for deed in reversed(deeds)
    ]


def test_who_looks_at_a_person_is_written_down_once(staffed: Service) -> None:
    one, other, _ = (s.subject_id for s in staffed.everybody())
    assert looks(staffed) == []
    before = staffed.generation()
    staffed.samples(one)
    staffed.consents(one)
    staffed.profiles.photos(one)
    staffed.profiles.photos(other)
    with staffed.acting_as(Acting("api:Door")):
        staffed.consents(one)
        staffed.consents("nobody")
    assert looks(staffed) == [
        ("test", "Person 1"), ("test", "Person 2"), ("api:Door", "Person 1"),
    ]  # fmt: skip
    assert staffed.generation() == before


def test_who_lists_people_is_written_down_once(staffed: Service) -> None:
    staffed.people_page(limit=2)
    staffed.people_page(search="2")
    assert staffed.people_page(search="nobody") == ([], 0)
    assert len(staffed.people()) == 3
    assert looks(staffed) == [("test", "{'shown': 2}")]


def test_a_look_counts_for_a_quarter_of_an_hour(staffed: Service) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    moments = iter([now, now + timedelta(minutes=14), now + timedelta(minutes=15), now])
    seen = Looks(staffed._gallery, lambda: "me", lambda: next(moments))
    one = staffed.everybody()[0].subject_id
    for _ in range(3):
        seen.person(one)
    assert len(looks(staffed)) == 2
    seen.person(one)
    assert len(looks(staffed)) == 3, "a clock that was put back hides nothing"


def test_a_look_within_a_change_waits_for_nothing(staffed: Service) -> None:
    with staffed._gallery.change("test") as change:
        change.rename(staffed.people()[0].subject_id, "Anna")
    assert looks(staffed) == []
    staffed.people()
    assert len(looks(staffed)) == 1


def test_a_look_makes_nobody_due_anew(staffed: Service) -> None:
    known = staffed.privacy._everybody()
    staffed.consents(staffed.everybody()[0].subject_id)
    assert staffed.privacy._everybody() is known


def test_beside_a_key_that_is_handed_over_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As systemd's LoadCredential does; tests run as root, who may write everywhere."""
    keys, other = tmp_path / "keys", tmp_path / "other.anchor"
    keys.mkdir()
    settings = Settings(home=tmp_path, key_folder=keys)
    both = replace(settings, audit_anchor=other)
    assert both.anchor_files("a") == [keys / "a.anchor", other]
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != keys)
    assert both.anchor_files("a") == [other]
    assert settings.anchor_files("a") == [keys / "a.anchor"], "which is said to be unwritable"
