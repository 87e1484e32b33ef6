"""What must hold of a gallery whatever has happened to it, looked at by a fresh opening."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from enrollment.champion import arrays_of
from enrollment.opening import is_gallery
from enrollment.service import Service
from tests import tiny
from tests.faults.place import Place, answers

# Each finds a person, a photo or a run of which a part is missing.
_HALVES = {
    "a person without a key": "SELECT name FROM subjects WHERE subject_id NOT IN "
    "(SELECT subject_id FROM subject_keys)",
    "a person without consent": "SELECT name FROM subjects WHERE subject_id NOT IN "
    "(SELECT subject_id FROM consents)",
    "a person without templates": "SELECT name FROM subjects WHERE subject_id NOT IN "
    "(SELECT subject_id FROM templates)",
    "a photo without its template": "SELECT sample_id FROM samples WHERE sample_id NOT IN "
    "(SELECT sample_id FROM templates)",
    "a template without its photo": "SELECT template_id FROM templates WHERE sample_id NOT IN "
    "(SELECT sample_id FROM samples)",
    "a key of nobody": "SELECT subject_id FROM subject_keys WHERE subject_id NOT IN "
    "(SELECT subject_id FROM subjects)",
    "two people of one name": "SELECT name FROM subjects GROUP BY name HAVING count(*) > 1",
    "an erasure that is not finished": "SELECT subject_mac FROM erasures WHERE state = 'erased'",
    "two champions": "SELECT 1 FROM heads WHERE state = 'champion' GROUP BY state "
    "HAVING count(*) > 1",
    "a row that points nowhere": "PRAGMA foreign_key_check",
}
_WRITTEN = "SELECT count(*) FROM audit WHERE action = ?"


@dataclass(frozen=True)
class Found:
    """people: templates by name. erased: how many were. nights: the days that had theirs. backups:
    files that open whole. deeds: rows of the audit trail. revision: of the schema, as it was found
    before the opening migrated it. files: are all that rows name there? key_id: of its key."""

    people: Mapping[str, int]
    erased: int
    nights: tuple[str, ...]
    backups: tuple[str, ...]
    deeds: int
    revision: str
    files: bool
    key_id: str
    backbone: str


def look(place: Place) -> Found | None:
    """Open the gallery as the next process would; None: there is none.

    Raises:
        AssertionError: something is half there, or is not what was written.
    """
    if not is_gallery(place.home):
        return None
    revision = _revision(place)
    with place.service() as service:
        found = service.verify_gallery()
        assert found.live_digest == found.rebuilt_digest, "index"
        assert found.damage is None, found.damage
        assert found.audit.intact, [f.message for f in found.audit.findings]
        answers(service)
        nights, files = _nights(service)
        key_id, backbone = service.keys.key_id, service.facts.backbone
        backups = [service.backups.check(kept.path).name for kept in service.backups.listed()]
    with closing(_opened(place)) as rows:
        assert rows.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for what, query in _HALVES.items():
            half = rows.execute(query).fetchall()
            assert not half, f"{what}: {half}"
        people = dict(
            rows.execute(
                "SELECT name, count(*) FROM subjects JOIN templates USING (subject_id) "
                "GROUP BY subject_id ORDER BY enrolled_at"
            ).fetchall()
        )
        assert sum(people.values()) == found.templates
        (erased,) = rows.execute("SELECT count(*) FROM erasures").fetchone()
        (deeds,) = rows.execute("SELECT count(*) FROM audit").fetchone()
        for action, there in {
            "subject.add": len(people) + erased,
            "subject.erase": erased,
            "night.finish": len(nights),
        }.items():
            (written,) = rows.execute(_WRITTEN, [action]).fetchone()
            assert written == there, f"{action}: {written} in the trail, {there} there"
    return Found(people, erased, nights, tuple(backups), deeds, revision, files, key_id, backbone)


def _nights(service: Service) -> tuple[tuple[str, ...], bool]:
    """The days that had their night, each whole; and whether every file is there."""
    files = True
    heads, jobs = service.heads(), service.nights()
    done = [job for job in jobs if job.state == "finished"]
    for job in done:
        made = [head for head in heads if head.manifest["run_id"] == job.details["run_id"]]
        assert made or service.people() == [], "a night that finished has its head"
        names = [str(name) for name in job.details["reports"]]
        files &= all(service._archive.report(name).exists() for name in names)
    runs = {job.details["run_id"] for job in done}
    for head in heads:
        assert head.manifest["run_id"] in runs, "a head has the outcome of its night beside it"
        if "file_sha256" in head.manifest and service._archive.head(head.head_id).exists():
            arrays = arrays_of(head, service._archive, tiny.TinyBackbone.dimension)
            assert len(arrays.subject_ids) == head.manifest["subjects"]
        elif "file_sha256" in head.manifest:
            files = False
    return tuple(job.day for job in done), files


def _revision(place: Place) -> str:
    with closing(_opened(place)) as rows:
        return str(rows.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _opened(place: Place) -> sqlite3.Connection:
    return sqlite3.connect(place.home / "gallery.db", timeout=30)
