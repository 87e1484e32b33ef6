"""One file that holds a whole gallery as it was at a moment, sealed; the key is not in it.

The database is copied by SQLite's own online backup, so writers go on. Of the archive, the copy
takes the files that its own rows name. Everything is encrypted with AES-256-GCM in chunks, under a
key that is derived from the master key for this file alone; each chunk is bound to the header, to
its place and to whether it is the last, so that nothing can be changed, moved or cut off.

What opens the people in it lies apart, see `shroud.py` and `companion.py`: who is erased later
cannot be read in it by anybody, whatever key they have.

    magic, length of the header, header (JSON: gallery, time, files with size and SHA-256),
    then chunks of ciphertext: the files one after the other, in the header's order.
"""

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from disk.whole_file import whole_file
from store import metadata
from store.archive import Archive
from store.change import template_context
from store.companion import Record, companion_of, find_companion, read_companion, write_companion
from store.errors import GalleryDamaged, KeyMissing, StoreError
from store.index import TemplateIndex
from store.records import Backup, CheckedBackup, GalleryFacts
from store.schema import subject_keys, templates
from store.shroud import Lost, new_thing, shroud, thing, unshroud
from store.vault import Vault
from store.verification import verify_connection
from wording.message import message

SUFFIX = ".rollcall"
_MAGIC = b"rollcall backup 2\n"
_WITH_KEYS = b"rollcall backup 1\n"  # of before, with the keys inside
DATABASE = "gallery.db"
_HEADS, _REPORTS = "heads", "reports"
_IN_BACKUP = "in a backup"
_CHUNK = 1 << 20
_TAG = 16
_HEADER_MOST = 1 << 24
_PAGES = 512  # of SQLite at a time: what is between two looks at whether to stop
_TRIES = 3
_GRACE_SECONDS = 3600.0  # another process may be making one
_WORKPLACE = ".backup-"
Progress = Callable[[float], None]


@dataclass(frozen=True)
class _File:
    """One file on its way in. size in bytes; digest: SHA-256, hex."""

    name: str
    path: Path
    size: int
    digest: str


@dataclass(frozen=True)
class Header:
    """What stands before the ciphertext. digest: of its bytes, which every chunk is bound to.
    backup_id: names its companion; empty: it is of before, with the keys inside."""

    gallery_id: str
    key_id: str
    backup_id: str
    made_at: datetime
    generation: int
    salt: bytes
    files: tuple[tuple[str, int, str], ...]  # name, size, SHA-256
    digest: bytes

    @property
    def whole(self) -> int:
        return max(sum(size for _, size, _ in self.files), 1)


class _MovedError(Exception):
    """A file that the copied rows name went meanwhile: an erasure took it."""


def make_backup(
    engine: sa.Engine,
    archive: Archive,
    vault: Vault,
    facts: GalleryFacts,
    target: Path,
    now: datetime,
    keys: Path,
    settle: Callable[[], object],
    progress: Progress = lambda share: None,
) -> Backup:
    """Write the gallery as it is now into `target`, which appears whole or not at all.

    Args:
        keys: the folder of its companion, apart from it.
        settle: called when the companion is there and the backup is not: takes out of it who was
            erased since the copy was made, and could not be before.
        progress: told of the share that is done, 0..1; what it raises ends it and leaves nothing.

    Raises:
        StoreError: the gallery is not in SQLite, the disk is full, or `target` exists.
    """
    if engine.dialect.name != "sqlite":
        raise StoreError(
            message(
                "this gallery is in PostgreSQL: back it up with pg_dump, and its folder beside it"
            )
        )
    if target.exists():
        raise StoreError(message("{target} exists already; nothing was overwritten", target=target))
    with _translated(message("no backup was made")), _workplace(target.parent) as folder:
        for attempt in range(_TRIES):
            generation = _copy(engine, folder / DATABASE, lambda s: progress(s * 0.4))
            try:
                files, records = _files(folder, archive, vault, strict=attempt < _TRIES - 1)
                backup_id = secrets.token_hex(8)
                companion = companion_of(keys, facts.gallery_id, backup_id)

                def apart(companion: Path = companion, records: list[Record] = records) -> None:
                    write_companion(companion, records)
                    settle()

                about = (facts.gallery_id, backup_id, generation)
                _write(target, files, vault, about, now, apart, progress)
                break
            except _MovedError:
                _wipe_files(folder)
        else:
            raise StoreError(message("the gallery changes too fast to be copied; try again"))
    return read_header(target)


