"""Reading a file that may be no file: a pipe would keep us waiting, a device would never end."""

import errno
import os
import stat
from pathlib import Path


def read_plain(path: Path, most: int) -> bytes:
    """All of it.

    Raises:
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
        return file.read(most)
