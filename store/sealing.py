"""What one change does to the seals.

It looks at the seals of what it is about to touch before it touches it, so that what was altered
from outside is never sealed as if it were right, and seals anew exactly what it touched.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.sql.dml import UpdateBase

from store import metadata, seal
from store.errors import GalleryDamaged
from store.schema import subject_keys
from store.vault import Vault
from wording.message import message

_HELD = sa.select(subject_keys.c.subject_id, subject_keys.c.seal).where(
    subject_keys.c.subject_id.in_(sa.bindparam("whose", expanding=True))
)


class Sealing:
    """What one change does to the seals; made when it holds the lock, closed before its commit.

    generation: of before the change.

    Raises:
        GalleryDamaged: the whole seal does not hold, or what is about to be changed was changed
            outside Rollcall before.
    """

    def __init__(self, connection: sa.Connection, vault: Vault, generation: int) -> None:
        self._connection = connection
        self._vault = vault
        self._kept = seal.read(connection)
        seal.check_whole(seal.fits(connection, vault, self._kept, generation))
        self._columns = self._kept[seal.SUBJECTS].columns
        self._touched: set[str] = set()
        self._dropped: set[str] = set()
        self._away = 0  # of the sum: the seals that the touched had before
        self._tables: set[str] = set()  # of policy, that were written
        self._written: set[str] = set()  # of subjects
        self._lines: dict[str, seal.Lines] = {name: {} for name in self._columns}

    @property
    def seen(self) -> frozenset[str]:
        """Whose rows were written, those who are not here any more too."""
        return frozenset(self._touched | self._dropped)

    def touch(self, subject_ids: Collection[str]) -> None:
        """To be called before anything that is kept of these is written."""
        unseen = sorted(set(subject_ids) - self._touched - self._dropped)
        if not unseen:
            return
        lines = self._read(self._columns, unseen)
        held = self._held(unseen)
        for subject_id, found in seal.seals_of(self._vault, lines).items():
            if held.get(subject_id) != found:
                raise GalleryDamaged(
                    message(
                        "what is kept of subject {subject} was changed outside Rollcall; nothing "
                        "was written. Run: rollcall audit verify, and restore a backup",
                        subject=subject_id,
                    )
                )
        for name in self._lines:
            self._lines[name] |= lines[name]
        self._touched |= set(unseen)
        self._away += seal.sum_of(held.values())

    def add(self, subject_id: str) -> None:
        """Somebody who was not here before."""
        self._touched.add(subject_id)

    def drop(self, subject_ids: Collection[str]) -> None:
        """To be called before these are deleted. They are not looked at: who asks to be erased is
        erased, whatever was done to the rows."""
        gone = set(subject_ids) - self._dropped
        self._away += seal.sum_of(self._held(sorted(gone - self._touched)).values())
        self._touched -= gone
        self._dropped |= gone

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within, tables that are written to are noticed; those of policy are looked at before."""
        sa.event.listen(self._connection, "before_execute", self._notice)
        try:
            yield
        finally:
            sa.event.remove(self._connection, "before_execute", self._notice)

    def close(self, generation: int) -> tuple[int, bytes]:
        """Seal what was touched; after this comes the commit. Returns the end of the trail."""
        kept = dict(self._kept)
        now = self._now() if self._touched else {}
        if self._touched or self._dropped:
            seal.keep_subjects(self._connection, now)
            total = (
                int.from_bytes(kept[seal.SUBJECTS].seal, "big")
                - self._away
                + seal.sum_of(now.values())
            )
            kept[seal.SUBJECTS] = seal.Kept(self._columns, seal.as_bytes(total))
        for name in self._tables:
            columns = kept[name].columns
            sealed = seal.table_seal(self._connection, self._vault, kept[name])
            kept[name] = seal.Kept(columns, sealed)
        return seal.close(self._connection, self._vault, self._kept, kept, generation)

    def _now(self) -> dict[str, bytes]:
        """The seals of the touched. Tables that nobody wrote to are as they were under the lock."""
        touched = sorted(self._touched)
        lines = {
            name: {s: some for s, some in before.items() if s in self._touched}
            for name, before in self._lines.items()
        }
        lines |= self._read([name for name in self._columns if name in self._written], touched)
        return seal.seals_of(self._vault, lines)

    def _read(self, names: Iterable[str], subject_ids: Sequence[str]) -> dict[str, seal.Lines]:
        return {
            name: seal.lines_of(self._connection, name, self._columns, subject_ids)
            for name in names
        }

    def _held(self, subject_ids: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for chunk in metadata.chunks(subject_ids):
            rows = self._connection.execute(_HELD, {"whose": chunk})
            found |= {row.subject_id: row.seal for row in rows if row.seal is not None}
        return found

    def _notice(
        self, _connection: sa.Connection, statement: object, *_: object, **__: object
    ) -> None:
        if isinstance(statement, UpdateBase):
            written = [str(getattr(statement.table, "name", ""))]
        elif isinstance(statement, sa.TextClause):
            written = [*self._kept, *self._columns]  # whatever it does
        else:
            return
        self._written |= set(written) & self._columns.keys()
        fresh = [
            name
            for name in written
            if name in self._kept
            and name not in (seal.SUBJECTS, seal.WHOLE)
            and name not in self._tables
        ]
        self._tables |= set(fresh)
        for name in seal.altered(self._connection, self._vault, {n: self._kept[n] for n in fresh}):
            raise seal.changed_outside(name)
