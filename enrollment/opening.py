"""Making a gallery, and opening what it needs: key, database, detector, backbone."""

import os
import tomllib
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from disk.network_mount import network_kind
from disk.whole_file import sync_folder, write_whole
from enrollment.capture import Capture
from enrollment.config import DEFAULT_MAX_FPIR, Settings
from enrollment.errors import BadInput, FingerprintMismatch, Unusable
from enrollment.key_source import first_key, read_key
from models.backbone import Download, open_backbone, resolve_backbone
from models.detector import open_detector
from models.errors import ModelError
from models.fingerprint import fingerprint, golden_agree, golden_embeddings
from models.vgg_face import download_weights
from models.weights import Progress
from store.database import sqlite_url
from store.errors import GalleryExists, GalleryMissing, StoreError
from store.gallery import create_gallery, new_gallery_id, open_gallery, read_facts
from store.milvus import check_url
from store.records import GalleryFacts
from wording.message import Message, message, words_of

DEFAULT_DETECTOR = "mtcnn"
POINTER = "gallery.toml"
CONSENT_POLICIES = ("required", "none")


def build_capture(
    settings: Settings,
    detector: str,
    backbone: str,
    progress: Progress | None = None,
    download: Download | None = None,
) -> Capture:
    """Open detector and backbone; raises ModelError."""
    return Capture(
        open_detector(detector),
        open_backbone(
            backbone,
            settings.weights_home,
            progress,
            search=settings.weights_search,
            download=download,
        ),
    )


def create(
    settings: Settings,
    backbone: str = "auto",
    database: str | None = None,
    consent_policy: str = "required",
    progress: Progress | None = None,
    index: str | None = None,
) -> GalleryFacts:
    """Make a gallery in `settings.home`, with its key outside it.

    Raises:
        BadInput: there is one already, or backbone, detector or policy cannot be used.
    """
    if consent_policy not in CONSENT_POLICIES:
        raise BadInput(
            message("the consent policy is one of {known}", known=", ".join(CONSENT_POLICIES))
        )
    if is_gallery(settings.home):
        raise BadInput(
            message("there is a gallery in {home} already; nothing was changed", home=settings.home)
        )
    detector = absolute_spec(settings.detector or DEFAULT_DETECTOR)
    try:
        chosen, reason = resolve_backbone(
            absolute_spec(backbone),
            settings.weights_home,
            search=settings.weights_search,
            download=download_weights,
            progress=progress,
        )
        capture = build_capture(settings, detector, chosen, progress, download_weights)
    except ModelError as error:
        raise BadInput(words_of(error)) from error
    facts = facts_of(capture, reason, consent_policy, backbone=chosen, detector=detector)
    write_gallery(settings, facts, database, index)
    return facts


def join(
    settings: Settings,
    database: str | None,
    progress: Progress | None = None,
    index: str | None = None,
) -> GalleryFacts:
    """Let `settings.home` serve a gallery that another machine has made in PostgreSQL.

    Raises:
        BadInput: there is a gallery here, or no database was named.
        GalleryMissing: the database holds none. KeyMissing: its key is not here.
        FingerprintMismatch: its templates come from another detector or backbone than run here.
    """
    url = database or settings.database
    if url is None or "{gallery}" in url:
        raise BadInput(
            message(
                "to join a gallery name its database in full: "
                "rollcall init --join --database postgresql://HOST/NAME"
            )
        )
    if is_gallery(settings.home):
        raise BadInput(
            message("there is a gallery in {home} already; nothing was changed", home=settings.home)
        )
    index = checked_index(index or settings.index)
    facts, key_id = read_facts(url)
    open_gallery(url, read_key(settings, facts.gallery_id, key_id), index=index).close()
    open_capture(settings, facts, progress)
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_pointer(settings.home, url, index)
    except OSError as error:
        raise _cannot_be_made(settings, error) from error
    return facts


def capture_for_evaluation(
    settings: Settings, backbone: str, progress: Progress | None = None
) -> Capture:
    """Detector and backbone without a gallery. Raises BadInput when they cannot be opened."""
    try:
        detector = absolute_spec(settings.detector or DEFAULT_DETECTOR)
        return build_capture(
            settings, detector, absolute_spec(backbone), progress, download_weights
        )
    except ModelError as error:
        raise BadInput(words_of(error)) from error


