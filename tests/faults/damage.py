"""Files of a gallery that rot: a bit flips, a page is zeroed, the end is gone. Who is named then?

Each trial puts the whole gallery back, damages one file of it, opens it and looks at known faces.
Trials run in a process of their own, which may die: that is one of the outcomes.
"""

import faulthandler
import multiprocessing
import random
import re
import shutil
import sqlite3
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from enrollment import opening
from enrollment.capture import Capture, CapturedFace
from enrollment.cohort import Kind, build_cohort, formula_of
from enrollment.cohort_choice import CohortChoice
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.errors import RollcallError
from enrollment.intake import Enrollee
from enrollment.opening import facts_of, write_gallery
from enrollment.photo import photo_bytes
from enrollment.service import Service, open_service
from models.errors import ModelError
from models.fingerprint import backbone_fingerprint
from models.head_file import HeadArrays, pack
from models.onnx_backbone import OnnxBackbone
from models.weights import verify_record
from store.archive import Archive
from store.backup import verify_backup
from store.errors import StoreError
from store.gallery import Gallery
from store.vault import Vault
from tests import tiny
from tests.faults.compiled import compile_once
from tests.models.tiny_onnx import matrix, tiny_model, write_toml
from wording.message import words_of

PEOPLE, PHOTOS, STRANGERS = 5, 3, 2  # fewer than 8 probes are searched without threads
PAGE = 4096
KEY = tiny.KEY
OURS = (RollcallError, StoreError, ModelError)
# What a person can do next; an error of ours without any of these is counted as one that leaves
# them alone.
STEPS = (
    "rollcall ", "restore", "bring back", "put ", "get ", "download", "delete ", "give ", "Bring ",
    "name the TOML", "save it", "must be", "install",
    "use another", "next night", "give the right key", "another key",
)  # fmt: skip
HUNG = 60.0  # seconds
BAD = ("wrong", "identity", "crash")


@dataclass(frozen=True)
class Damage:
    """kind: "bit" (number `at` of the file is flipped), "page" (4 KiB from `at` are zeroed) or
    "cut" (the file ends at `at`)."""

    artefact: str
    kind: str
    at: int

    def done_to(self, content: bytes) -> bytes:
        raw = bytearray(content)
        if self.kind == "bit":
            raw[self.at // 8] ^= 1 << self.at % 8
        elif self.kind == "page":
            raw[self.at : self.at + PAGE] = bytes(len(raw[self.at : self.at + PAGE]))
        else:
            del raw[self.at :]
        return bytes(raw)


@dataclass(frozen=True)
class Outcome:
    """what: "detected", "ignored" (passed over aloud, answered right), "unchanged", "wrong"
    (another answer), "identity" (somebody is called another) or "crash". said: in which words."""

    what: str
    said: str = ""


@dataclass
class Counted:
    outcomes: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[Damage, Outcome]] = field(default_factory=list)

    @property
    def n(self) -> int:
        return self.outcomes.total()


def bound(failures: int, n: int) -> float:
    """The 95 % upper bound of a rate; without a failure the rule of three, made exact."""
    if n == 0:
        return 1.0
    if failures == 0:
        return float(1 - 0.05 ** (1 / n))
    from scipy.stats import binomtest

    return float(binomtest(failures, n).proportion_ci(0.9, method="exact").high)


# -- what lies on the disk ------------------------------------------------------------------------

DATABASE = "gallery/gallery.db"
# Rows: where in the database's file the values of these lie.
ROWS = {
    "people": "SELECT subject_id, name, state FROM subjects",
    "keys and seals": "SELECT wrapped, seal FROM subject_keys",
    "templates": "SELECT vector FROM templates",
    "operating point": "SELECT details, fingerprint FROM operating_points",
    "cohort": "SELECT details, vectors FROM cohorts",
    "head manifest": "SELECT manifest, head_id FROM heads",
    "audit rows": "SELECT at, details, prev, mac FROM audit",
    "policy": "SELECT gallery_id, fingerprint, backbone, golden FROM gallery",
}
FILES = {
    "database": DATABASE,
    "head file": "gallery/heads/head-1.sealed",
    "anchor": "keys/{gallery_id}.anchor",
    "backup": "gallery/backups/one.rcbackup",
    "onnx file": "models/tiny.onnx",
    "onnx description": "models/tiny.toml",
    "weights file": "models/weights.bin",
    "weights record": "models/weights.bin.sha256",
}
ARTEFACTS = (*FILES, *ROWS)


