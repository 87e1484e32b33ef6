"""Every state that a loss of power may leave behind an operation, rebuilt and opened.

What was written and not yet made durable may be there, be gone, or be there in part, sector by
sector; names in a folder that was not made durable likewise. Sectors have 512 bytes. The `-shm`
file is not rebuilt: it is memory, which SQLite makes anew.
"""

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import writes
from tests.faults.boundaries import Harness
from tests.faults.place import Place
from tests.faults.soundness import look
from tests.faults.writes import Write

SECTOR = 512
_LOOK_ANYWAY = 0.002  # share of the states that are opened by the store although they are known


@dataclass
class _Inode:
    """durable: what is surely there; pending: (offset, bytes) or (size, None), in order."""

    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def settle(self) -> None:
        self.durable = _applied(self.durable, self.pending)
        self.pending = []


@dataclass(frozen=True)
class State:
    """files: what is there by path; said: what had been acknowledged when the power went."""

    files: Mapping[str, bytes]
    said: tuple[str, ...]
    point: int

    @property
    def digest(self) -> bytes:
        whole = hashlib.blake2b("\n".join(self.said).encode())
        for path in sorted(self.files):
            whole.update(f"\0{path}\0{len(self.files[path])}\0".encode() + self.files[path])
        return whole.digest()


class Disk:
    """What is on the disk while the writes come one after the other."""

    def __init__(self, root: Path) -> None:
        files = [path for path in root.rglob("*") if path.is_file()]
        self._durable = {str(p.relative_to(root)): _Inode(p.read_bytes()) for p in files}
        self._names = dict(self._durable)
        # (folder, what it does to the names), in order.
        self._pending: list[tuple[str, Callable[[dict[str, _Inode]], None]]] = []
        self.said: list[str] = []

    def write(self, write: Write) -> None:
        if write.path.endswith("-shm"):
            return
        if write.kind == "said":
            lines = write.content.decode().splitlines()
            self.said += [line[1:] for line in lines if line.startswith("+")]
        elif write.kind == "make" and write.path not in self._names:
            self._rename(write.path, _set(write.path, _Inode()))
        elif write.kind in ("data", "size"):
            content = write.content if write.kind == "data" else None
            if write.path in self._names:
                self._names[write.path].pending.append((write.at, content))
        elif write.kind in ("move", "link"):
            self._rename(write.to, _set(write.to, self._names[write.path]))
            if write.kind == "move":
                self._rename(write.path, _unset(write.path))
        elif write.kind == "drop" and write.path in self._names:
            self._rename(write.path, _unset(write.path))
        elif write.kind == "sync":
            self._sync(write.path)

    def _rename(self, path: str, act: Callable[[dict[str, _Inode]], None]) -> None:
        act(self._names)
        self._pending.append((path.rpartition("/")[0], act))

    def _sync(self, path: str) -> None:
        if path in self._names:
            self._names[path].settle()
            return
        for folder, act in self._pending:
            if folder == path:
                act(self._durable)
        self._pending = [(folder, act) for folder, act in self._pending if folder != path]

    def plain(self, point: int) -> Iterator[State]:
        """Everything kept; the data that is not durable lost; the names too; the names alone."""
        for data in (True, False):
            for names in (True, False):
                yield self._state(point, lambda names=names: names, lambda _, data=data: data)

    def torn(self, point: int, chance: random.Random) -> State:
        """Each write that is not durable kept, lost or torn at sectors; names by chance."""
        share = chance.choice((0.1, 0.5, 0.9))

        def kept(content: bytes | None) -> bool | list[bool]:
            if content is None or chance.random() < 0.6:
                return chance.random() < share
            return [chance.random() < share for _ in range(0, len(content), SECTOR)]

        return self._state(point, lambda: chance.random() < share, kept)

    def _state(
        self,
        point: int,
        named: Callable[[], bool],
        kept: Callable[[bytes | None], bool | list[bool]],
    ) -> State:
        names = dict(self._durable)
        for _, act in self._pending:
            if named():
                act(names)
        files: dict[str, bytes] = {}
        for path, inode in sorted(names.items()):
            files[path] = _applied(inode.durable, _some(inode.pending, kept))
        return State(files, tuple(self.said), point)


def _set(path: str, inode: _Inode) -> Callable[[dict[str, _Inode]], None]:
    def act(names: dict[str, _Inode]) -> None:
        names[path] = inode

    return act


def _unset(path: str) -> Callable[[dict[str, _Inode]], None]:
    return lambda names: names.pop(path, None) and None


