"""The gallery's master key: 32 random bytes, never inside the gallery's folder.

It comes from the caller (who read `ROLLCALL_KEY`) or from a file that only its owner can read.
"""

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path

from disk.whole_file import write_whole
from store.errors import KeyMissing
from wording.message import message

KEY_BYTES = 32


def parse_key(text: str) -> bytes:
    """Read a master key from url-safe base64 or 64 hex digits.

    Raises:
        KeyMissing: the text is not 32 bytes in either form.
    """
    compact = text.strip()
    for decode in (bytes.fromhex, _from_base64):
        try:
            key = decode(compact)
        except (ValueError, binascii.Error):
            continue
        if len(key) == KEY_BYTES:
            return key
    raise KeyMissing(
        message(
            "the key is not 32 bytes as base64 or as 64 hex digits; "
            "make one with: python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    )


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, altchars=b"-_", validate=True)


def make_key_file(path: Path) -> bytes:
    """Write a new key to `path`, readable by its owner alone, and return it.

    The folder is made if it is absent. An existing file is never overwritten.
    """
    key = secrets.token_bytes(KEY_BYTES)
    write_whole(path, key.hex().encode() + b"\n", replaces=False)
    return key


def read_key_file(path: Path) -> bytes:
    """Read a key file.

    Raises:
        KeyMissing: it is absent, unreadable, open to other users, or holds no key.
    """
    try:
        about = path.stat()
        text = path.read_text("ascii")
    except FileNotFoundError as error:
        raise KeyMissing(
            message(
                "the key file {path} is not there; put it back, "
                "or set ROLLCALL_KEY to the key this gallery was made with",
                path=path,
            )
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeyMissing(
            message("the key file {path} cannot be read: {error}", path=path, error=str(error))
        ) from error
    if os.name == "posix" and _open_to_others(about, os.geteuid()):
        raise KeyMissing(
            message("the key file {path} is open to other users; run: chmod 600 {path}", path=path)
        )
    return parse_key(text)


def _open_to_others(about: os.stat_result, reader: int) -> bool:
    """Group bits of a file of root's that we may only read are no group's: so systemd hands over
    a credential, and they stand for the one account that may read it."""
    mode = stat.S_IMODE(about.st_mode)
    if mode == 0o440 and about.st_uid == about.st_gid == 0 != reader:
        return False
    return bool(mode & 0o077)
