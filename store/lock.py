"""One process at a time writes a file that several keep."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOCKED_FOR = 2.0  # seconds that another process may take


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Raises OSError when another process keeps it for too long."""
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        import fcntl
    except ImportError:
        return  # Windows: one process at a time
    deadline = time.monotonic() + _LOCKED_FOR
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() > deadline:
            raise OSError("another process keeps it locked")
        time.sleep(0.01)
