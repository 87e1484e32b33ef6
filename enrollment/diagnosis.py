"""What is in force here, what is wrong, and what to do next."""

import importlib.metadata
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from enrollment.calibration import OperatingPoint
from enrollment.capture import Capture
from enrollment.champion import Champion
from enrollment.cohort import Cohort
from enrollment.config import Settings
from enrollment.errors import RollcallError
from enrollment.key_source import said
from enrollment.opening import far_away
from models.anti_spoofing import find_weights, how_to_place
from store.errors import StoreError
from store.gallery import Gallery
from wording.message import message, words_of

_LIBRARIES = (
    "deepface", "tensorflow", "keras", "mtcnn", "opencv-python", "faiss-cpu", "onnxruntime",
    "dlib-bin", "numpy", "pillow", "SQLAlchemy", "streamlit",
)  # fmt: skip

_LEAST_FREE = 200 * 10**6  # bytes: below, a night or a backup may fill the disk


@dataclass(frozen=True)
class Diagnosis:
    """device: where embeddings are computed, said aloud. cohort: the strangers that confidence is
    measured against, in words. key, key_id: where the master key comes from, and which one the
    gallery is under. index: where it is. receipts_key: whose signature a receipt of an erasure
    carries, Ed25519, hex. disk_free, database_size: bytes; None where the database is another
    machine's. problems: each with its next step."""

    home: str
    backbone: str
    backbone_reason: str
    device: str | None
    weights: dict[str, object] | None
    licence: str | None
    detector: str
    fingerprint: str
    key: str
    key_id: str
    consent_policy: str
    index: str
    subjects: int
    templates: int
    generation: int
    operating_point: dict[str, object] | None
    cohort: str | None
    anti_spoofing: str
    versions: dict[str, str]
    disk_free: int | None
    database_size: int | None
    receipts_key: str
    problems: tuple[str, ...]
    next_step: str

    def as_document(self) -> dict[str, object]:
        return asdict(self)


def diagnose(
    gallery: Gallery,
    capture: Callable[[], Capture],
    point: Callable[[], OperatingPoint],
    settings: Settings,
    champion: Champion,
    cohort: Callable[[], Cohort | None],
    weights_folders: Sequence[Path],
    progress: Callable[[float], None] = lambda share: None,
) -> Diagnosis:
    facts = gallery.facts
    problems: list[str] = []
    subjects = [s for s in gallery.subjects().values() if s.state != "merged"]
    backbone = None
    measured = None
    try:
        gallery.check_index()
        found = gallery.verify(progress)
        if found.damage:
            problems.append(
                message("the database is damaged ({damage}): restore a backup", damage=found.damage)
            )
        problems += [finding.message for finding in found.audit.findings]
        problems += [anchor.problem for anchor in found.audit.anchors if anchor.problem]
        if found.live_digest != found.rebuilt_digest:
            problems.append(message("the index differs from the database: run rollcall rebuild"))
        backbone = capture().backbone
        measured = point().as_document()
    except (RollcallError, StoreError) as error:
        problems.append(words_of(error))
    if gallery.unfinished_erasures():
        problems.append(
            message("an erasure has not been finished: stop other processes, run any command")
        )
    if champion.problem:
        problems.append(
            message("{problem}: run rollcall nightly --force", problem=champion.problem)
        )
    far = far_away(settings)
    if far is not None:
        problems.append(far)
    free, size = _space(gallery, settings.home)
    if free is not None and free < _LEAST_FREE:
        problems.append(
            message(
                "there are {free} MB left on the disk of {home}: free some space before it is full",
                free=free // 10**6,
                home=settings.home,
            )
        )
    strangers = cohort()
    few = [s.name for s in subjects if s.templates < 3]
    return Diagnosis(
        home=str(settings.home),
        backbone=facts.backbone,
        backbone_reason=facts.backbone_reason,
        device=backbone.device if backbone else None,
        weights=(
            {
                "path": str(backbone.weights.path),
                "sha256": backbone.weights.sha256,
                "size": backbone.weights.size,
            }
            if backbone
            else None
        ),
        licence=backbone.licence if backbone else None,
        detector=facts.detector,
        fingerprint=facts.fingerprint,
        key=said(settings, facts.gallery_id),
        key_id=gallery.key_id,
        consent_policy=facts.consent_policy,
        index=gallery.index_place or message("in memory"),
        subjects=len(subjects),
        templates=sum(s.templates for s in subjects),
        generation=gallery.generation(),
        operating_point=measured,
        anti_spoofing=(
            message("its weights are here: rollcall watch --anti-spoofing")
            if find_weights(weights_folders)
            else message("not used: {how}", how=how_to_place(weights_folders))
        ),
        cohort=f"{strangers.kind.value}: {strangers.made_from}" if strangers else None,
        disk_free=free,
        database_size=size,
        receipts_key=gallery.public_key.hex(),
        versions={"python": platform.python_version(), **_versions()},
        problems=tuple(problems),
        next_step=_next_step(problems, len(subjects), few, strangers is not None),
    )


def _next_step(problems: list[str], subjects: int, few: list[str], cohort: bool) -> str:
    if problems:
        return problems[0]
    if subjects == 0:
        return message("enroll the first person: rollcall enroll FOLDER --name NAME --consent TEXT")
    if few:
        return message(
            "add photos of {names}: people with at least 3 are found more often",
            names=", ".join(few[:3]),
        )
    if not cohort:
        return message(
            "people are found more often at the same rate of strangers with a cohort; from photos "
            "of people who are not enrolled: rollcall cohort build --strangers DIR"
        )
    return message("nothing to do")


def _space(gallery: Gallery, home: Path) -> tuple[int | None, int | None]:
    """Bytes that are left on the gallery's disk, and that its database takes."""
    if not gallery.can_be_copied:
        return None, None
    files = [home / name for name in ("gallery.db", "gallery.db-wal")]
    return shutil.disk_usage(home).free, sum(f.stat().st_size for f in files if f.exists())


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