def facts_of(
    capture: Capture,
    reason: str,
    consent_policy: str,
    backbone: str | None = None,
    detector: str | None = None,
) -> GalleryFacts:
    """What a new gallery is stamped with; the specs default to the models' own names."""
    return GalleryFacts(
        gallery_id=new_gallery_id(),
        created_at=datetime.now(UTC),
        backbone=backbone or capture.backbone.name,
        backbone_reason=reason,
        detector=detector or capture.detector.name,
        dimension=capture.backbone.dimension,
        fingerprint=fingerprint(capture.detector, capture.backbone),
        golden=golden_embeddings(capture.backbone),
        consent_policy=consent_policy,
    )


def write_gallery(
    settings: Settings,
    facts: GalleryFacts,
    database: str | None = None,
    index: str | None = None,
) -> None:
    """Make key and database; the gallery appears whole or not at all.

    Args:
        database, index: None: as the settings say.

    Raises:
        GalleryExists: there is one. Unusable: the folder or the key's cannot be written to.
        BadInput: it would be in SQLite on another machine's disk.
    """
    try:
        _write_gallery(
            settings,
            facts,
            database or settings.database,
            checked_index(index or settings.index),
        )
    except OSError as error:
        raise _cannot_be_made(settings, error) from error


def _cannot_be_made(settings: Settings, error: OSError) -> Unusable:
    return Unusable(
        message(
            "no gallery was made in {home}: {error}",
            home=settings.home,
            error=str(error.strerror or error),
        )
    )


def _write_gallery(
    settings: Settings, facts: GalleryFacts, database: str | None, index: str | None
) -> None:
    if database is None:
        _refuse_far_away(settings)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = first_key(settings, facts.gallery_id)
    if database is not None:
        url = database.replace("{gallery}", facts.gallery_id)
        create_gallery(url, key, facts, DEFAULT_MAX_FPIR)
        write_pointer(settings.home, url, index)
        return
    new = settings.home / f".{facts.gallery_id}.db"
    try:
        create_gallery(sqlite_url(new), key, facts, DEFAULT_MAX_FPIR)
        new.chmod(0o600)
        write_pointer(settings.home, None, index)
        # A link, unlike a rename, fails when somebody else made a gallery meanwhile.
        os.link(new, _database_file(settings.home))
        # What a killed attempt left: nobody can finish one any more.
        for left in settings.home.glob(".*.db*"):
            left.unlink()
    except FileExistsError as error:
        raise GalleryExists(
            message("there is a gallery in {home} already", home=settings.home)
        ) from error
    finally:
        for left in settings.home.glob(f".{facts.gallery_id}.db*"):
            left.unlink()
    # Else a loss of power takes the names again, and with them a gallery that was acknowledged.
    sync_folder(settings.home)
    sync_folder(settings.home.parent)


def _refuse_far_away(settings: Settings) -> None:
    kind = network_kind(settings.home, settings.mounts)
    if kind is not None:
        raise BadInput(
            message(
                "{home} is on another machine ({kind}), where a gallery in SQLite is damaged "
                "sooner or later; nothing was made. Give a folder on a disk of this machine, or "
                "keep the gallery in PostgreSQL: rollcall init --database postgresql://HOST/NAME",
                home=settings.home,
                kind=kind,
            )
        )


def is_gallery(home: Path) -> bool:
    return _database_file(home).exists() or is_elsewhere(home)


def is_elsewhere(home: Path) -> bool:
    """Is the gallery in a database that a file in `home` names? Raises Unusable where that is
    damaged."""
    return "database" in _read_pointer(home)


def database_url(home: Path) -> str:
    """Raises GalleryMissing when there is none in `home`."""
    if is_elsewhere(home):
        return _read_pointer(home)["database"]
    if not _database_file(home).exists():
        raise GalleryMissing(
            message("there is no gallery in {home}; make one with: rollcall init", home=home)
        )
    return sqlite_url(_database_file(home))


def index_url(home: Path) -> str | None:
    """Of the Milvus that holds the index of the gallery in `home`; None: it is in memory."""
    return _read_pointer(home).get("index")


