"""A backup becomes a gallery again, and nobody who was erased comes back."""

import os
import shutil
import signal
import sqlite3
import sys
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from enrollment.backups import KeptBackup
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.errors import BadInput, RollcallError
from enrollment.intake import Enrollee
from enrollment.opening import facts_of, is_gallery, write_gallery
from enrollment.restoring import restore
from enrollment.service import Service, open_service
from store import backup
from store.backup import DATABASE, unpack
from store.errors import GalleryDamaged, KeyMissing, StoreError
from store.restore import open_backup
from store.vault import Vault, key_id_of
from tests import tiny
from tests.galleries import make_gallery, open_copy

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

Person = Callable[..., Enrollee]
KEY = bytes.fromhex(tiny.KEY)


@pytest.fixture
def again(settings: Settings, tmp_path: Path) -> Settings:
    """Where it is restored to; the same key folder."""
    return replace(settings, home=tmp_path / "again")


@pytest.fixture(scope="session")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enrolled once: a copy takes a tenth of the time."""
    return make_gallery(
        tmp_path_factory.mktemp("four") / "g", {f"Person {n}": (n, 3) for n in range(4)}
    )


@pytest.fixture
def filled(four: Path, settings: Settings, capture: Capture) -> Iterator[Service]:
    with open_copy(four, settings, capture) as service:
        shutil.rmtree(settings.home / "keys")
        night(service)
        yield service


def the(settings: Settings, ending: str) -> Path:
    (found,) = settings.key_folder.glob(f"*.{ending}")
    return found


def night(service: Service) -> None:
    """A head that saw everybody, and a report: what a night leaves, without its seconds."""
    head_id = uuid.uuid4().hex
    digest = service._archive.write_head(head_id, b"rows of everybody")
    report = f"{head_id}.html"
    service._archive.write_report(report, b"<p>faces of everybody</p>")
    with service._gallery.change("test") as change:
        everybody = list(change.subjects())
        change.add_head(head_id, "retired", 1, {"file_sha256": digest}, everybody)
        mentions = sorted(service._gallery.pseudonyms(everybody).values())
        details = {"reports": [report], "mentions": mentions}
        change.put_job("nightly", head_id, "finished", change.at, details)


def erase(service: Service, name: str) -> str:
    (subject,) = service._gallery.namesakes(name)
    service.erase(subject.subject_id)
    return subject.subject_id


def answer(service: Service, number: int) -> str | None:
    photo = tiny.png(tiny.picture((number, 7)))
    from enrollment.photo import photo_bytes

    (found,) = service.identify(photo_bytes("door.png", photo))
    return found.name


def test_the_same_gallery_comes_back(
    filled: Service, again: Settings, capture: Capture, tmp_path: Path
) -> None:
    made = filled.backup(tmp_path / "one.rollcall")
    assert made.digest == filled.verify_gallery().rebuilt_digest
    heads = filled.heads()
    before = {n: answer(filled, n) for n in range(4)}
    filled.close()
    shutil.rmtree(filled._settings.home)  # the disk is lost; what is beside the key is not
    done = restore(again, made.path, "the disk broke")
    assert (done.digest, done.backup_digest) == (made.digest, made.digest)
    assert (done.people, done.templates, done.erased, done.heads_lost) == (4, 12, 0, 0)
    with open_service(again, capture=capture) as restored:
        assert restored.verify_gallery().sound, "the anchor has moved on with it"
        assert restored.heads() == heads
        assert {n: answer(restored, n) for n in range(4)} == before
        records, _ = restored._gallery.audit_page(["backup.restore"])
        assert records[0].details["reason"] == "the disk broke"
    assert sorted(path.name for path in again.home.iterdir()) == ["gallery.db", "heads", "reports"]


def test_who_was_erased_stays_erased(
    filled: Service, again: Settings, capture: Capture, tmp_path: Path
) -> None:
    made = filled.backup(tmp_path / "one.rollcall")
    gone = erase(filled, "Person 2")
    checked = filled.backups.check(made.path)
    assert checked.gone == 1
    digest = filled.verify_gallery().rebuilt_digest
    filled.close()
    shutil.rmtree(filled._settings.home)
    done = restore(again, made.path)
    assert (done.erased, done.people, done.digest) == (1, 3, digest)
    assert done.digest == done.backup_digest == checked.digest
    assert done.heads_lost > 0, "it had seen them"
    with open_service(again, capture=capture) as restored:
        assert gone not in restored._gallery.subject_ids()
        assert answer(restored, 2) is None
        assert answer(restored, 1) == "Person 1"
        records, _ = restored._gallery.audit_page(["subject.erase"])
        names = restored._gallery.pseudonyms([gone])
        assert [record.pseudonym for record in records] == [names[gone]]
        assert restored.verify_gallery().sound


def test_nothing_of_the_erased_can_be_read_in_the_backup(
    filled: Service, settings: Settings, tmp_path: Path
) -> None:
    """Not with the master key, and everything that was beside it."""
    gallery = filled._gallery
    (subject,) = gallery.namesakes("Person 2")
    with gallery._reading() as connection:
        (key,) = gallery._keys(connection, [subject.subject_id]).values()
    known = [
        *(sample.image for sample in gallery.samples([subject.subject_id])),
        *(row.tobytes() for row in gallery.vectors_of([subject.subject_id])),
        b"rows of everybody", b"faces of everybody", b"Person 2", b"person 2", key.key,
    ]  # fmt: skip
    made = filled.backup(tmp_path / "one.rollcall")
    others = made_readable(made, settings, tmp_path / "before")
    assert b"Person 2" in others, "this test looks in the right place"
    filled.erase(subject.subject_id)
    plain = made_readable(made, settings, tmp_path / "after")
    assert b"Person 1" in plain
    assert all(trace not in plain for trace in known)
    wrapped = (settings.key_folder / made.keys.name).read_bytes() if made.keys else b""
    with sqlite3.connect(tmp_path / "after" / DATABASE) as copy:
        (held,) = copy.execute(
            "SELECT wrapped FROM subject_keys WHERE subject_id = ?", (subject.subject_id,)
        ).fetchone()
    assert held == b""
    records = [wrapped[i : i + 93] for i in range(23, len(wrapped), 93)]
    assert bytes(93) in records, "its record was overwritten"
    for record in records:
        with pytest.raises(GalleryDamaged):
            Vault(KEY).unwrap(subject.subject_id, record[33:])


def made_readable(made: KeptBackup, settings: Settings, folder: Path) -> bytes:
    """Everything that master key and companion open of a backup."""
    from store.backup import open_keys

    folder.mkdir()
    header = unpack(made.path, Vault(KEY), folder)
    open_keys(folder, header, Vault(KEY), [settings.key_folder])
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_the_copy_without_its_keys_says_nothing(
    filled: Service, settings: Settings, tmp_path: Path
) -> None:
    gallery = filled._gallery
    people = gallery.subject_ids()
    with gallery._reading() as connection:
        wrapped = [row[0] for row in connection.exec_driver_sql("SELECT wrapped FROM subject_keys")]
    made = filled.backup(tmp_path / "one.rollcall")
    unpack(made.path, Vault(KEY), tmp_path / "keys")
    content = b"".join(path.read_bytes() for path in (tmp_path / "keys").iterdir()
                       if path.suffix != ".keys")  # fmt: skip
    assert people[0].encode() in content, "numbers of people are there"
    for trace in (b"Person", b"person", b"yes", *wrapped):
        assert trace not in content, trace


def test_a_copied_older_database_is_brought_up_to_date(
    filled: Service, settings: Settings, capture: Capture, tmp_path: Path
) -> None:
    """Whatever way an older state comes back: here by hand, in PostgreSQL by pg_restore."""
    filled.cut_log()
    copy = tmp_path / "copy.db"
    shutil.copy(settings.home / DATABASE, copy)
    gone = erase(filled, "Person 2")
    filled.close()
    for path in settings.home.glob("gallery.db*"):
        path.unlink()
    shutil.copy(copy, settings.home / DATABASE)
    with open_service(settings, capture=capture) as older:
        assert gone not in older._gallery.subject_ids()
        assert answer(older, 2) is None
        assert older._gallery.unfinished_erasures() == 0


def lost_in(made: KeptBackup, settings: Settings, folder: Path) -> Mapping[str, Sequence[str]]:
    """What in a backup has no key any more."""
    folder.mkdir()
    return open_backup(made.path, KEY, folder, [settings.key_folder]).lost.rows


@pytest.mark.parametrize("anchored", [True, False])
def test_restoring_an_older_backup_takes_nothing_from_a_newer_one(
    filled: Service, settings: Settings, again: Settings, tmp_path: Path, anchored: bool
) -> None:
    older = filled.backup(tmp_path / "older.rollcall")
    erase(filled, "Person 2")
    night(filled)
    newer = filled.backup(tmp_path / "newer.rollcall")
    filled.close()
    shutil.rmtree(settings.home)
    whole = lost_in(newer, settings, tmp_path / "before")
    assert not whole["heads"]
    if not anchored:
        the(settings, "anchor").unlink()
    assert restore(again, older.path).erased == 1
    assert lost_in(newer, settings, tmp_path / "after") == whole


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (lambda s, f: s.home.joinpath("x").write_text("x"), BadInput, "is not empty"),
        (lambda s, f: the(s, "erased").unlink(), BadInput, "--without"),
        (lambda s, f: the(s, "erased").write_text("x\n"), GalleryDamaged, "altered"),
        (lambda s, f: the(s, "keys").unlink(), StoreError, "put it back"),
        (lambda s, f: the(s, "keys").write_bytes(b"x"), GalleryDamaged, "damaged"),
        (lambda s, f: f.write_bytes(f.read_bytes()[:-1]), GalleryDamaged, "changed or cut off"),
        (lambda s, f: f.write_bytes(b"no"), GalleryDamaged, "is no backup"),
        (lambda s, f: f.unlink(), StoreError, "cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_restored_is_said_and_leaves_nothing(
    service: Service,
    again: Settings,
    tmp_path: Path,
    spoil: Callable[[Settings, Path], object],
    error: type[Exception],
    says: str,
) -> None:
    made = service.backup(tmp_path / "one.rollcall")
    again.home.mkdir()
    spoil(again, made.path)
    before = list(again.home.iterdir())
    with pytest.raises(error, match=says):
        restore(again, made.path)
    assert not is_gallery(again.home)
    assert list(again.home.iterdir()) == before


def test_another_key_is_said(service: Service, again: Settings, tmp_path: Path) -> None:
    made = service.backup(tmp_path / "one.rollcall")
    with pytest.raises(KeyMissing, match="under another key"):
        restore(replace(again, key="77" * 32), made.path)
    assert not again.home.exists() or not list(again.home.iterdir())


def test_without_the_list_the_companion_still_forgets(
    filled: Service, again: Settings, tmp_path: Path
) -> None:
    made = filled.backup(tmp_path / "one.rollcall")
    erase(filled, "Person 2")
    (listed,) = again.key_folder.glob("*.erased")
    listed.unlink()
    done = restore(again, made.path, without_list=True)
    assert (done.erased, done.list_known) == (1, False)


def test_with_an_older_companion_the_list_still_remembers(
    filled: Service, again: Settings, capture: Capture, tmp_path: Path
) -> None:
    """Somebody put yesterday's copy of the key folder's file back."""
    made = filled.backup(tmp_path / "one.rollcall")
    assert made.keys is not None
    copy = made.keys.read_bytes()
    gone = erase(filled, "Person 2")
    made.keys.write_bytes(copy)
    done = restore(again, made.path)
    assert (done.erased, done.people) == (1, 3)
    with open_service(again, capture=capture) as restored:
        assert gone not in restored._gallery.subject_ids()
    assert filled.backups.check(made.path).gone == 1, "and is out of the companion again"


def test_an_erasure_that_was_cut_short_reaches_the_backups(
    filled: Service, settings: Settings, capture: Capture, tmp_path: Path
) -> None:
    """Killed after its transaction: the next start ends it."""
    made = filled.backup(tmp_path / "one.rollcall")
    gallery = filled._gallery
    (subject,) = gallery.namesakes("Person 2")
    with gallery.change("test") as change:
        change.erase([subject.subject_id])
    assert filled.backups.check(made.path).gone == 0
    filled.close()
    with open_service(settings, capture=capture) as opened:
        assert opened._gallery.unfinished_erasures() == 0
        assert opened.backups.check(made.path).gone == 1
        (listed,) = settings.key_folder.glob("*.erased")
        assert len(listed.read_text().splitlines()) == 2


def test_an_erasure_is_not_confirmed_where_backups_would_undo_it(
    filled: Service, tmp_path: Path
) -> None:
    made = filled.backup(tmp_path / "one.rollcall")
    assert made.keys is not None
    made.keys.write_bytes(b"broken")
    (subject,) = filled._gallery.namesakes("Person 2")
    with pytest.raises(RollcallError, match="finished at the next start"):
        filled.erase(subject.subject_id)
    assert filled._gallery.unfinished_erasures() == 1
    made.keys.unlink()
    assert filled._gallery.finish_erasures()


def test_an_erasure_while_the_backup_is_made_reaches_it(filled: Service, tmp_path: Path) -> None:
    (subject,) = filled._gallery.namesakes("Person 2")

    def during(stage: str, share: float) -> None:
        if stage == "copy" and share == 1 and filled._gallery.count() == 4:
            filled.erase(subject.subject_id)

    made = filled.backup(tmp_path / "one.rollcall", during)
    assert filled._gallery.count() == 3
    assert made.gone == 1, "it is in the copy, and its key is not in the companion"


def test_a_backup_of_before_a_rotation(
    settings: Settings, capture: Capture, person: Person, tmp_path: Path
) -> None:
    """Its key lies beside the new one; what is restored is under the new one."""
    settings = replace(settings, key=None)
    write_gallery(settings, facts_of(capture, "for tests", "required"))
    with open_service(settings, capture=capture) as service:
        list(service.enroll([person(n, range(1)) for n in range(3)], "yes"))
        night(service)
        made = service.backup(tmp_path / "one.rollcall")
        erase(service, "Person 1")
        service.keys.rotate()
    with open_service(settings, capture=capture) as service:
        erase(service, "Person 2")
        key_id = service.keys.key_id
    again = replace(settings, home=tmp_path / "again")
    done = restore(again, made.path)
    assert (done.erased, done.people, done.key_id) == (2, 1, key_id)
    with open_service(again, capture=capture) as restored:
        assert restored.verify_gallery().sound
        assert answer(restored, 0) == "Person 0"
        assert restored.verify_gallery().sound


def test_merged_before_and_taken_apart_since(
    filled: Service, again: Settings, tmp_path: Path
) -> None:
    gallery = filled._gallery
    one, other = (gallery.namesakes(f"Person {n}")[0].subject_id for n in (0, 1))
    with gallery.change("test") as change:
        change.merge(other, one)
    made = filled.backup(tmp_path / "one.rollcall")
    with gallery.change("test") as change:
        change.set_state(other, "active")
    filled.erase(one)
    done = restore(again, made.path)
    assert (done.erased, done.people) == (1, 3)


def test_a_backup_of_a_version_before(
    filled: Service, again: Settings, capture: Capture, tmp_path: Path
) -> None:
    """With the keys inside: it is restored, and the list of the erased is replayed."""
    path, vault, now = tmp_path / "old.rollcall", Vault(KEY), filled._gallery._now()
    filled.cut_log()
    copy = shutil.copy(filled._settings.home / DATABASE, tmp_path / DATABASE)
    about = (filled.facts.gallery_id, "", filled._gallery.generation())
    files = [backup._file(DATABASE, copy)]
    backup._write(path, files, vault, about, now, lambda: None, lambda share: None)
    path.write_bytes(path.read_bytes().replace(b"backup 2", b"backup 1", 1))
    gone = erase(filled, "Person 2")
    assert filled.backups.check(path).keys is None
    done = restore(again, path)
    assert (done.erased, done.people) == (1, 3)
    with open_service(again, capture=capture) as restored:
        assert gone not in restored._gallery.subject_ids()


# -- kill -9 ------------------------------------------------------------------------------------


def killed_at(step: int, act: Callable[[], object], of: Collection[str]) -> bool:
    """Run it in a child that kills itself at its n-th call of a function in these files; False
    where it came to its end before."""
    child = os.fork()
    if child == 0:
        left = [step]

        def count(frame: object, event: str, _argument: object) -> None:
            code = frame.f_code  # type: ignore[attr-defined]
            if event in ("call", "return") and code.co_filename.endswith(tuple(of)):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.setprofile(count)
            act()
            os._exit(0)
        except BaseException:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it failed in another way"
    return os.WIFSIGNALED(status)


RESTORING = ("enrollment/restoring.py", "store/restore.py", "store/anchor.py")
ROTATING = ("enrollment/keys.py", "store/rotation.py", "store/key.py", "store/archive.py")


def check_killed_restores(
    service: Service, again: Settings, capture: Capture, tmp_path: Path, every: int
) -> int:
    made = service.backup(tmp_path / "one.rollcall")
    gone = erase(service, "Person 2")
    service.close()
    killed = 0
    for step in range(0, 10_000, every):
        if not killed_at(step, lambda: restore(again, made.path), RESTORING):
            break
        killed += 1
        if is_gallery(again.home):
            # As far as the database's move: whole, and nobody has come back.
            with open_service(again, capture=capture) as restored:
                assert gone not in restored._gallery.subject_ids()
                assert restored.verify_gallery().sound
            shutil.rmtree(again.home)
            continue
        done = restore(again, made.path)
        assert (done.erased, done.people) == (1, 3)
        assert not list(again.home.glob(".restore-*"))
        shutil.rmtree(again.home)
    assert killed > 3
    sys.stderr.write(f"killed {killed} times\n")
    return killed


def test_a_killed_restore_leaves_nothing_that_opens(
    filled: Service, again: Settings, capture: Capture, tmp_path: Path
) -> None:
    check_killed_restores(filled, again, capture, tmp_path, every=17)


@pytest.mark.slow
def test_a_restore_killed_at_many_steps(
    filled: Service, again: Settings, capture: Capture, tmp_path: Path
) -> None:
    check_killed_restores(filled, again, capture, tmp_path, every=5)


def check_killed_rotations(settings: Settings, capture: Capture, person: Person, every: int) -> int:
    settings = replace(settings, key=None)
    write_gallery(settings, facts_of(capture, "for tests", "required"))
    with open_service(settings, capture=capture) as service:
        list(service.enroll([person(n, range(1)) for n in range(2)], "yes"))
        night(service)
        digest = service.verify_gallery().rebuilt_digest

    def rotate() -> None:
        with open_service(settings, capture=capture) as service:
            service.keys.rotate()

    killed, ids = 0, set()
    for step in range(0, 10_000, every):
        if not killed_at(step, rotate, ROTATING):
            break
        killed += 1
        with open_service(settings, capture=capture) as service:
            ids.add(service.keys.key_id)
            found = service.verify_gallery()
            assert found.sound, found.audit.findings
            assert found.rebuilt_digest == digest
            for head_id, head_digest in service._gallery.head_files().items():
                assert service._archive.read_head(head_id, head_digest) == b"rows of everybody"
            assert answer(service, 1) == "Person 1"
    assert killed > 3
    sys.stderr.write(f"killed {killed} times\n")
    assert len(ids) > 1, "some were killed before the transaction, some after it"
    return killed


@pytest.mark.slow
def test_a_rotation_killed_at_many_steps(
    settings: Settings, capture: Capture, person: Person
) -> None:
    check_killed_rotations(settings, capture, person, every=25)


def test_opening_needs_the_key_of_today(service: Service, settings: Settings) -> None:
    service.keys.rotate("11" * 32)
    service.close()
    with pytest.raises(KeyMissing, match="not the one the gallery is under"):
        open_service(settings)
    with open_service(replace(settings, key="11" * 32)) as opened:
        assert opened.keys.key_id == key_id_of(bytes.fromhex("11" * 32))