def _some(
    pending: Sequence[tuple[int, bytes | None]],
    kept: Callable[[bytes | None], bool | list[bool]],
) -> list[tuple[int, bytes | None]]:
    found: list[tuple[int, bytes | None]] = []
    for at, content in pending:
        keeps = kept(content)
        if keeps is True:
            found.append((at, content))
        elif keeps and content is not None:
            parts = [content[i : i + SECTOR] for i in range(0, len(content), SECTOR)]
            found += [
                (at + i * SECTOR, part)
                for i, (part, stays) in enumerate(zip(parts, keeps, strict=True))
                if stays
            ]
    return found


def _applied(durable: bytes, pending: Sequence[tuple[int, bytes | None]]) -> bytes:
    if not pending:
        return durable
    whole = bytearray(durable)
    for at, content in pending:
        end = at if content is None else at + len(content)
        if len(whole) < end:
            whole.extend(bytes(end - len(whole)))
        if content is None:
            del whole[at:]
        else:
            whole[at:end] = content
    return bytes(whole)


@dataclass
class Losses:
    """states: different ones that were opened; looks: by the store itself, because no state before
    held the same rows and files; wrong: what was found."""

    states: int = 0
    looks: int = 0
    wrong: list[str] = field(default_factory=list)


class PowerLoss:
    """The states of one operation.

    durable: False for a control that must find losses: as if nothing were ever made durable.
    """

    def __init__(self, harness: Harness, durable: Callable[[Write], bool] = lambda w: True) -> None:
        self._harness = harness
        self._place = Place(harness.base.root.with_name("power"))
        place = harness.base.copy(harness.trial)
        ended, lines = harness.traced(place, ["-y", "-xx", "-s", "40000000"], writes.CALLS)
        assert ended.broke is None, ended.broke
        assert ended.refused is None, ended.refused
        found = writes.parse(lines, place.root)
        self.writes = [w for w in found if w.kind != "sync" or durable(w)]
        self._known: dict[bytes, str | None] = {}
        self._seen: set[bytes] = set()

    def states(self, most: int, seed: int = 0) -> Iterator[State]:
        """Different ones: at every point those that are plain, then torn ones by chance."""
        chance, barren = random.Random(seed), 0
        for wholly in (True, *[False] * 10_000):
            before = len(self._seen)
            for state in self._round(chance, wholly):
                digest = state.digest
                if digest in self._seen:
                    continue
                self._seen.add(digest)
                yield state
                if len(self._seen) >= most:
                    return
            barren = barren + 1 if len(self._seen) == before else 0
            if barren > 3:
                return

    def _round(self, chance: random.Random, plain: bool) -> Iterator[State]:
        disk = Disk(self._harness.base.root)
        for point, write in enumerate((None, *self.writes)):
            if write is not None:
                disk.write(write)
            if plain:
                yield from disk.plain(point)
            else:
                yield disk.torn(point, chance)

    def check(self, state: State, losses: Losses, chance: random.Random) -> None:
        """Open it; what is wrong is told to `losses`."""
        losses.states += 1
        self._rebuild(state)
        key = self._held(state)
        if key not in self._known or chance.random() < _LOOK_ANYWAY:
            losses.looks += 1
            self._rebuild(state)
            self._known[key] = self._judged(state)
        wrong = self._known[key]
        if wrong is not None:
            losses.wrong.append(f"{self._harness.operation.name} at {state.point}: {wrong}")

    def _judged(self, state: State) -> str | None:
        harness = self._harness
        try:
            now = look(self._place)
            harness.operation.judge(harness.before, now, self._place, state.said)
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:500]
        return None

    def _rebuild(self, state: State) -> None:
        shutil.rmtree(self._place.root, ignore_errors=True)
        self._place.home.mkdir(parents=True)
        for path, content in state.files.items():
            file = self._place.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o600)

    def _held(self, state: State) -> bytes:
        """What the store will see: every row as SQLite reads it, and every file that counts. It
        opens states alike in both alike, so one of them is enough."""
        whole = hashlib.blake2b("\n".join(state.said).encode())
        for path in sorted(state.files):
            counts = not path.startswith("home/gallery.db") and not path.rpartition("/")[
                2
            ].startswith(".")
            private = "/." in path
            whole.update(path.encode())
            if counts and not private:
                whole.update(state.files[path])
        database = self._place.home / "gallery.db"
        if database.exists():
            whole.update(_rows(database).encode())
        secret = self._harness.operation.secret
        if secret:
            files = [p for p in self._place.root.rglob("*") if p.is_file()]
            whole.update(bytes([any(secret in p.read_bytes() for p in files)]))
        return whole.digest()


def _rows(database: Path) -> str:
    """All that can be read, or what SQLite says."""
    try:
        with closing(sqlite3.connect(database)) as opened:
            sound = opened.execute("PRAGMA integrity_check").fetchall()
            tables = opened.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
            rows = [
                opened.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608
                for name, sql in tables
                if str(sql).startswith("CREATE TABLE")
            ]
            return repr((sound, tables, rows))
    except sqlite3.Error as error:
        return f"{type(error).__name__}: {error}"