def read_header(path: Path) -> Backup:
    """What a backup says of itself; nothing is checked, and no key is needed.

    Raises:
        StoreError: the file cannot be read, or is no backup.
    """
    with _translated(message("{name} cannot be read", name=path.name)), path.open("rb") as file:
        return _backup(path, _header(file, path.name))


def verify_backup(
    path: Path,
    vault: Vault,
    workplace: Path,
    keys: Sequence[Path],
    progress: Progress = lambda share: None,
) -> CheckedBackup:
    """Open a backup as a restore would, and throw away what was opened.

    Every chunk must open, every file must have its digest, and the database must be sound, of the
    same gallery and key, with an audit trail that holds.

    Args:
        workplace: a folder to open it in, on a disk with room for it.
        keys: folders that its companion may be in.

    Raises:
        GalleryDamaged: it is not what was written. KeyMissing: it belongs to another key.
        StoreError: its companion is not there.
    """
    with (
        _translated(message("{name} cannot be checked", name=path.name)),
        _workplace(workplace) as folder,
    ):
        header = unpack(path, vault, folder, progress)
        lost = open_keys(folder, header, vault, keys)
        digest = check_database(folder / DATABASE, header, vault, lost)
        return CheckedBackup(_backup(path, header), digest, len(lost.subjects))


def sweep(folder: Path) -> None:
    """Wipe what killed backups left in a folder: what nobody has written to for an hour."""
    old = time.time() - _GRACE_SECONDS
    for left in folder.glob(f"{_WORKPLACE}*"):
        if max(path.stat().st_mtime for path in (left, *left.glob("*"))) < old:
            wipe_folder(left)
    for left in folder.glob(f".*{SUFFIX}.*.new"):
        if left.stat().st_mtime < old:
            left.unlink(missing_ok=True)


# -- making ---------------------------------------------------------------------------------------


def _copy(engine: sa.Engine, target: Path, progress: Progress) -> int:
    """SQLite's online backup into `target`; returns the generation of the copy."""
    with engine.connect() as connection, closing(sqlite3.connect(target)) as copy:
        # The read opens a snapshot that is kept: writers do not make the backup start anew.
        generation = metadata.generation(connection)
        raw: Any = connection.connection.driver_connection

        def told(_status: int, remaining: int, total: int) -> None:
            progress(1 - remaining / max(total, 1))

        raw.backup(copy, pages=_PAGES, progress=told)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, with no log beside it
    target.chmod(0o600)
    return generation


def _files(
    folder: Path, archive: Archive, vault: Vault, strict: bool
) -> tuple[list[_File], list[Record]]:
    """The copy, the files that its rows name, and the records that open both.

    Args:
        folder: of the copy, where everything is sealed.
        strict: an absent file means that somebody was erased meanwhile; else it is left out, as
            doctor says of it.
    """
    with _opened(folder / DATABASE) as connection:
        heads = metadata.head_files(connection)
        named = [(_HEADS, h, archive.head(h), digest) for h, digest in heads.items()]
        named += [(_REPORTS, r, archive.report(r), "") for r in metadata.reports(connection)]
    records = shroud(folder / DATABASE, vault)
    files = [_file(DATABASE, folder / DATABASE)]
    for number, (kind, name, path, digest) in enumerate(named):
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            if strict:
                raise _MovedError from error
            continue
        if digest and hashlib.sha256(content).hexdigest() != digest:
            raise GalleryDamaged(
                message("{name} is not the file that was written; run: rollcall doctor", name=name)
            )
        own, record = new_thing(vault, kind, name)
        records.append(record)
        place = folder / f"sealed-{number}"
        place.write_bytes(own.seal(content, _IN_BACKUP, kind, name))
        files.append(_file(f"{kind}/{name}", place))
    return files, records


