"""Reading a file that may be no file: a pipe would keep us waiting, a device would never end."""

import errno
import hashlib
import os
import stat
from pathlib import Path


class OtherContentError(OSError):
    """It is another file than was expected."""


def read_plain(path: Path, most: int, sha256: str | None = None) -> bytes:
    """All of it.

    Args:
        sha256: hex; what has another digest is not taken into memory.

    Raises:
        OtherContentError: its digest is another.
        FileNotFoundError: there is none. OSError: it is no plain file, it has more than `most`
            bytes, or cannot be read.
    """
    # Not to wait for somebody who writes into a pipe.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        if about.st_size > most:
            raise OSError(errno.EFBIG, "it is far too large")
        if sha256 is not None:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise OtherContentError(errno.EINVAL, "it is another file")
            file.seek(0)
        return file.read(most)