def make_scene(folder: Path) -> Path:
    """A gallery with a trained head, a cohort, an operating point, an anchor and a backup, and a
    gallery of an ONNX backbone."""
    folder.mkdir(parents=True)
    (folder / "keys").mkdir(mode=0o700)
    _full_gallery(_settings(folder, "gallery"))
    _gallery_of_onnx(folder)
    return folder


def _settings(folder: Path, name: str) -> Settings:
    return Settings(folder / name, key=KEY, key_folder=folder / "keys", actor="test")


def _full_gallery(settings: Settings) -> None:
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    write_gallery(settings, facts_of(capture, "for tests", "required"))
    with open_service(settings, capture=capture) as service:
        list(service.enroll([_person(i) for i in range(PEOPLE)], "agreed", allow_collision))
        _cohort(service._gallery, capture)
        _head(service._gallery, service._archive)
        service.calibrate()
        assert service._champion.trained() is not None, service._champion.problem
        service._gallery.backup(service._archive, _backup(settings))
        service.cut_log()


def _person(number: int) -> Enrollee:
    photos = (tiny.png(tiny.picture((number, i))) for i in range(PHOTOS))
    named = tuple(photo_bytes(f"{number}-{i}.png", photo) for i, photo in enumerate(photos))
    return Enrollee(f"Person {number}", None, named)


def _backup(settings: Settings) -> Path:
    path = settings.home / "backups" / "one.rcbackup"
    path.parent.mkdir(exist_ok=True)
    return path


def _cohort(gallery: Gallery, capture: Capture) -> None:
    pictures = [tiny.picture((1000 + i, 0)) for i in range(120)]
    vectors = np.stack([faces[0].embedding for faces in capture.faces(pictures)])
    strangers = build_cohort(
        vectors, Kind.VECTORS, backbone_fingerprint(capture.backbone), 0.9, "drawn", "2026-11-22"
    )
    with gallery.change("test") as change:
        change.put_cohort(strangers.vectors, strangers.as_document())


def _head(gallery: Gallery, archive: Archive) -> None:
    """The subjects' means, as a night would have trained them."""
    found = gallery.templates()
    ids = tuple(sorted(set(found.subject_ids)))
    owners = np.asarray([ids.index(s) for s in found.subject_ids], np.int64)
    rows = np.stack([found.vectors[owners == i].mean(axis=0) for i in range(len(ids))])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    arrays = HeadArrays(ids, rows.astype(np.float32), np.asarray(found.ids, np.int64), owners)
    digest = archive.write_head("head-1", pack(arrays))
    manifest = {
        "mode": "arcface",
        "file_sha256": digest,
        "score": formula_of(CohortChoice(gallery).current()),
        "strangers": {"scores": [0.1] * 20, "weights": [1.0] * 20, "searched": 20.0},
    }
    with gallery.change("test") as change:
        change.add_head("head-1", "champion", gallery.generation(), manifest, ids)


def _gallery_of_onnx(folder: Path) -> None:
    models = folder / "models"
    models.mkdir()
    (models / "tiny.onnx").write_bytes(tiny_model(["n", 3, 20, 16], matrix()))
    write_toml(models)
    (models / "weights.bin").write_bytes(random.Random(1).randbytes(5000))
    verify_record(models / "weights.bin", models)
    capture = Capture(tiny.TinyDetector(), OnnxBackbone(models / "tiny.toml"))
    settings = _settings(folder, "onnx")
    spec = f"onnx:{models / 'tiny.toml'}"
    write_gallery(settings, facts_of(capture, "for tests", "required", backbone=spec))
    with open_service(settings, capture=capture) as service:
        list(service.enroll([_person(i) for i in range(PEOPLE)], "agreed", allow_collision))
        service.cut_log()