def _file(name: str, path: Path) -> _File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return _File(name, path, file.tell(), digest)


def _write(
    target: Path,
    files: list[_File],
    vault: Vault,
    about: tuple[str, str, int],
    now: datetime,
    apart: Callable[[], None],
    progress: Progress,
) -> None:
    """Args: about: ids of gallery and backup, generation. apart: what has to be done before the
    backup appears."""
    gallery_id, backup_id, generation = about
    salt = secrets.token_bytes(32)
    header = {
        "gallery_id": gallery_id,
        "key_id": vault.key_id,
        "backup_id": backup_id,
        "made_at": now.isoformat(timespec="seconds"),
        "generation": generation,
        "salt": salt.hex(),
        "files": [{"name": f.name, "size": f.size, "sha256": f.digest} for f in files],
    }
    raw = json.dumps(header, sort_keys=True).encode()
    bound = hashlib.sha256(raw).digest()
    cipher = vault.backup_cipher(salt)
    whole = max(sum(f.size for f in files), 1)
    with whole_file(target) as out:
        out.write(_MAGIC + len(raw).to_bytes(4, "big") + raw)
        done = 0
        for number, (chunk, last) in enumerate(_chunks(files)):
            out.write(cipher.encrypt(_nonce(number), chunk, _bind(bound, last)))
            done += len(chunk)
            progress(0.4 + 0.6 * done / whole)
        apart()


def _chunks(files: list[_File]) -> Iterator[tuple[bytes, bool]]:
    """The files' bytes in pieces of one length, and whether it is the last piece."""
    waiting = b""
    for file in files:
        digest = hashlib.sha256()
        try:
            opened = file.path.open("rb")
        except FileNotFoundError as error:
            raise _MovedError from error
        with opened:
            while read := opened.read(_CHUNK):
                digest.update(read)
                waiting += read
                while len(waiting) > _CHUNK:
                    yield waiting[:_CHUNK], False
                    waiting = waiting[_CHUNK:]
        if digest.hexdigest() != file.digest:
            raise _MovedError
    yield waiting, True


# -- opening --------------------------------------------------------------------------------------


def unpack(
    path: Path, vault: Vault, folder: Path, progress: Progress = lambda share: None
) -> Header:
    """Write what a backup holds into a folder: the database, and other files under numbers.

    Args:
        vault: of the master key that the backup was made under.

    Raises:
        GalleryDamaged: it is not what was written. KeyMissing: it belongs to another key.
    """
    with path.open("rb") as file:
        header = _header(file, path.name)
        if header.key_id != vault.key_id:
            raise KeyMissing(
                message(
                    "{name} was made under another key ({made_under}); "
                    "this one ({key_id}) does not open it",
                    name=path.name,
                    made_under=header.key_id,
                    key_id=vault.key_id,
                )
            )
        _unpack(file, header, vault, folder, progress)
    return header


