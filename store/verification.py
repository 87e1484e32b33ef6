"""Is everything as Rollcall wrote it? The chain, the seals and the anchors, looked at whole.

Nothing is changed, migrated or refused here, so that a gallery that does not open any more can
still be looked at.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from store import audit, metadata, seal
from store.anchor import Anchor, AnchorPlace
from store.database import open_engine, translated
from store.errors import GalleryDamaged, GalleryMissing, KeyMissing, StoreError
from store.records import AnchorState, AuditVerification, Finding
from store.schema import gallery
from store.vault import Vault
from wording.message import message, words_of

Held = tuple[AnchorState, Anchor | None, Finding | None]
_SAID = 20  # people are named one by one up to here


def names_of(url: str) -> tuple[str, str]:
    """Ids of the gallery and of its master key, in whatever version. Raises GalleryMissing."""
    with _opened(url) as connection:
        row = _row(connection)
        return str(row.gallery_id), str(row.key_id)


def verify_database(url: str, key: bytes, anchors: Sequence[Path]) -> AuditVerification:
    """As `verify`, of a database that nobody has opened.

    Raises:
        KeyMissing: the key is another one.
    """
    with _opened(url) as connection:
        row, end = _row(connection), audit.last(connection)
        try:
            vault = metadata.open_vault(connection, key)
        except KeyMissing:
            vault = Vault(key)
            # The key's id may be what was altered: then the first row still holds.
            if audit.verified_to(connection, vault) < min(end[0], 1):
                raise
    places = [AnchorPlace(path, vault, str(row.gallery_id)) for path in anchors]
    engine = open_engine(url)
    try:
        return verify(engine, vault, places)
    finally:
        engine.dispose()


def verify(
    engine: sa.Engine, vault: Vault, places: Sequence[AnchorPlace] = ()
) -> AuditVerification:
    """Compute everything anew and compare. Safe while others write."""
    started = time.perf_counter()
    # Before the database: what is written meanwhile must not look as if it were missing.
    held = [held_by(place) for place in places]
    with translated(), snapshot(engine) as connection:
        return verify_connection(connection, vault, held, started)


def verify_connection(
    connection: sa.Connection,
    vault: Vault,
    held: Sequence[Held] = (),
    started: float | None = None,
    without: Collection[str] = (),
) -> AuditVerification:
    """As `verify`, of what this connection sees.

    Args:
        without: subjects that cannot be looked at, because their keys are gone.
    """
    began = time.perf_counter() if started is None else started
    rows, _ = audit.last(connection)
    to = audit.verified_to(connection, vault)
    findings = [forged for _, _, forged in held if forged is not None]
    if to < rows:
        findings.append(
            Finding(
                "audit",
                str(to + 1),
                message(
                    "the audit trail was altered at entry {number}: it was edited, put in, taken "
                    "out or moved, and what follows cannot be trusted",
                    number=to + 1,
                ),
            )
        )
    kept = seal.read(connection) if sa.inspect(connection).has_table("seals") else {}
    anchored = any(anchor is not None for _, anchor, _ in held)
    if kept:
        findings += _sealed(connection, vault, kept, without)
    elif anchored or audit.has(connection, seal.FIRST):
        findings.append(Finding("seals", "seals", message("every seal was taken away")))
    for state, anchor, _ in held:
        if anchor is not None:
            findings += _compared(connection, state, anchor, rows, to)
    best = max((a for _, a, _ in held if a is not None), key=lambda a: a.seq, default=None)
    return AuditVerification(
        rows=rows,
        verified_to=to,
        sealed=bool(kept),
        anchored_to=best.seq if best else None,
        anchored_at=best.at if best else None,
        anchors=tuple(state for state, _, _ in held),
        findings=tuple(findings),
        seconds=time.perf_counter() - began,
    )


@contextmanager
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection whose every read is of one moment, in SQLite and in PostgreSQL alike."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _sealed(
    connection: sa.Connection,
    vault: Vault,
    kept: Mapping[str, seal.Kept],
    without: Collection[str],
) -> Iterator[Finding]:
    if not seal.fits(connection, vault, kept):
        yield Finding(
            "whole",
            "seals",
            message(
                "the seal of the whole does not fit: the end of the audit trail was cut off or "
                "moved, the generation was changed, or a seal was exchanged"
            ),
        )
    for name in seal.altered(connection, vault, kept):
        yield Finding(
            "policy", name, message("the table {table} was changed outside Rollcall", table=name)
        )
    wrong, complete = seal.wrong_subjects(connection, vault, kept)
    wrong = sorted(set(wrong) - set(without))
    for subject_id in wrong[:_SAID]:
        yield Finding(
            "subject",
            subject_id,
            message(
                "what is kept of subject {subject} was changed outside Rollcall: name, state, "
                "consents, photos or templates",
                subject=subject_id,
            ),
        )
    if len(wrong) > _SAID:
        yield Finding("subject", "", message("and {count} subjects more", count=len(wrong) - _SAID))
    if not complete:
        yield Finding(
            "subjects",
            "subject_keys",
            message(
                "somebody was put in, taken out or put back to an older state outside Rollcall"
            ),
        )


def held_by(place: AnchorPlace) -> Held:
    """What a second place says, and what is wrong with it."""
    path, forged, problem, anchor = str(place.path), None, None, None
    try:
        anchor = place.read()
        place.try_out()
        problem = place.problem
    except GalleryDamaged as error:
        problem = words_of(error)
        forged = Finding("anchor", path, problem)
    except OSError as error:
        problem = message("{path} cannot be read: {error}", path=path, error=str(error))
    if anchor is None:
        problem = problem or message(
            "{path} is not there yet; the next change writes it", path=path
        )
        return AnchorState(path, None, None, None, problem), None, forged
    return AnchorState(path, anchor.seq, anchor.at, anchor.since, problem), anchor, forged


def _compared(
    connection: sa.Connection, state: AnchorState, anchor: Anchor, rows: int, to: int
) -> Iterator[Finding]:
    if anchor.seq > rows:
        yield Finding(
            "rollback",
            state.place,
            message(
                "the gallery is older than its anchor: entries {first} to {last} of the audit "
                "trail are gone. It was put back to an older state, or the trail was cut off. If "
                "you restored a backup yourself, say so: rollcall audit accept REASON",
                first=rows + 1,
                last=anchor.seq,
            ),
        )
    elif (
        anchor.seq > 0 and _other(audit.mac_at(connection, anchor.seq), anchor) and anchor.seq <= to
    ):
        yield Finding(
            "fork",
            state.place,
            message(
                "entry {number} is not the one that was anchored: the gallery was put back to an "
                "older state and went on from there. If you restored a backup yourself, say so: "
                "rollcall audit accept REASON",
                number=anchor.seq,
            ),
        )


def _other(mac: bytes | None, anchor: Anchor) -> bool:
    return mac is None or mac.hex() != anchor.mac


@contextmanager
def _opened(url: str) -> Iterator[sa.Connection]:
    engine = open_engine(url)
    try:
        with translated(), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _row(connection: sa.Connection) -> sa.Row[Any, Any]:
    missing = message("the database holds no gallery; run: rollcall init")
    if not sa.inspect(connection).has_table("gallery"):
        raise GalleryMissing(missing)
    row = connection.execute(sa.select(gallery.c.gallery_id, gallery.c.key_id)).first()
    if row is None:
        raise GalleryMissing(missing)
    if not sa.inspect(connection).has_table("audit"):
        raise StoreError(message("the audit trail was taken away; restore a backup"))
    return row