def file_of(scene: Path, artefact: str) -> Path:
    name = FILES.get(artefact, DATABASE)
    if "{gallery_id}" in name:
        with closing(sqlite3.connect(scene / DATABASE)) as database:
            (gallery_id,) = database.execute("SELECT gallery_id FROM gallery").fetchone()
        name = name.format(gallery_id=gallery_id)
    return scene / name


def _own_bytes(scene: Path, artefact: str) -> list[int]:
    """Which bytes of the artefact's file are its own; all of them where it is a file."""
    content = file_of(scene, artefact).read_bytes()
    if artefact not in ROWS:
        return list(range(len(content)))
    with closing(sqlite3.connect(scene / DATABASE)) as database:
        rows = database.execute(ROWS[artefact]).fetchall()
    own: set[int] = set()
    for value in (v if isinstance(v, bytes) else str(v).encode() for row in rows for v in row):
        for begin in range(0, len(value), 48):  # long values go on in other pages
            piece = value[begin : begin + 48]
            if len(piece) >= 6 and (at := content.find(piece)) >= 0:
                own |= set(range(at, at + len(piece)))
    assert own, artefact
    return sorted(own)


def draw(scene: Path, artefact: str, bits: int, others: int, seed: int) -> Iterator[Damage]:
    """Random flips; where the artefact is a file also pages and cuts, half of each."""
    chance = random.Random(f"{artefact} {seed}")
    own = _own_bytes(scene, artefact)
    for _ in range(bits):
        yield Damage(artefact, "bit", chance.choice(own) * 8 + chance.randrange(8))
    if artefact in FILES:
        for number in range(others):
            if number % 2:
                yield Damage(artefact, "cut", chance.randrange(len(own)))
            else:
                yield Damage(artefact, "page", chance.randrange(-(-len(own) // PAGE)) * PAGE)


# -- trials ---------------------------------------------------------------------------------------

Answer = tuple[str, str | None, str | None, float]  # decision, subject id, name, score
Look = Callable[[], tuple[list[Answer], str]]  # what is answered, and what is said of damage


class Bench:
    """One scene, put back before every trial."""

    def __init__(self, scene: Path) -> None:
        compile_once()
        self._scene = scene
        self._whole = {path: path.read_bytes() for path in scene.rglob("*") if path.is_file()}
        self._capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
        self._pictures = [tiny.picture((i, 7)) for i in range(PEOPLE)]
        self._pictures += [tiny.picture((500 + i, 0)) for i in range(STRANGERS)]
        self._faces = [faces[0] for faces in self._capture.faces(self._pictures)]
        ways = (self._gallery, self._onnx, self._restore, self._weights)
        self._right = {way.__name__: way() for way in ways}
        answers, said = self._right["_gallery"]
        assert [a[0] for a in answers] == ["known"] * PEOPLE + ["unknown"] * STRANGERS, answers
        assert said == ""

    def trial(self, damage: Damage) -> Outcome:
        self._put_back()
        path = file_of(self._scene, damage.artefact)
        path.write_bytes(damage.done_to(self._whole[path]))
        look = self._look_at(damage.artefact)
        try:
            answers, said = look()
        except OURS as error:
            return Outcome("detected", words_of(error))
        except BaseException as error:  # whatever it is, it is counted
            where = traceback.extract_tb(error.__traceback__)[-1]
            return Outcome("crash", f"{type(error).__name__}: {error} ({where.name})"[:300])
        right, _ = self._right[look.__name__]
        for answer, wanted in zip(answers, right, strict=True):
            if answer[:3] != wanted[:3]:
                return Outcome("identity" if answer[0] == "known" else "wrong", str(answer))
        if said:
            return Outcome("ignored", said)
        alike = np.allclose([a[3] for a in answers], [r[3] for r in right], atol=1e-5)
        return Outcome("unchanged") if alike else Outcome("wrong", "other scores, nothing said")

    def _put_back(self) -> None:
        for path in self._scene.rglob("*"):
            if path.is_file() and path not in self._whole:
                path.unlink()
        for path, content in self._whole.items():
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)

    def _look_at(self, artefact: str) -> Look:
        if artefact == "backup":
            return self._restore
        if artefact in ("weights file", "weights record"):
            return self._weights
        return self._onnx if artefact in ("onnx file", "onnx description") else self._gallery

    def _gallery(self) -> tuple[list[Answer], str]:
        with open_service(_settings(self._scene, "gallery"), capture=self._capture) as service:
            answers = _answers(service, self._faces)
            problems = [service._champion.problem]
            problems += [anchor.problem for anchor in service._gallery.anchors()]
        return answers, next((problem for problem in problems if problem), "")

    def _onnx(self) -> tuple[list[Answer], str]:
        vars(opening)["open_detector"] = lambda spec: tiny.TinyDetector()
        with open_service(_settings(self._scene, "onnx")) as service:
            faces = [found[0] for found in service._capture.faces(self._pictures)]
            return _answers(service, faces), ""

    def _restore(self) -> tuple[list[Answer], str]:
        folder = self._scene / "workplace"
        folder.mkdir(exist_ok=True)
        keys = _settings(self._scene, "gallery").key_folder
        verify_backup(file_of(self._scene, "backup"), Vault(bytes.fromhex(KEY)), folder, [keys])
        return [], ""

    def _weights(self) -> tuple[list[Answer], str]:
        verify_record(self._scene / "models" / "weights.bin", self._scene / "models")
        return [], ""


def _answers(service: Service, faces: Sequence[CapturedFace]) -> list[Answer]:
    found = service.identifier.faces(faces, "probe")
    return [(i.decision, i.subject_id, i.name, i.score or 0.0) for i in found]


def run(
    folder: Path,
    artefact: str,
    bits: int,
    others: int,
    seed: int,
    told: Callable[[int], None] = lambda n: None,
) -> Counted:
    """So many trials of one artefact; a process that dies or hangs is counted, and another goes on.

    Args:
        folder: to work in, best in memory.
    """
    context = multiprocessing.get_context("spawn")
    counted, done, lives = Counted(), 0, 0
    wanted = bits + (others if artefact in FILES else 0)
    while done < wanted:
        lives += 1
        place = folder / f"{artefact} {seed} {lives}"
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_work, args=(place, artefact, bits, others, seed, done, theirs), daemon=True
        )
        process.start()
        theirs.close()
        under_way: Damage | None = None
        try:
            while done < wanted and ours.poll(HUNG):
                said = ours.recv()
                if isinstance(said, Damage):
                    under_way = said
                    continue
                assert under_way is not None
                _count(counted, under_way, said)
                done, under_way = done + 1, None
                told(done)
        except EOFError:
            pass
        if done < wanted:
            process.kill()
            process.join()
            if under_way is None:
                raise RuntimeError(f"no scene was made: exit {process.exitcode}")
            _count(counted, under_way, Outcome("crash", f"the process ended: {process.exitcode}"))
            done += 1
        process.join()
        shutil.rmtree(place, ignore_errors=True)
    return counted


def _count(counted: Counted, damage: Damage, outcome: Outcome) -> None:
    counted.outcomes[outcome.what] += 1
    if outcome.what in BAD:
        counted.bad.append((damage, outcome))
    elif outcome.said:
        counted.said[_shape(outcome.said)] += 1


def _shape(said: str) -> str:
    """A sentence without what is another one each time."""
    said = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{20,}|/[\w./ -]*/", "~", said)
    return re.sub(r"\d+|\([^()]*\)", "~", said)[:160]


def without_step(counted: Counted) -> Counter[str]:
    """Sentences that leave the reader alone."""
    return Counter({s: n for s, n in counted.said.items() if not any(step in s for step in STEPS)})


def _work(
    place: Path, artefact: str, bits: int, others: int, seed: int, after: int, pipe: Connection
) -> None:
    faulthandler.enable()
    scene = make_scene(place)
    bench = Bench(scene)
    for number, damage in enumerate(draw(scene, artefact, bits, others, seed)):
        if number >= after:
            pipe.send(damage)
            pipe.send(bench.trial(damage))