def open_keys(folder: Path, header: Header, vault: Vault, keys: Sequence[Path]) -> Lost:
    """Put back what the companion opens, in a folder that a backup was unpacked into: the database,
    and the files under their names. Returns what has no key any more.

    Args:
        vault: of the gallery in the backup.
        keys: folders that the companion may be in.

    Raises:
        StoreError: the companion is not there.
    """
    held = None
    lost = Lost({"subjects": ()})
    if header.backup_id:
        held = read_companion(find_companion(keys, header.gallery_id, header.backup_id))
        lost = unshroud(folder / DATABASE, vault, held)
    gone: dict[str, list[str]] = {_HEADS: [], _REPORTS: []}
    for number, (file, _, _) in enumerate(header.files):
        if file == DATABASE:
            continue
        kind, _, name = file.partition("/")
        if kind not in gone or not name or name in (".", "..") or "/" in name:
            raise _cut()
        place = folder / str(number)
        content = place.read_bytes()
        if held is not None:
            own = thing(vault, kind, name, held)
            if own is None:
                gone[kind].append(name)
                place.unlink()
                continue
            content = own.open(content, _IN_BACKUP, kind, name)
        target = folder / kind / (name if held is None or kind != _HEADS else f"{name}.sealed")
        target.parent.mkdir(exist_ok=True, mode=0o700)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        place.unlink()
    return Lost({**lost.rows, **{kind: tuple(names) for kind, names in gone.items()}})


def _header(file: BinaryIO, name: str) -> Header:
    problem = GalleryDamaged(
        message("{name} is no backup of Rollcall, or is damaged; use another one", name=name)
    )
    magic = file.read(len(_MAGIC))
    if magic not in (_MAGIC, _WITH_KEYS):
        raise problem
    length = int.from_bytes(file.read(4), "big")
    if length > _HEADER_MOST:
        raise problem
    raw = file.read(length)
    try:
        found = json.loads(raw)
        return Header(
            gallery_id=str(found["gallery_id"]),
            key_id=str(found["key_id"]),
            backup_id="" if magic == _WITH_KEYS else str(found["backup_id"]),
            made_at=datetime.fromisoformat(found["made_at"]),
            generation=int(found["generation"]),
            salt=bytes.fromhex(found["salt"]),
            files=tuple((str(f["name"]), int(f["size"]), str(f["sha256"])) for f in found["files"]),
            digest=hashlib.sha256(raw).digest(),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise problem from error


def _backup(path: Path, header: Header) -> Backup:
    return Backup(
        path=path,
        size=path.stat().st_size,
        gallery_id=header.gallery_id,
        key_id=header.key_id,
        backup_id=header.backup_id,
        made_at=header.made_at,
        generation=header.generation,
        files=len(header.files),
        header_digest=header.digest.hex(),
    )


def _unpack(file: BinaryIO, header: Header, vault: Vault, folder: Path, progress: Progress) -> None:
    """Write the files under numbers, the database under its name; raises GalleryDamaged."""
    plain, done = _Plain(file, header, vault), 0
    for number, (name, size, expected) in enumerate(header.files):
        place = folder / (DATABASE if name == DATABASE else str(number))
        digest, left = hashlib.sha256(), size
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            while left > 0:
                piece = plain.read(min(left, _CHUNK))
                digest.update(piece)
                out.write(piece)
                left -= len(piece)
                done += len(piece)
                progress(done / header.whole)
        if digest.hexdigest() != expected:
            raise GalleryDamaged(message("{name} in the backup is not what was written", name=name))
    plain.end()


class _Plain:
    """What the chunks hold, one after the other."""

    def __init__(self, file: BinaryIO, header: Header, vault: Vault) -> None:
        self._file = file
        self._bound = header.digest
        self._cipher = vault.backup_cipher(header.salt)
        self._number = 0
        self._waiting = b""
        self._ahead = file.read(_CHUNK + _TAG)
        self._ended = False

    def read(self, most: int) -> bytes:
        """Up to `most` bytes, at least one. Raises GalleryDamaged where there are none."""
        if not self._waiting:
            self._next()
        piece, self._waiting = self._waiting[:most], self._waiting[most:]
        return piece

    def end(self) -> None:
        """Raises GalleryDamaged unless everything was read to the last chunk."""
        if self._waiting or not self._ended:
            raise _cut()

    def _next(self) -> None:
        if self._ended:
            raise _cut()
        sealed, self._ahead = self._ahead, self._file.read(_CHUNK + _TAG)
        last = not self._ahead
        try:
            self._waiting = self._cipher.decrypt(
                _nonce(self._number), sealed, _bind(self._bound, last)
            )
        except (InvalidTag, ValueError) as error:
            raise _cut() from error
        self._number += 1
        self._ended = last
        if not self._waiting:
            raise _cut()


def check_database(database: Path, header: Header, vault: Vault, lost: Lost) -> str:
    """See that the database in a backup is sound, of the gallery that the header says, and as it
    was sealed. Returns the digest of the index that it makes, without those who have no key.

    Raises:
        GalleryDamaged: it is not.
    """
    with _opened(database) as connection:
        wrong = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if wrong != "ok":
            raise GalleryDamaged(
                message("the database in the backup is damaged ({wrong})", wrong=wrong)
            )
        facts = metadata.facts(connection)
        if facts.gallery_id != header.gallery_id:
            raise GalleryDamaged(message("the backup holds another gallery than it says"))
        found = verify_connection(connection, vault, without=lost.subjects).findings
        if found:
            raise GalleryDamaged(
                message(
                    "the backup is of a gallery that was altered: {what}", what=found[0].message
                )
            )
        return _digest(connection, vault, facts, set(lost.subjects))


def _digest(connection: sa.Connection, vault: Vault, facts: GalleryFacts, without: set[str]) -> str:
    searched = metadata.searchable(connection)
    keys = {
        row.subject_id: vault.unwrap(row.subject_id, row.wrapped)
        for row in connection.execute(sa.select(subject_keys.c.subject_id, subject_keys.c.wrapped))
        if row.subject_id not in without
    }
    ids, vectors = [], []
    wanted = sa.select(templates).order_by(templates.c.template_id)
    for row in connection.execute(wanted.execution_options(yield_per=1000)):
        if row.template_id in searched and row.subject_id in keys:
            context = template_context(row.template_id, facts.fingerprint)
            ids.append(row.template_id)
            plain = keys[row.subject_id].open(row.vector, *context)
            vectors.append(np.frombuffer(plain, np.float32))
    index = TemplateIndex(facts.dimension)
    index.add(ids, np.stack(vectors) if vectors else np.empty((0, facts.dimension), np.float32))
    return index.digest()


@contextmanager
def _opened(database: Path) -> Iterator[sa.Connection]:
    """A copy of a database, read only."""
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True),
    )
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.DatabaseError as error:
        raise GalleryDamaged(
            message("the copied database is damaged ({error})", error=str(error.orig))
        ) from error
    finally:
        engine.dispose()


