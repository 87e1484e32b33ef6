"""Thirteen ways to tamper with a gallery's database through `sqlite3`, without the key.

Each way has two attackers: one who edits and goes, and one who knows the schema, links the trail
anew, moves seals along with what they seal, and brings yesterday's seals back with yesterday's
rows.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from store.database import sqlite_url
from store.gallery import create_gallery, open_gallery
from store.records import AuditVerification, User
from store.verification import verify_database
from tests.store.places import KEY, enroll, facts

PEOPLE = 8
_AUDIT = "seq, at, actor, action, object, details, prev, mac"


@dataclass(frozen=True)
class Crime:
    """Where it happens. yesterday: the database of then, attached as `y`."""

    database: sqlite3.Connection
    random: random.Random
    knowing: bool

    def run(self, statement: str, *values: object) -> list[tuple]:
        return self.database.execute(statement, values).fetchall()

    def one(self, statement: str, *values: object) -> tuple:
        return self.random.choice(self.run(statement, *values))


@dataclass(frozen=True)
class Scene:
    """A gallery's file as it is, as it was yesterday, and its anchor, which is elsewhere."""

    today: Path
    yesterday: Path
    anchor: Path

    def commit(self, kind: str, folder: Path, seed: int, knowing: bool) -> AuditVerification:
        """Tamper with a copy in `folder`, and verify it."""
        copy = folder / "gallery.db"
        shutil.copy(self.today, copy)
        with closing(sqlite3.connect(copy, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute("ATTACH ? AS y", (str(self.yesterday),))
            before = "\n".join(database.iterdump())
            KINDS[kind](Crime(database, random.Random(f"{kind} {seed} {knowing}"), knowing))
            assert "\n".join(database.iterdump()) != before, "nothing was tampered with"
        try:
            return verify_database(sqlite_url(copy), KEY, [self.anchor])
        finally:
            for file in folder.glob("gallery.db*"):
                file.unlink()


def make_scene(folder: Path) -> Scene:
    """People, one suspended, one who withdrew, a threshold, a key; and more of it today."""
    url, anchor = sqlite_url(folder / "gallery.db"), folder / "elsewhere" / "gallery.anchor"
    create_gallery(url, KEY, facts(), 0.01)
    gallery = open_gallery(url, KEY, [anchor])
    people = [enroll(gallery, f"Person {i}", seed=i) for i in range(PEOPLE)]
    with gallery.change("test") as change:
        change.set_state(people[0], "suspended")
        change.add_operating_point(
            generation=gallery.generation() + 1, threshold=0.5, max_fpir=0.01, details={}
        )
        change.add_api_key("Door", ["identify"], 30, 100, "secret")
        anna = User("1", "anna", frozenset({"admin"}), change.at, change.at, "$argon2id$a")
        bo = replace(anna, user_id="2", login="bo", password="$argon2id$b")
        change.add_user(anna)
        change.add_user(bo)
    yesterday = _kept(gallery, folder, "yesterday.db")
    with gallery.change("test") as change:
        change.withdraw_consents(people[:3])
        change.rename(people[4], "Somebody else")
        change.set_state(people[5], "suspended")
        change.set_max_fpir(0.02)
        change.add_operating_point(
            generation=gallery.generation() + 1, threshold=0.7, max_fpir=0.02, details={}
        )
        (key,) = gallery.api_keys()
        change.revoke_api_key(key)
        change.add_api_key("Lift", ["identify"], 30, 100, "other")
        less = replace(bo, roles=frozenset({"viewer"}), disabled_at=change.at)
        change.put_user(bo, less, "user.roles", {"roles": ["viewer"]})
    with gallery.change("test") as change:
        change.add_request(people[6], "export", change.at + timedelta(days=30), "")
    gallery.close()
    return Scene(_kept(gallery, folder, "today.db"), yesterday, anchor)


def _kept(gallery, folder: Path, name: str) -> Path:
    assert gallery.cut_log()
    return Path(shutil.copy(folder / "gallery.db", folder / name))


def _relinked(crime: Crime) -> None:
    """Number the trail anew and link each row to the one before: all but the digests."""
    if not crime.knowing:
        return
    rows = crime.run(f"SELECT {_AUDIT} FROM audit ORDER BY seq")  # noqa: S608
    crime.run("DELETE FROM audit")
    prev = bytes(32)
    for seq, (_, *middle, _, mac) in enumerate(rows, 1):
        crime.run("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", seq, *middle, prev, mac)
        prev = mac


def _any_seq(crime: Crime) -> int:
    return crime.one("SELECT seq FROM audit")[0]


def edit_audit_row(crime: Crime) -> None:
    column = crime.random.choice(["at", "actor", "action", "object", "details"])
    crime.run(f"UPDATE audit SET {column} = {column} || 'x' WHERE seq = ?", _any_seq(crime))  # noqa: S608
    _relinked(crime)


def insert_audit_row(crime: Crime) -> None:
    seq = _any_seq(crime)
    (row,) = crime.run(f"SELECT {_AUDIT} FROM audit WHERE seq = ?", seq)  # noqa: S608
    crime.run("UPDATE audit SET seq = -seq - 1 WHERE seq > ?", seq)
    crime.run("UPDATE audit SET seq = -seq WHERE seq < 0")
    crime.run("INSERT INTO audit VALUES (?, ?, 'me', ?, ?, ?, ?, ?)", seq + 1, row[1], *row[3:])
    _relinked(crime)


def delete_audit_row(crime: Crime) -> None:
    crime.run("DELETE FROM audit WHERE seq = ?", _any_seq(crime))
    _relinked(crime)


def reorder_audit_rows(crime: Crime) -> None:
    one, other = crime.random.sample([seq for (seq,) in crime.run("SELECT seq FROM audit")], 2)
    crime.run("UPDATE audit SET seq = -1 WHERE seq = ?", one)
    crime.run("UPDATE audit SET seq = ? WHERE seq = ?", one, other)
    crime.run("UPDATE audit SET seq = ? WHERE seq = -1", other)
    _relinked(crime)


def truncate_tail(crime: Crime) -> None:
    if crime.knowing:
        # To an end that was sealed, with that seal.
        crime.run("DELETE FROM audit WHERE seq > (SELECT max(seq) FROM y.audit)")
        crime.run("DELETE FROM seals")
        crime.run("INSERT INTO seals SELECT * FROM y.seals")
        crime.run("UPDATE gallery SET generation = (SELECT generation FROM y.gallery)")
    else:
        crime.run("DELETE FROM audit WHERE seq >= ?", max(_any_seq(crime), 2))


def replace_with_yesterday(crime: Crime) -> None:
    tables = [
        name for (name,) in crime.run("SELECT name FROM y.sqlite_schema WHERE type = 'table'")
    ]
    crime.run("PRAGMA foreign_keys = OFF")
    for table in tables:
        if table == "audit" and crime.knowing:
            continue  # today's trail over yesterday's people
        crime.run(f"DELETE FROM {table}")  # noqa: S608
        crime.run(f"INSERT INTO {table} SELECT * FROM y.{table}")  # noqa: S608


def _yesterdays_seal(crime: Crime, *names: str) -> None:
    for name in names if crime.knowing else ():
        crime.run(
            "UPDATE seals SET seal = (SELECT seal FROM y.seals WHERE name = ?) WHERE name = ?",
            name,
            name,
        )


def edit_threshold(crime: Crime) -> None:
    if crime.knowing:
        crime.run("DELETE FROM operating_points")
        crime.run("INSERT INTO operating_points SELECT * FROM y.operating_points")
        _yesterdays_seal(crime, "operating_points")
        return
    crime.run(
        "UPDATE operating_points SET threshold = ? WHERE created_at = "
        "(SELECT max(created_at) FROM operating_points)",
        crime.random.uniform(0, 0.69),
    )


def edit_policy(crime: Crime) -> None:
    if crime.knowing:
        crime.run("UPDATE gallery SET max_fpir = (SELECT max_fpir FROM y.gallery)")
        _yesterdays_seal(crime, *crime.random.choice([["gallery"], ["gallery", "whole"]]))
    elif crime.random.random() < 0.5:
        crime.run("UPDATE gallery SET max_fpir = ?", crime.random.uniform(0.03, 0.5))
    else:
        crime.run("UPDATE gallery SET consent_policy = 'none'")


def edit_key(crime: Crime) -> None:
    if crime.knowing:
        crime.run("DELETE FROM key_use")
        crime.run("DELETE FROM api_keys")
        crime.run("INSERT INTO api_keys SELECT * FROM y.api_keys")
        _yesterdays_seal(crime, *crime.random.choice([["api_keys"], ["api_keys", "whole"]]))
        return
    column, value = crime.random.choice(
        [
            ("scopes", '["admin", "identify"]'),
            ("expires_at", "2999-01-01T00:00:00.000000+00:00"),
            ("revoked_at", None),
            ("daily", 10**9),
        ]
    )
    name = "Door" if column == "revoked_at" else crime.one("SELECT name FROM api_keys")[0]
    crime.run(f"UPDATE api_keys SET {column} = ? WHERE name = ?", value, name)  # noqa: S608


def edit_user(crime: Crime) -> None:
    if crime.knowing:
        crime.run("DELETE FROM users")
        crime.run("INSERT INTO users SELECT * FROM y.users")
        _yesterdays_seal(crime, *crime.random.choice([["users"], ["users", "whole"]]))
        return
    kind = crime.random.choice(["roles", "password", "disabled_at", "insert", "delete"])
    if kind == "insert":
        crime.run(
            "INSERT INTO users SELECT 'x', 'mallory', '[\"admin\"]', password, 0, NULL, 0, NULL, "
            "NULL, created_at, NULL, 0, failed_at FROM users LIMIT 1"
        )
    elif kind == "delete":
        crime.run("DELETE FROM users WHERE login = ?", crime.one("SELECT login FROM users")[0])
    else:
        value = {"roles": '["admin", "viewer"]', "password": "$argon2id$", "disabled_at": None}[
            kind
        ]
        crime.run(f"UPDATE users SET {kind} = ? WHERE login = 'bo'", value)  # noqa: S608


def edit_consent(crime: Crime) -> None:
    subject_id, consent_id = crime.one(
        "SELECT subject_id, consent_id FROM consents WHERE withdrawn_at IS NOT NULL"
    )
    if crime.knowing:
        crime.run("UPDATE consents SET withdrawn_at = NULL WHERE consent_id = ?", consent_id)
        crime.run("DELETE FROM requests WHERE subject_id = ?", subject_id)
        crime.run(
            "UPDATE subject_keys SET seal = (SELECT seal FROM y.subject_keys AS k "
            "WHERE k.subject_id = ?) WHERE subject_id = ?",
            subject_id,
            subject_id,
        )
    elif crime.random.random() < 0.5:
        crime.run("UPDATE consents SET withdrawn_at = NULL WHERE consent_id = ?", consent_id)
    else:
        column = crime.random.choice(["text", "given_at", "version"])
        crime.run(
            f"UPDATE consents SET {column} = {column} || 'x' WHERE consent_id = ?",  # noqa: S608
            consent_id,
        )


def give_template(crime: Crime) -> None:
    one, other = _two(crime)
    crime.run(
        "UPDATE templates SET subject_id = ? WHERE template_id = "
        "(SELECT min(template_id) FROM templates WHERE subject_id = ?)",
        other,
        one,
    )
    if crime.knowing:
        crime.run(
            "UPDATE samples SET subject_id = ?1 WHERE sample_id IN "
            "(SELECT sample_id FROM templates WHERE subject_id = ?1)",
            other,
        )
        _swap(crime, "subject_keys", ["seal"], one, other)


def rename_or_resume(crime: Crime) -> None:
    if crime.random.random() < 0.5:
        one, other = _two(crime)
        _swap(crime, "subjects", ["name", "name_key"], one, other)
        if crime.knowing:
            _swap(crime, "subject_keys", ["seal"], one, other)
        return
    # The second was suspended today: yesterday's seal is one of theirs while they were active.
    wanted = "SELECT subject_id FROM subjects WHERE state = 'suspended'"
    if crime.knowing:
        wanted += " INTERSECT SELECT subject_id FROM y.subjects WHERE state = 'active'"
    (subject_id,) = crime.one(wanted)
    crime.run("UPDATE subjects SET state = 'active' WHERE subject_id = ?", subject_id)
    if crime.knowing:
        crime.run(
            "UPDATE subject_keys SET seal = (SELECT seal FROM y.subject_keys AS k "
            "WHERE k.subject_id = ?) WHERE subject_id = ?",
            subject_id,
            subject_id,
        )


def _two(crime: Crime) -> tuple[str, str]:
    ids = [subject_id for (subject_id,) in crime.run("SELECT subject_id FROM subjects")]
    one, other = crime.random.sample(ids, 2)
    return one, other


def _swap(crime: Crime, table: str, columns: list[str], one: str, other: str) -> None:
    kept = {}
    for who in (one, other):
        wanted = f"SELECT {', '.join(columns)} FROM {table} WHERE subject_id = ?"  # noqa: S608
        (kept[who],) = crime.run(wanted, who)
    setting = ", ".join(f"{column} = ?" for column in columns)
    for who, values in ((one, kept[other]), (other, kept[one])):
        crime.run(f"UPDATE {table} SET {setting} WHERE subject_id = ?", *values, who)  # noqa: S608


KINDS: Mapping[str, Callable[[Crime], None]] = {
    "edit an audit row": edit_audit_row,
    "insert an audit row": insert_audit_row,
    "delete an audit row": delete_audit_row,
    "reorder two audit rows": reorder_audit_rows,
    "cut off the end of the trail": truncate_tail,
    "put yesterday's database back": replace_with_yesterday,
    "edit the threshold": edit_threshold,
    "edit max_fpir or the consent policy": edit_policy,
    "edit a key": edit_key,
    "edit a role, or who may sign in": edit_user,
    "edit or un-withdraw a consent": edit_consent,
    "give a template to another subject": give_template,
    "swap two names, or resume somebody": rename_or_resume,
}
