"""A new master key: everything opens with it, and nothing with the old one."""

import ast
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from store.archive import Archive, open_archive
from store.database import open_engine
from store.errors import GalleryDamaged, KeyMissing
from store.gallery import Gallery, create_gallery, open_gallery
from store.records import User
from store.rotation import FACES
from store.schema import gallery as gallery_table
from store.schema import subject_keys, subjects
from store.vault import Vault, key_id_of
from tests.store.places import (
    KEY,
    enroll,
    facts,
    in_folder,
    postgresql,
    queue,
    sighting,
    vector,
)

NEW = bytes(reversed(range(32)))
THIRD = b"3" * 32
STORE = Path(__file__).parents[2] / "store"


def scene(url: str, folder: Path) -> tuple[Gallery, Archive]:
    """A gallery with one of everything that a key protects."""
    create_gallery(url, KEY, facts(), 0.01)
    gallery = open_gallery(url, KEY, [folder / "keys" / "g.anchor"])
    anna = enroll(gallery, "Anna", seed=1)
    bert = enroll(gallery, "Bert", seed=5)
    queue(gallery, sighting(20, nearest=anna), sighting(21))
    archive = open_archive(folder, gallery.vault)
    digest = archive.write_head("h", b"rows")
    now = gallery._now()
    with gallery.change("test") as change:
        change.add_negative(gallery.sightings()[1], bert, {"by": "test"})
        change.put_cohort(np.stack([vector(30), vector(31)]), {"kind": "vectors"})
        change.add_head("h", "champion", 1, {"file_sha256": digest}, [anna])
        change.add_webhook("hook", "https://example.com", ["subject.add"], "hush")
        change.add_api_key("door", ["read"], 1, 5, "secret")
        change.add_user(User("u", "eve", frozenset({"admin"}), now, now, totp="JBSW"))
    with gallery.change("test") as change:
        change.erase([enroll_inside(change)])
    assert gallery.finish_erasures()
    return gallery, archive


def enroll_inside(change) -> str:
    return change.add_subject("Gone", None)


def contents(gallery: Gallery, archive: Archive) -> list[object]:
    """Everything that has to be decrypted."""
    people = gallery.subject_ids()
    head = gallery.champion()
    assert head is not None
    cohort = gallery.cohort()
    assert cohort is not None
    return [
        sorted(people),
        gallery.templates().vectors.tolist(),
        sorted((s.sample_id, s.image) for s in gallery.samples(people)),
        [(s.sighting_id, s.vector.tolist()) for s in gallery.sightings()],
        [(n.negative_id, n.vector.tolist()) for n in gallery.negative_list()],
        cohort.vectors.tolist(),
        [hook.secret for hook in gallery.webhooks()],
        [user.totp for user in gallery.users()],
        gallery.api_key_of("secret"),
        archive.read_head("h", str(head.manifest["file_sha256"])),
        gallery.pseudonyms(people),
        gallery.verify().rebuilt_digest,
    ]


def check_rotation(url: str, folder: Path) -> None:
    gallery, archive = scene(url, folder)
    before = contents(gallery, archive)
    rows = gallery.verify_audit().rows
    done = gallery.rotate(archive, NEW, "test")
    assert (done.subjects, done.vault.key_id) == (2, key_id_of(NEW))
    gallery.close()
    with pytest.raises(KeyMissing, match="not the one the gallery is under"):
        open_gallery(url, KEY)
    after = open_gallery(url, NEW, [folder / "keys" / "g.anchor"])
    files = open_archive(folder, after.vault)
    assert contents(after, files) == before
    found = after.verify_audit()
    assert found.intact, found.findings
    assert found.rows == found.anchored_to == rows + 1
    enroll(after, "Later", seed=50)
    # And once more: three keys of the audit trail, one after the other.
    after.rotate(files, THIRD, "test")
    after.close()
    last = open_gallery(url, THIRD, [folder / "keys" / "g.anchor"])
    assert last.verify().sound
    assert len(last.subject_ids()) == 3
    last.close()


def test_everything_opens_with_the_new_key_alone(tmp_path: Path) -> None:
    check_rotation(in_folder(tmp_path), tmp_path)