def move_index(settings: Settings, index: str | None) -> None:
    """Keep the index of an existing gallery elsewhere from now on; nothing stays where it was.

    Args:
        index: URL of a Milvus; None: in memory.

    Raises:
        BadInput: it is no such URL. IndexUnusable: one of both does not answer; nothing was
        changed.
    """
    index, before = checked_index(index), index_url(settings.home)
    url = database_url(settings.home)
    facts, key_id = read_facts(url)
    key = read_key(settings, facts.gallery_id, key_id)
    anchors = settings.anchor_files(facts.gallery_id)
    if before is not None and before != index:
        with closing(open_gallery(url, key, anchors, index=before)) as here:
            here.settle_index()  # else what was written elsewhere would stay there
    if index is not None:
        with closing(open_gallery(url, key, anchors, index=index)) as there:
            there.settle_index()
    if before is not None and before != index:
        with closing(open_gallery(url, key, anchors, index=before)) as here:
            here.drop_index()
    write_pointer(settings.home, url if is_elsewhere(settings.home) else None, index)


def checked_index(index: str | None) -> str | None:
    if index is None:
        return None
    try:
        check_url(index)
    except StoreError as error:
        raise BadInput(words_of(error)) from error
    # A file is the same one from whatever folder Rollcall is started.
    return index if "://" in index else str(Path(index).expanduser().resolve())


def open_capture(
    settings: Settings, facts: GalleryFacts, progress: Progress | None = None
) -> Capture:
    """Detector and backbone of an existing gallery, proved to be those it was made with.

    Raises:
        FingerprintMismatch: they are others, and searching would compare what cannot be compared.
        Unusable: they cannot be opened.
    """
    detector = absolute_spec(settings.detector) if settings.detector else facts.detector
    try:
        capture = build_capture(settings, detector, facts.backbone, progress)
        now = fingerprint(capture.detector, capture.backbone)
        same = now == facts.fingerprint
        golden = same and golden_agree(facts.golden, golden_embeddings(capture.backbone))
    except ModelError as error:
        raise Unusable(words_of(error)) from error
    if not same:
        raise FingerprintMismatch(
            message(
                "this gallery was made with detector {detector} and backbone {backbone} "
                "(fingerprint {fingerprint}), and what runs now is another "
                "(detector {other}, fingerprint {now}); searching would give wrong names. "
                "Bring back the weights, the library versions and ROLLCALL_DETECTOR it was made "
                "with, or move the gallery to another backbone: rollcall rebackbone NAME",
                detector=facts.detector,
                backbone=facts.backbone,
                fingerprint=facts.fingerprint[:12],
                other=detector,
                now=now[:12],
            )
        )
    if not golden:
        raise FingerprintMismatch(
            message(
                "{backbone} gives other embeddings than when this gallery was made, for the "
                "same weights; bring back the versions of its libraries (see: rollcall doctor)",
                backbone=facts.backbone,
            )
        )
    return capture


def absolute_spec(spec: str) -> str:
    """`kind:FILE` with the file's absolute path, so that it holds from every folder."""
    kind, colon, file = spec.partition(":")
    return f"{kind}:{Path(file).expanduser().resolve()}" if colon and file else spec


def far_away(settings: Settings) -> Message | None:
    """The warning for a gallery that is in SQLite on another machine's disk."""
    if not _database_file(settings.home).exists():
        return None
    kind = network_kind(settings.home, settings.mounts)
    if kind is None:
        return None
    return message(
        "{home} is on another machine ({kind}), where a gallery in SQLite is damaged sooner or "
        "later: end every process, move the folder to a disk of this machine, or restore a backup "
        "there",
        home=settings.home,
        kind=kind,
    )


def _database_file(home: Path) -> Path:
    return home / "gallery.db"


def _pointer(home: Path) -> Path:
    return home / POINTER


def _read_pointer(home: Path) -> dict[str, str]:
    try:
        said = tomllib.loads(_pointer(home).read_text("utf-8"))
        named: dict[str, str] = {
            name: str(said[name]) for name in ("database", "index") if name in said
        }
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _pointer_damaged(home) from error
    if not named:
        raise _pointer_damaged(home)
    return named


def _pointer_damaged(home: Path) -> Unusable:
    return Unusable(message('{file} is damaged; it holds: database = "URL"', file=_pointer(home)))


def write_pointer(home: Path, database: str | None, index: str | None) -> None:
    """Say in `home` where database and index are; None: in `home` itself, and in memory."""
    named = {"database": database, "index": index}
    lines = [f"{name} = {_quoted(url)}\n" for name, url in named.items() if url is not None]
    if not lines:
        _pointer(home).unlink(missing_ok=True)
        return
    said = "# A URL may hold a password: keep this file to yourself.\n" + "".join(lines)
    write_whole(_pointer(home), said.encode())


def _quoted(url: str) -> str:
    escaped = url.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
