"""Where the master key comes from: a setting, a command, the system's keyring, or a file.

Never from the gallery's folder: whoever finds that alone must be able to read nothing, so without
the key nothing starts.
"""

from enrollment.config import Settings
from enrollment.key_command import run_key_command
from store import os_keyring
from store.key import (
    make_key_file,
    new_key,
    old_key_file,
    parse_key,
    read_key_file,
    settle_key_files,
)
from store.vault import key_id_of
from wording.message import message


def read_key(settings: Settings, gallery_id: str, key_id: str) -> bytes:
    """The key of this gallery; ends a rotation that was cut short.

    Args:
        key_id: of the key that the gallery is under, as it says itself.

    Raises:
        KeyMissing: there is none, or it cannot be read.
    """
    if settings.key is not None:
        return parse_key(settings.key)
    if settings.key_command is not None:
        return parse_key(run_key_command(settings.key_command))
    if settings.keyring is not None:
        return parse_key(os_keyring.read(settings.keyring, (entry(gallery_id, key_id), gallery_id)))
    path = settings.key_file(gallery_id)
    settle_key_files(path, key_id)
    return read_key_file(path)


def key_to_read(settings: Settings, gallery_id: str, key_id: str) -> bytes:
    """As `read_key`, and no file is moved: of a gallery that is only read. Raises KeyMissing."""
    if in_file(settings):
        return read_key_file(settings.key_file(gallery_id))
    return read_key(settings, gallery_id, key_id)


def key_of_backup(settings: Settings, gallery_id: str, key_id: str) -> tuple[bytes, bytes]:
    """The key that a backup was made under, and the one that its gallery is to be under.

    They differ after a rotation, where the key of before lies beside the present one.

    Raises:
        KeyMissing: as `read_key`.
    """
    now = read_key(settings, gallery_id, key_id)
    old = old_key_file(settings.key_file(gallery_id), key_id)
    if in_file(settings) and key_id_of(now) != key_id and old.exists():
        return read_key_file(old), now
    return now, now


def in_file(settings: Settings) -> bool:
    """Does the key come from its file?"""
    return not (settings.key or settings.key_command or settings.keyring)


def first_key(settings: Settings, gallery_id: str) -> bytes:
    """For a new gallery: the one that is given, or a new one that is kept. Raises KeyMissing."""
    if settings.key is not None:
        return parse_key(settings.key)
    if settings.key_command is not None:
        return parse_key(run_key_command(settings.key_command))
    if settings.keyring is not None:
        key = new_key()
        os_keyring.keep(settings.keyring, entry(gallery_id, key_id_of(key)), key.hex())
        return key
    return make_key_file(settings.key_file(gallery_id))


def entry(gallery_id: str, key_id: str) -> str:
    """In the keyring. Each key has its own, so that one of before a rotation stays for backups."""
    return f"{gallery_id}:{key_id}"


def said(settings: Settings, gallery_id: str) -> str:
    """Where the key comes from, for people."""
    if settings.key is not None:
        return "ROLLCALL_KEY"
    if settings.key_command is not None:
        return "ROLLCALL_KEY_COMMAND"
    if settings.keyring is not None:
        return message("the system's keyring, service {name}", name=settings.keyring)
    return str(settings.key_file(gallery_id))