@pytest.mark.slow
def test_in_postgresql(tmp_path: Path) -> None:
    with postgresql() as url:
        check_rotation(url, tmp_path)


def test_the_old_key_opens_nothing_of_the_new_state(tmp_path: Path) -> None:
    url = in_folder(tmp_path)
    gallery, archive = scene(url, tmp_path)
    old = Vault(KEY)
    ((wrapped, subject_id),) = _rows(url, subject_keys.c.wrapped, subject_keys.c.subject_id)[:1]
    old.unwrap(subject_id, wrapped)
    gallery.rotate(archive, NEW, "test")
    for now, subject_id in _rows(url, subject_keys.c.wrapped, subject_keys.c.subject_id):
        with pytest.raises(GalleryDamaged):
            old.unwrap(subject_id, now)
    for table, words, of_a_pipeline in FACES:
        (key,) = table.primary_key.columns
        for row in _rows(url, table):
            bound = (row._mapping[key], row.fingerprint) if of_a_pipeline else (row._mapping[key],)
            for column, word in words.items():
                with pytest.raises(GalleryDamaged):
                    old.open_face(row._mapping[table.c[column]], word, *bound)
    with pytest.raises(GalleryDamaged):
        old.open_head("h", archive.head("h").read_bytes())
    # Nor can it sign as the gallery does, or open the keys below.
    ((sealed,),) = _rows(url, gallery_table.c.inner_keys)
    with pytest.raises(GalleryDamaged):
        Vault(KEY, sealed)
    assert gallery.cut_log()
    live = b"".join(path.read_bytes() for path in tmp_path.glob("gallery.db*"))
    assert wrapped not in live, "what the old key opens is out of the files"


def test_who_has_the_gallery_open_is_told_to_start_again(tmp_path: Path) -> None:
    url = in_folder(tmp_path)
    gallery, archive = scene(url, tmp_path)
    other = open_gallery(url, KEY)
    gallery.rotate(archive, NEW, "test")
    for use in (
        lambda: enroll(other, "Late"),
        lambda: other.search(vector(1)[None], 1),
        other.users,
        lambda: other.rotate(archive, THIRD, "test"),
    ):
        with pytest.raises(KeyMissing, match="rotated meanwhile"):
            use()
    other.close()
    assert gallery.verify().sound


def test_an_altered_gallery_is_not_sealed_as_right(tmp_path: Path) -> None:
    url = in_folder(tmp_path)
    gallery, archive = scene(url, tmp_path)
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.update(subjects).values(name="Eve").where(subjects.c.name == "Anna"))
    engine.dispose()
    with pytest.raises(GalleryDamaged, match="nothing was rotated"):
        gallery.rotate(archive, NEW, "test")
    assert gallery.key_id == key_id_of(KEY)
    assert archive.read_head("h", gallery.head_files()["h"]) == b"rows"


def test_an_anchor_of_before_still_holds(tmp_path: Path) -> None:
    """A crash may come between the transaction and the anchor."""
    gallery, archive = scene(in_folder(tmp_path), tmp_path)
    anchor = tmp_path / "keys" / "g.anchor"
    before = anchor.read_bytes()
    gallery.rotate(archive, NEW, "test")
    anchor.write_bytes(before)
    assert gallery.verify_audit().intact


def test_every_kind_of_sealed_face_is_known() -> None:
    """What is sealed with the key of nobody's faces must be sealed anew: none is forgotten."""
    found = set()
    for path in STORE.glob("*.py"):
        module = ast.parse(path.read_text())
        names = {
            node.targets[0].id: node.value.value
            for node in module.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for call in ast.walk(module):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "seal_face":
                word = call.args[1]
                if isinstance(word, ast.Constant):
                    found.add(word.value)
                elif word.id in names:
                    found.add(names[word.id])
    assert found == {word for _, words, _ in FACES for word in words.values()}


def _rows(url: str, *what: object) -> list[sa.Row]:
    engine = open_engine(url)
    with engine.connect() as connection:
        rows = list(connection.execute(sa.select(*what)))
    engine.dispose()
    return rows
