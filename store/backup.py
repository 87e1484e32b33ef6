"""One file that holds a whole gallery as it was at a moment, sealed; the key is not in it.

The database is copied by SQLite's own online backup, so writers go on. Of the archive, the copy
takes the files that its own rows name. Everything is encrypted with AES-256-GCM in chunks, under a
key that is derived from the master key for this file alone; each chunk is bound to the header, to
its place and to whether it is the last, so that nothing can be changed, moved or cut off.

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
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from store import metadata
from store.archive import Archive
from store.errors import GalleryDamaged, KeyMissing, StoreError
from store.records import Backup, GalleryFacts
from store.vault import Vault
from store.verification import verify_connection
from wording.message import message

SUFFIX = ".rollcall"
_MAGIC = b"rollcall backup 1\n"
_DATABASE = "gallery.db"
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
class _Header:
    """What stands before the ciphertext. digest: of its bytes, which every chunk is bound to."""

    gallery_id: str
    key_id: str
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
    progress: Progress = lambda share: None,
) -> Backup:
    """Write the gallery as it is now into `target`, which appears whole or not at all.

    Args:
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
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sweep(target.parent)
    with _translated(message("no backup was made")), _workplace(target.parent) as folder:
        for attempt in range(_TRIES):
            generation = _copy(engine, folder / _DATABASE, lambda s: progress(s * 0.4))
            try:
                files = _files(folder / _DATABASE, archive, strict=attempt < _TRIES - 1)
                _write(target, files, vault, facts, generation, now, progress)
                break
            except _MovedError:
                _wipe(folder / _DATABASE)
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
    path: Path, vault: Vault, workplace: Path, progress: Progress = lambda share: None
) -> Backup:
    """Open a backup as a restore would, and throw away what was opened.

    Every chunk must open, every file must have its digest, and the database must be sound, of the
    same gallery and key, with an audit trail that holds.

    Args:
        workplace: a folder to open it in, on a disk with room for it.

    Raises:
        GalleryDamaged: it is not what was written. KeyMissing: it belongs to another key.
    """
    sweep(workplace)
    with (
        _translated(message("{name} cannot be checked", name=path.name)),
        _workplace(workplace) as folder,
    ):
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
        _check_database(folder / _DATABASE, header, vault)
        return _backup(path, header)


def sweep(folder: Path) -> None:
    """Wipe what killed backups left in a folder: what nobody has written to for an hour."""
    old = time.time() - _GRACE_SECONDS
    for left in folder.glob(f"{_WORKPLACE}*"):
        if max(path.stat().st_mtime for path in (left, *left.glob("*"))) < old:
            _wipe_folder(left)
    for left in folder.glob(f".*{SUFFIX}.new"):
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


def _files(database: Path, archive: Archive, strict: bool) -> list[_File]:
    """The copy, and the files that its rows name.

    Args:
        strict: an absent one means that somebody was erased meanwhile; else it is left out, as
            doctor says of it.
    """
    named: list[tuple[str, Path, str | None]] = []
    with _opened(database) as connection:
        for head in metadata.all_heads(connection):
            if "file_sha256" in head.manifest:
                path = archive.head(head.head_id)
                named.append((f"heads/{path.name}", path, str(head.manifest["file_sha256"])))
        for job in metadata.all_jobs(connection, None):
            reports = job.details.get("reports")
            for report in reports if isinstance(reports, list) else ():
                named.append((f"reports/{report}", archive.report(str(report)), None))
    files = [_file(_DATABASE, database)]
    for name, path, digest in named:
        try:
            found = _file(name, path)
        except FileNotFoundError as error:
            if strict:
                raise _MovedError from error
            continue
        if digest is not None and found.digest != digest:
            raise GalleryDamaged(
                message("{name} is not the file that was written; run: rollcall doctor", name=name)
            )
        files.append(found)
    return files


def _file(name: str, path: Path) -> _File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return _File(name, path, file.tell(), digest)


