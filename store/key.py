"""The gallery's master key: 32 random bytes, never inside the gallery's folder.

It comes from the caller (who read `ROLLCALL_KEY`) or from a file that only its owner can read.
"""

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path

from disk.whole_file import sync_folder, write_whole
from store.errors import KeyMissing
from store.vault import key_id_of
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


def new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def make_key_file(path: Path, key: bytes | None = None) -> bytes:
    """Write a key, a new one where none is given, to `path`, readable by its owner alone.

    The folder is made if it is absent. An existing file is never overwritten.
    """
    key = key or new_key()
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


def next_key_file(path: Path, key_id: str) -> Path:
    """Where a key waits for the transaction that puts the gallery under it."""
    return path.with_name(f"{path.name}.new-{key_id}")


def old_key_file(path: Path, key_id: str) -> Path:
    """Where a key is kept that backups of before a rotation need."""
    return path.with_name(f"{path.name}.old-{key_id}")


def settle_key_files(path: Path, key_id: str) -> None:
    """Put the key that the gallery is under where it is looked for, and the one before it aside.

    After a rotation, and again wherever a crash came between its transaction and this. Each key is
    written and made durable in its new place before it goes from the old one: a power failure may
    lose either half of a rename.

    Args:
        key_id: that the gallery's row names.

    Raises:
        KeyMissing: a key cannot be read, or moved.
    """
    coming = next_key_file(path, key_id)
    if not coming.exists() or key_id_of(read_key_file(coming)) != key_id:
        return
    try:
        if path.exists():
            present = key_id_of(read_key_file(path))
            old = old_key_file(path, present)
            if present != key_id and not old.exists():
                write_whole(old, path.read_bytes(), replaces=False)
        write_whole(path, coming.read_bytes())
        coming.unlink()
        sync_folder(path.parent)
    except (FileNotFoundError, FileExistsError):
        return  # another process was quicker
    except OSError as error:
        raise KeyMissing(
            message(
                "the gallery is under the key in {new}, which cannot be moved to {path}: {error}",
                new=coming,
                path=path,
                error=str(error.strerror),
            )
        ) from error


def _open_to_others(about: os.stat_result, reader: int) -> bool:
    """Group bits of a file of root's that we may only read are no group's: so systemd hands over
    a credential, and they stand for the one account that may read it."""
    mode = stat.S_IMODE(about.st_mode)
    if mode == 0o440 and about.st_uid == about.st_gid == 0 != reader:
        return False
    return bool(mode & 0o077)
