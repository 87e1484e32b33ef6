"""Is anything of a face on the disk that can be read without the key?

What is known of everybody is looked for, byte by byte, in every way that it could be written.
"""

import base64
import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.night_report import NightReport, face_of
from enrollment.nightly import Nightly
from enrollment.opening import facts_of, write_gallery
from enrollment.photo import photo_bytes
from enrollment.planning import NightPolicy
from enrollment.service import Service, open_service
from store.change import template_context
from store.vault import Vault
from tests import tiny
from tests.faults.operations import TinyTrainer
from tests.galleries import TinyPipelines

PHOTOS = 3
_WINDOW = 8  # bytes that a hit is first found by
_LONG = 48  # bytes of a needle


@dataclass(frozen=True)
class Needle:
    """What is looked for. kind: "template", "crop", "face" (as pages and reports show it), "photo"
    or "name". whose: a subject's id."""

    kind: str
    how: str
    whose: str
    text: bytes


def of_template(whose: str, vector: NDArray[np.float32]) -> Iterator[Needle]:
    """A vector in the ways that somebody would write one."""
    raw = vector.astype("<f4").tobytes()
    ways = {
        "float32": raw,
        "float16": vector.astype("<f2").tobytes(),
        "float64": vector.astype("<f8").tobytes(),
        "big-endian": vector.astype(">f4").tobytes(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "JSON": ", ".join(map(repr, vector.astype(float).tolist())).encode(),
        "repr": " ".join(map(str, vector.tolist())).encode(),
    }
    for way, text in ways.items():
        yield Needle("template", way, whose, text[:_LONG])
    for shift in range(3):  # what stands before shifts every letter of base64
        yield Needle(
            "template", "base64", whose, base64.b64encode(raw[shift : shift + 36])[: _LONG - 4]
        )


def of_picture(kind: str, whose: str, content: bytes) -> Iterator[Needle]:
    """Out of the middle: every picture begins alike."""
    middle = content[len(content) // 2 :][:_LONG]
    yield Needle(kind, "bytes", whose, middle)
    yield Needle(kind, "hex", whose, middle.hex().encode()[:_LONG])
    for shift in range(3):
        encoded = base64.b64encode(middle[shift : shift + 36])[: _LONG - 4]
        yield Needle(kind, "base64", whose, encoded)


class Finder:
    """Finds any of many texts in any bytes, by the first eight of each."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        self._by_key: dict[int, list[Needle]] = {}
        for needle in needles:
            assert len(needle.text) >= _WINDOW, needle
            key = int.from_bytes(needle.text[:_WINDOW], "little")
            self._by_key.setdefault(key, []).append(needle)
        self._keys = np.asarray(sorted(self._by_key), np.uint64)

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))

    def found_in(self, content: bytes) -> Iterator[Needle]:
        for shift in range(_WINDOW):
            count = (len(content) - shift) // _WINDOW
            if count <= 0 or len(self._keys) == 0:
                continue
            words = np.frombuffer(content, "<u8", count, shift)
            near = np.minimum(np.searchsorted(self._keys, words), len(self._keys) - 1)
            for at in np.flatnonzero(self._keys[near] == words):
                begin = shift + int(at) * _WINDOW
                for needle in self._by_key[int(words[at])]:
                    if content.startswith(needle.text, begin):
                        yield needle


Hits = dict[str, Counter[str]]  # file -> what was found in it, and how often


def scan(finder: Finder, folders: Iterable[Path]) -> Hits:
    hits: Hits = {}
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            found = Counter(f"{n.kind} as {n.how}" for n in finder.found_in(path.read_bytes()))
            hits[str(path.relative_to(folder.parent))] = found
    return hits


# -- a gallery with people in it ------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    folder: Path
    service: Service
    needles: tuple[Needle, ...]
    names: Mapping[str, str]  # by subject id

    @property
    def places(self) -> list[Path]:
        """Gallery with -wal, reports and backups, its keys' folder less the key, temp and logs."""
        return [self.folder / name for name in ("gallery", "keys", "temp", "logs")]


@contextmanager
def scene(folder: Path, people: int) -> Iterator[Scene]:
    """People enrolled as a door does it, somebody in the review queue, a night that was run twice,
    one that was broken off, a backup; still open."""
    for name in ("temp", "logs", "keys"):
        (folder / name).mkdir(parents=True)
    before, tempfile.tempdir = tempfile.tempdir, str(folder / "temp")
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    settings = Settings(folder / "gallery", key=tiny.KEY, key_folder=folder / "keys", actor="test")
    write_gallery(settings, facts_of(capture, "for tests", "required"))
    try:
        with open_service(settings, capture=capture, pipelines=TinyPipelines()) as service:
            photos = _enroll(service, people, folder / "logs" / "said")
            for number in range(10):
                stranger = photo_bytes("door", tiny.png(tiny.picture((90_000 + number, 0))))
                service.identify(stranger, service.queue.look_on)
            _nights(service)
            service.rebackbone.prepare(tiny.OtherBackbone.name)
            backup = folder / "gallery" / "backups" / "one.rollcall"
            backup.parent.mkdir()
            service._gallery.backup(service._archive, backup)
            yield Scene(folder, service, tuple(_needles(service, photos)), _names(service))
    finally:
        tempfile.tempdir = before


def _enroll(service: Service, people: int, log: Path) -> dict[str, list[bytes]]:
    photos: dict[str, list[bytes]] = {}

    def everybody() -> Iterator[Enrollee]:
        for number in range(people):
            name = f"Zacharias Musterperson {number:05}"
            taken = [tiny.png(tiny.picture((number, i))) for i in range(PHOTOS)]
            photos[name] = taken
            named = tuple(photo_bytes(f"{i}.png", photo) for i, photo in enumerate(taken))
            yield Enrollee(name, None, named)

    with log.open("w") as file:
        for report in service.enroll(list(everybody()), "agreed", allow_collision):
            document = report.as_document()
            file.write(json.dumps({k: v for k, v in document.items() if k != "name"}) + "\n")
    return photos


def _nights(service: Service) -> None:
    archive, gallery = service._archive, service._gallery
    report, trainer = NightReport(gallery, archive, "here"), TinyTrainer(gallery.facts.dimension)
    for _ in range(2):
        nightly = Nightly(gallery, archive, lambda: 0.6, report.write, "test", trainer)
        assert nightly.run(NightPolicy(mode="joint"), force=True).report is not None
    head, *_ = (head for head in gallery.heads() if "file_sha256" in head.manifest)
    archive.write_head(
        "broken-off", archive.read_head(head.head_id, str(head.manifest["file_sha256"]))
    )
    archive.write_report("broken-off.html", "\n".join(_names(service).values()).encode())


def _names(service: Service) -> dict[str, str]:
    return {subject.subject_id: subject.name for subject in service.people()}


def _needles(service: Service, photos: Mapping[str, list[bytes]]) -> Iterator[Needle]:
    for subject_id, name in _names(service).items():
        for template in service._gallery.stored_templates([subject_id]):
            yield from of_template(subject_id, template.vector)
        for vector in service._gallery.shadow_vectors_of([subject_id]):
            yield from of_template(subject_id, vector)
        for sample in service._gallery.samples([subject_id]):
            yield from of_picture("crop", subject_id, sample.image)
            yield from of_picture("face", subject_id, base64.b64decode(face_of(sample)))
        for photo in photos[name]:
            yield from of_picture("photo", subject_id, photo)


def names_of(scene: Scene) -> Finder:
    return Finder(Needle("name", "text", s, n.encode()) for s, n in scene.names.items())


# -- with the key ---------------------------------------------------------------------------------


def opened(scene: Scene) -> dict[str, bytes]:
    """Everything in the live files that still opens with the key: rows, faces of nobody, heads."""
    vault, plain = Vault(bytes.fromhex(tiny.KEY)), dict[str, bytes]()
    fingerprint = scene.service.facts.fingerprint
    with closing(sqlite3.connect(scene.folder / "gallery" / "gallery.db")) as database:
        database.row_factory = sqlite3.Row
        keys = {
            row["subject_id"]: vault.unwrap(row["subject_id"], row["wrapped"])
            for row in database.execute("SELECT * FROM subject_keys")
        }
        for row in database.execute("SELECT * FROM templates"):
            context = template_context(row["template_id"], fingerprint)
            plain[f"template {row['template_id']}"] = keys[row["subject_id"]].open(
                row["vector"], *context
            )
        (other,) = database.execute("SELECT fingerprint FROM shadow").fetchone()
        for row in database.execute("SELECT * FROM shadow_templates"):
            context = template_context(row["template_id"], other)
            plain[f"shadow {row['template_id']}"] = keys[row["subject_id"]].open(
                row["vector"], *context
            )
        for row in database.execute("SELECT * FROM samples"):
            for column, what in (("image", "image"), ("details", "details")):
                plain[f"{what} {row['sample_id']}"] = keys[row["subject_id"]].open(
                    row[column], what, row["sample_id"]
                )
    gallery = scene.service._gallery
    images = gallery.sighting_images([s.sighting_id for s in gallery.sightings()])
    plain |= {f"sighting {name}": image for name, image in images.items()}
    plain |= {f"vector {one.sighting_id}": one.vector.tobytes() for one in gallery.sightings()}
    for path in (scene.folder / "gallery" / "heads").iterdir():  # named by a row or not
        plain[path.stem] = vault.open_head(path.stem, path.read_bytes())
    return plain
