"""The gallery's master key: which it is, where it comes from, and another one."""

from dataclasses import dataclass
from pathlib import Path

from enrollment.config import Settings
from enrollment.errors import BadInput, Unusable
from enrollment.key_source import entry, in_file, said
from store import os_keyring
from store.archive import Archive
from store.gallery import Gallery
from store.key import (
    make_key_file,
    new_key,
    next_key_file,
    old_key_file,
    parse_key,
    read_key_file,
    settle_key_files,
)
from store.vault import key_id_of
from wording.message import message


@dataclass(frozen=True)
class RotatedKey:
    """before, now: ids. place: where the new key is; None: the caller has it. kept: the file of the
    key of before, which backups of before need; None: the caller has it. log_cut: the old key opens
    nothing in the live files any more."""

    before: str
    now: str
    place: str | None
    kept: Path | None
    subjects: int
    sealed: int
    log_cut: bool

    def as_document(self) -> dict[str, object]:
        return {
            "key_id": self.now,
            "old_key_id": self.before,
            "key": self.place,
            "old_key": str(self.kept) if self.kept else None,
            "subjects": self.subjects,
            "sealed": self.sealed,
            "log_cut": self.log_cut,
        }


class Keys:
    """The key of one gallery that is open."""

    def __init__(self, gallery: Gallery, archive: Archive, settings: Settings) -> None:
        self._gallery = gallery
        self._archive = archive
        self._settings = settings

    @property
    def key_id(self) -> str:
        return self._gallery.key_id

    @property
    def place(self) -> str:
        return said(self._settings, self._gallery.facts.gallery_id)

    def rotate(self, text: str | None = None, file: Path | None = None) -> RotatedKey:
        """Put everything under another key. Kill it where you like: the gallery is under the old
        key or under the new one, and whichever it is lies on the disk.

        Args:
            text: the new key. file: that holds it, and is made where it is absent. None of both: a
                new one is made, where this can keep it.

        Raises:
            BadInput: nobody could find a new key afterwards, or it is the present one.
            GalleryDamaged: the gallery was altered; nothing was changed.
            KeyMissing: text or file hold no key.
            Unusable: the new key cannot be kept; nothing was changed.
            StoreError: as `Gallery.rotate`.
        """
        given = parse_key(text) if text else None
        if file is not None:
            given = read_key_file(file) if file.exists() else _kept(file)
        settings, gallery_id = self._settings, self._gallery.facts.gallery_id
        filed = in_file(settings)
        if given is None and not filed and not settings.keyring:
            raise BadInput(
                message(
                    "the key comes from {place}, where Rollcall cannot put a new one: name a file "
                    "with --new-key-file, or set ROLLCALL_NEW_KEY",
                    place=self.place,
                )
            )
        key, before = given or new_key(), self.key_id
        now = key_id_of(key)
        if now == before:
            raise BadInput(message("the gallery is under this key already; nothing was changed"))
        held = settings.key_file(gallery_id)
        if filed:
            waiting = next_key_file(held, now)
            if not waiting.exists():
                _kept(waiting, key)
        elif settings.keyring:
            os_keyring.keep(settings.keyring, entry(gallery_id, now), key.hex())
        done = self._gallery.rotate(self._archive, key, settings.actor)
        if filed:
            settle_key_files(held, now)
        return RotatedKey(
            before=before,
            now=now,
            place=self.place if filed or settings.keyring else None,
            kept=old_key_file(held, before) if filed else None,
            subjects=done.subjects,
            sealed=done.sealed,
            log_cut=self._gallery.cut_log(),
        )


def _kept(path: Path, key: bytes | None = None) -> bytes:
    try:
        return make_key_file(path, key)
    except OSError as error:
        raise Unusable(
            message(
                "the new key cannot be kept in {path}: {error}; nothing was changed",
                path=path,
                error=str(error.strerror or error),
            )
        ) from error
