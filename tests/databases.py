"""The databases that tests make galleries in: SQLite files, or `pytest --database postgresql`: one
PostgreSQL server for the session (one a worker), with a fresh database for each gallery.

The server runs as `postgres` where the tests run as root, because PostgreSQL runs as nobody else's
root. It syncs nothing: a power failure is no part of these tests.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from enrollment.opening import database_url
from store.database import migrate, open_engine, sqlite_url

VARIABLE = "ROLLCALL_DATABASE"
_OPTIONS = (
    "listen_addresses= fsync=off full_page_writes=off autovacuum=off "
    "max_connections=400 shared_buffers=64MB log_min_messages=fatal"
)


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of the tests' own, reached by a socket in `data`."""

    data: Path

    def start(self, *more: str) -> None:
        """Nothing happens where it runs already. more: settings as `name=value`."""
        if (self.data / "postmaster.pid").exists():
            return
        options = " ".join(f"-c {option}" for option in (*_OPTIONS.split(), *more))
        options = f"-k {self.data} {options}"
        self._run(f"pg_ctl -D {self.data} -o '{options}' -w -l {self.data}/log start")

    def stop(self) -> None:
        """At once, as in a power failure."""
        self._run(f"pg_ctl -D {self.data} -m immediate stop")

    def make(self) -> None:
        """Texts are in order as people read them, as where a server is set up by hand."""
        if os.getuid() == 0:
            shutil.chown(self.data, "postgres")
        locale = "-E UTF8 --locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US"
        self._run(f"initdb -D {self.data} -U postgres -A trust --no-sync {locale}")

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.data}"

    def do(self, statement: str) -> None:
        """Of the server itself, outside a transaction."""
        engine = open_engine(self.url("postgres"))
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql(statement)
        finally:
            engine.dispose()

    def _run(self, command: str) -> None:
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        words = ["su", "postgres", "-c"] if os.getuid() == 0 else ["sh", "-c"]
        done = subprocess.run(
            [*words, f"cd / && {binaries}/{command}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def installed() -> bool:
    return any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@contextmanager
def server() -> Iterator[Server]:
    """One that runs. Not in pytest's folder: every session of pytest shuts that to other users, and
    the server, which is one, stopped in the middle of another session's tests."""
    if not installed():
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="rollcall-pg-") as folder:
        made = Server(Path(folder))
        made.make()
        made.start()
        try:
            yield made
        finally:
            made.stop()


@contextmanager
def server_of_session() -> Iterator[None]:
    """Within, galleries that name no database are made in fresh ones of this server, which begin
    with the schema: that is quicker than to migrate each."""
    with server() as made, pytest.MonkeyPatch.context() as patch:
        engine = open_engine(made.url("template1"))
        migrate(engine)
        engine.dispose()
        patch.setenv(VARIABLE, made.url("rollcall_{gallery}"))
        yield


def default() -> str | None:
    """What `Settings.database` is in tests; None: SQLite in the gallery's folder."""
    return os.environ.get(VARIABLE)


def in_folder(folder: Path) -> str:
    """The URL of the one database that belongs to this folder."""
    pattern = default()
    if pattern is None:
        return sqlite_url(folder / "gallery.db")
    return pattern.replace("{gallery}", hashlib.sha256(bytes(folder)).hexdigest()[:16])


def alter(home: Path, statement: str) -> None:
    """Change a gallery outside Rollcall."""
    engine = open_engine(database_url(home))
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@contextmanager
def read(home: Path) -> Iterator[None]:
    """Within, another process reads in a gallery, and goes on reading."""
    engine = open_engine(database_url(home))
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM subjects").scalar_one()
        yield
    engine.dispose()


def pointer_of(home: Path) -> Path:
    return home / "gallery.toml"


def copy_of(of: Path, home: Path) -> None:
    """A gallery's folder, and its database where that is elsewhere."""
    shutil.copytree(of, home)
    pattern = default()
    if pattern is None or not pointer_of(of).exists():
        return
    old = _named_in(pointer_of(of))
    new = sa.make_url(in_folder(home)).database
    _server(pattern).do(f'CREATE DATABASE "{new}" TEMPLATE "{old}"')
    said = pointer_of(of).read_text("utf-8").replace(str(old), str(new))
    pointer_of(home).write_text(said, "utf-8")


def drop_all_of(folder: Path) -> None:
    """The databases of every gallery below, and of the folders that `in_folder` was asked for."""
    pattern = default()
    if pattern is None:
        return
    folders = [folder, *(path for path in folder.iterdir() if path.is_dir())]
    names = {sa.make_url(in_folder(one)).database for one in folders}
    names |= {_named_in(pointer) for pointer in folder.rglob("gallery.toml")}
    engine = open_engine(_server(pattern).url("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        there = set(connection.exec_driver_sql("SELECT datname FROM pg_database").scalars())
        for name in sorted(names & there - {None}):
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    engine.dispose()


def _named_in(pointer: Path) -> str | None:
    return sa.make_url(tomllib.loads(pointer.read_text("utf-8"))["database"]).database


def _server(url: str) -> Server:
    return Server(Path(str(sa.make_url(url).query["host"])))