def _cut() -> GalleryDamaged:
    return GalleryDamaged(message("the backup was changed or cut off; use another one"))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _bind(bound: bytes, last: bool) -> bytes:
    return bound + (b"last" if last else b"more")


# -- a place for plain copies ---------------------------------------------------------------------


@contextmanager
def _workplace(parent: Path) -> Iterator[Path]:
    """A private folder for copies that are not sealed, wiped at the end; so is, before, what a
    killed process left of one."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sweep(parent)
    folder = parent / f"{_WORKPLACE}{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        wipe_folder(folder)


def wipe_folder(folder: Path) -> None:
    """Overwrite and delete everything that is in it, and the folder."""
    _wipe_files(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _wipe_files(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            _wipe(file)


def _wipe(file: Path) -> None:
    """Overwrite, then delete: names of people must not stay in the disk's free blocks."""
    left = file.stat().st_size
    with file.open("r+b") as out:
        while left > 0:
            left -= out.write(bytes(min(left, _CHUNK)))
        out.flush()
        os.fsync(out.fileno())
    file.unlink()


@contextmanager
def _translated(said: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            message("{said}: {error}", said=said, error=str(error.strerror or error))
        ) from error
    except sqlite3.Error as error:
        raise StoreError(message("{said}: {error}", said=said, error=str(error))) from error