def _write(
    target: Path,
    files: list[_File],
    vault: Vault,
    facts: GalleryFacts,
    generation: int,
    now: datetime,
    progress: Progress,
) -> None:
    salt = secrets.token_bytes(32)
    header = {
        "gallery_id": facts.gallery_id,
        "key_id": vault.key_id,
        "made_at": now.isoformat(timespec="seconds"),
        "generation": generation,
        "salt": salt.hex(),
        "files": [{"name": f.name, "size": f.size, "sha256": f.digest} for f in files],
    }
    raw = json.dumps(header, sort_keys=True).encode()
    bound = hashlib.sha256(raw).digest()
    cipher = vault.backup_cipher(salt)
    whole = max(sum(f.size for f in files), 1)
    # A name of its own: what a killed one left must not stand in the way of the next.
    new = target.with_name(f".{secrets.token_hex(8)}.{target.name}.new")
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(_MAGIC + len(raw).to_bytes(4, "big") + raw)
            done = 0
            for number, (chunk, last) in enumerate(_chunks(files)):
                out.write(cipher.encrypt(_nonce(number), chunk, _bind(bound, last)))
                done += len(chunk)
                progress(0.4 + 0.6 * done / whole)
            out.flush()
            os.fsync(out.fileno())
        new.rename(target)
    finally:
        new.unlink(missing_ok=True)
    _sync(target.parent)


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


def _header(file: BinaryIO, name: str) -> _Header:
    problem = GalleryDamaged(
        message("{name} is no backup of Rollcall, or is damaged; use another one", name=name)
    )
    if file.read(len(_MAGIC)) != _MAGIC:
        raise problem
    length = int.from_bytes(file.read(4), "big")
    if length > _HEADER_MOST:
        raise problem
    raw = file.read(length)
    try:
        found = json.loads(raw)
        return _Header(
            gallery_id=str(found["gallery_id"]),
            key_id=str(found["key_id"]),
            made_at=datetime.fromisoformat(found["made_at"]),
            generation=int(found["generation"]),
            salt=bytes.fromhex(found["salt"]),
            files=tuple((str(f["name"]), int(f["size"]), str(f["sha256"])) for f in found["files"]),
            digest=hashlib.sha256(raw).digest(),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise problem from error


def _backup(path: Path, header: _Header) -> Backup:
    return Backup(
        path=path,
        size=path.stat().st_size,
        gallery_id=header.gallery_id,
        key_id=header.key_id,
        made_at=header.made_at,
        generation=header.generation,
        files=len(header.files),
        header_digest=header.digest.hex(),
    )


def _unpack(
    file: BinaryIO, header: _Header, vault: Vault, folder: Path, progress: Progress
) -> None:
    """Write the files under numbers, the database under its name; raises GalleryDamaged."""
    plain, done = _Plain(file, header, vault), 0
    for number, (name, size, expected) in enumerate(header.files):
        place = folder / (_DATABASE if name == _DATABASE else str(number))
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

    def __init__(self, file: BinaryIO, header: _Header, vault: Vault) -> None:
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


def _check_database(database: Path, header: _Header, vault: Vault) -> None:
    with _opened(database) as connection:
        wrong = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if wrong != "ok":
            raise GalleryDamaged(
                message("the database in the backup is damaged ({wrong})", wrong=wrong)
            )
        facts = metadata.facts(connection)
        if facts.gallery_id != header.gallery_id:
            raise GalleryDamaged(message("the backup holds another gallery than it says"))
        found = verify_connection(connection, vault).findings
        if found:
            raise GalleryDamaged(
                message(
                    "the backup is of a gallery that was altered: {what}", what=found[0].message
                )
            )


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
    """A private folder for copies that are not sealed, wiped at the end."""
    folder = parent / f"{_WORKPLACE}{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        _wipe_folder(folder)


def _wipe_folder(folder: Path) -> None:
    for file in folder.glob("*"):
        _wipe(file)
    shutil.rmtree(folder, ignore_errors=True)


def _wipe(file: Path) -> None:
    """Overwrite, then delete: names of people must not stay in the disk's free blocks."""
    left = file.stat().st_size
    with file.open("r+b") as out:
        while left > 0:
            left -= out.write(bytes(min(left, _CHUNK)))
        out.flush()
        os.fsync(out.fileno())
    file.unlink()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
