"""Another site's gallery of the same company, opened to be read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from enrollment.config import Settings
from enrollment.errors import BadInput, FingerprintMismatch
from enrollment.key_source import key_to_read
from enrollment.opening import database_url, is_elsewhere, is_gallery
from store.archive import Archive, open_archive
from store.gallery import Gallery
from store.read_only import facts_to_read, open_to_read
from store.records import GalleryFacts
from wording.message import message


@dataclass(frozen=True)
class OtherSite:
    gallery: Gallery
    archive: Archive


@contextmanager
def open_other_site(settings: Settings, here: GalleryFacts) -> Iterator[OtherSite]:
    """Open it, if its templates can be compared with those of here.

    Raises:
        BadInput: there is none, it is the same gallery, or it is in a database that nobody named.
        FingerprintMismatch: its templates come from another pipeline.
        KeyMissing, GalleryDamaged, GalleryLocked, StoreError: it cannot be read, and why.
    """
    if not is_gallery(settings.home):
        raise BadInput(
            message(
                "there is no gallery in {home}; give the other site's folder, the one that holds "
                "gallery.db or gallery.toml",
                home=settings.home,
            )
        )
    url = _url_of(settings)
    facts, key_id = facts_to_read(url)
    if facts.gallery_id == here.gallery_id:
        raise BadInput(
            message(
                "{home} is this very gallery, or a copy of it; give another site's",
                home=settings.home,
            )
        )
    check_same_pipeline(here, facts)
    key = key_to_read(settings, facts.gallery_id, key_id)
    gallery = open_to_read(url, key, settings.anchor_files(facts.gallery_id))
    try:
        yield OtherSite(gallery, open_archive(settings.home, gallery.vault))
    finally:
        gallery.close()


def _url_of(settings: Settings) -> str:
    """A file of the other site must not choose whom this machine connects to, with its own
    password, or which file it opens."""
    if not is_elsewhere(settings.home):
        return database_url(settings.home)
    if settings.database is None or "{gallery}" in settings.database:
        raise BadInput(
            message(
                "the other gallery is in a database; whoever wrote {file} must not choose whom "
                "this machine connects to. Look at the address that stands there and give it: "
                "--other-database postgresql://HOST/NAME",
                file=settings.home / "gallery.toml",
            )
        )
    return settings.database


def check_same_pipeline(here: GalleryFacts, there: GalleryFacts) -> None:
    """Raises FingerprintMismatch where the two galleries' templates cannot be compared."""
    if here.fingerprint == there.fingerprint:
        return
    raise FingerprintMismatch(
        message(
            "the two galleries see faces differently: here detector {detector} and backbone "
            "{backbone} (fingerprint {fingerprint}), there detector {other_detector} and backbone "
            "{other} (fingerprint {other_fingerprint}); nothing was taken over. Move one of them "
            "to the other's backbone first: rollcall rebackbone {backbone}",
            detector=here.detector,
            backbone=here.backbone,
            fingerprint=here.fingerprint[:12],
            other_detector=there.detector,
            other=there.backbone,
            other_fingerprint=there.fingerprint[:12],
        )
    )
