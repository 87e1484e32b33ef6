"""Does a restored backup bring anybody back who was erased after it was made?

    python -m benchmarks.resurrection
    python -m benchmarks.resurrection --people 2000 --erase 1000

Enrolls people (tiny pictures, no TensorFlow), makes a backup, erases some of them, loses the
gallery's folder and restores. Of everybody who was erased it looks for rows, for an answer to a
search with their own templates, and, in everything that the backup, its companion and the master
key give together, for their data key, templates, pictures and names. Then the time of a restore,
and whether the index is the one that was lost.
"""

import argparse
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.opening import facts_of, write_gallery
from enrollment.restoring import restore
from enrollment.service import Service, open_service
from store.backup import open_keys, unpack
from store.companion import companion_of, read_companion
from store.errors import GalleryDamaged
from store.records import NewSample
from store.vault import Vault
from tests import tiny

_PHOTOS = 3
_KEY = bytes.fromhex(tiny.KEY)


@dataclass(frozen=True)
class Known:
    """What somebody who has the person's photos knows, and what was taken from memory."""

    subject_id: str
    name: bytes
    key: bytes
    pictures: tuple[bytes, ...]
    templates: NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """How many of the erased came back, by where it was looked; seconds of each step. control: how
    many could be read in the same backup before they were erased. same:
    restored without an erasure, is the index that of the backup? as_lost: with the erasures, is it
    that of the gallery that was lost?"""

    erased: int
    rows: int
    searched: int
    readable: int
    control: int
    seconds: dict[str, float]
    size: int
    same: bool
    as_lost: bool
    sound: bool

    @property
    def back(self) -> int:
        return self.rows + self.searched + self.readable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=1100)
    parser.add_argument("--erase", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = resurrect(Path(folder), options.people, options.erase)
    bound = 100 * (1 - 0.05 ** (1 / found.erased))
    print(
        f"{options.people} people, backup of {found.size / 1e6:.1f} MB, {found.erased} erased since"
    )
    print(f"  with a row in the restored gallery   {found.rows}")
    print(f"  found by their own templates         {found.searched}")
    print(f"  readable in backup, companion, key   {found.readable} (before: {found.control})")
    said = f"below {bound:.2f} % (95 %)" if not found.back else "NOT ZERO"
    print(f"{found.back} of {found.erased} resurrected: {said}")
    print(f"index after a restore before the erasures is the backup's: {found.same}")
    print(f"index after them is that of the gallery that was lost: {found.as_lost}")
    print(f"audit, seals and anchor hold: {found.sound}")
    print(", ".join(f"{what} {seconds:.2f} s" for what, seconds in found.seconds.items()))


def resurrect(folder: Path, people: int, erase: int) -> Found:
    """Do it in this folder."""
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    settings = Settings(
        home=folder / "home", key=tiny.KEY, key_folder=folder / "keys", actor="test"
    )
    write_gallery(settings, facts_of(capture, "", "required"))
    seconds = {}
    with open_service(settings, capture=capture) as service:
        _enroll(service, people)
        started = time.perf_counter()
        made = service.backup(folder / "backups" / "one.rollcall")
        seconds["backup with its check"] = time.perf_counter() - started
        started = time.perf_counter()
        # With a copy of the key folder: a restore moves the anchor on.
        shutil.copytree(settings.key_folder, folder / "other keys")
        other = replace(settings, home=folder / "before", key_folder=folder / "other keys")
        before = restore(other, made.path)
        seconds["restore, nobody erased"] = time.perf_counter() - started
        known = [_known(service, subject_id) for subject_id in _some(service, erase)]
        control = _readable(made.path, settings.key_folder, folder / "plain", known)
        started = time.perf_counter()
        for one in known:
            service.erase(one.subject_id)
        seconds["one erasure"] = (time.perf_counter() - started) / erase
        lost = service.verify_gallery().rebuilt_digest
    shutil.rmtree(settings.home)
    started = time.perf_counter()
    after = restore(settings, made.path)
    seconds["restore"] = time.perf_counter() - started
    keys = settings.key_folder
    with open_service(settings, capture=capture) as service:
        here = set(service._gallery.subject_ids())
        erased = {one.subject_id for one in known}
        probes = np.concatenate([one.templates for one in known])
        matches = service._gallery.search(probes, 3)
        named = {match.subject_id for row in matches for match in row} & erased
        return Found(
            erased=len(known),
            rows=len(erased & here),
            searched=len(named),
            readable=_readable(made.path, keys, folder / "plain", known),
            control=control,
            seconds=seconds,
            size=made.size,
            same=before.digest == made.digest == before.backup_digest,
            as_lost=after.digest == lost,
            sound=service.verify_gallery().sound and after.erased == erase,
        )


def _enroll(service: Service, people: int) -> None:
    random = np.random.default_rng(0)
    dimension = service.facts.dimension
    for start in range(0, people, 100):
        with service._gallery.change("bench") as change:
            for number in range(start, min(start + 100, people)):
                subject_id = change.add_subject(f"Benchmark Person {number:05}", f"ext-{number:05}")
                consent = change.add_consent(subject_id, "consent", "yes")
                samples = []
                for _ in range(_PHOTOS):
                    vector = random.normal(size=dimension).astype(np.float32)
                    vector /= np.linalg.norm(vector)
                    picture = random.bytes(2000)
                    details = {"source": "bench"}
                    samples.append(NewSample(random.bytes(32), picture, details, vector))
                change.add_samples(subject_id, consent, samples)


def _some(service: Service, count: int) -> list[str]:
    return list(
        np.random.default_rng(1).permutation(sorted(service._gallery.subject_ids()))[:count]
    )


def _known(service: Service, subject_id: str) -> Known:
    gallery = service._gallery
    with gallery._reading() as connection:
        key = gallery._keys(connection, [subject_id])[subject_id].key
    return Known(
        subject_id,
        gallery.names([subject_id])[subject_id].encode(),
        key,
        tuple(sample.image for sample in gallery.samples([subject_id])),
        gallery.vectors_of([subject_id]),
    )


def _readable(backup: Path, keys: Path, folder: Path, known: Sequence[Known]) -> int:
    """How many of these somebody can read who has the backup, its companion and the master key: by
    their data key, which would open their rows, or by what stands there in the clear."""
    folder.mkdir()
    vault = Vault(_KEY)
    header = unpack(backup, vault, folder)
    open_keys(folder, header, vault, [keys])
    files = [path for path in folder.rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    held = read_companion(companion_of(keys, header.gallery_id, header.backup_id)).values()
    with closing(sqlite3.connect(folder / "gallery.db")) as copy:
        stored = dict(copy.execute("SELECT subject_id, wrapped FROM subject_keys").fetchall())
    found = _standing_in(content, known)
    for one in known:
        for wrapped in (stored.get(one.subject_id, b""), *held):
            with suppress(GalleryDamaged):
                if vault.unwrap(one.subject_id, wrapped).key == one.key:
                    found.add(one.subject_id)
    shutil.rmtree(folder)
    return len(found)


def _standing_in(content: bytes, known: Sequence[Known]) -> set[str]:
    """Whose key, name, picture or template stands in it. By eight bytes first: a search for each
    would take minutes."""
    traces: dict[bytes, list[tuple[str, bytes]]] = {}
    for one in known:
        for trace in (one.key, one.name, *one.pictures, *(row.tobytes() for row in one.templates)):
            traces.setdefault(trace[-8:], []).append((one.subject_id, trace))
    wanted = np.array([int.from_bytes(end, "little") for end in traces], np.uint64)
    found = set()
    for offset in range(8):
        length = (len(content) - offset) // 8
        words = np.frombuffer(content, "<u8", length, offset)
        for word in np.unique(words[np.isin(words, wanted)]):
            for subject_id, trace in traces[int(word).to_bytes(8, "little")]:
                if trace in content:
                    found.add(subject_id)
    return found


if __name__ == "__main__":
    main()
