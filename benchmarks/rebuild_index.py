"""How fast is the index made anew from the encrypted rows, and is it the same to the bit?

    python -m benchmarks.rebuild_index

Beside it the same numbers unencrypted, in rows of the same length in a database of the same kind:
what reading alone takes. The ratio of the two is what encryption costs an opening. Fails below
50,000 templates a second or when two rebuilds differ.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from store.database import sqlite_url
from store.gallery import Gallery, create_gallery, open_gallery
from store.index import TemplateIndex
from store.records import NewSample
from tests.store.places import KEY, facts

_GOAL = 50_000  # templates a second
_AT_ONCE = 500  # people in a change


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--each", type=int, default=5, help="templates of a person")
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--times", type=int, default=3, help="the quickest is printed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gallery = filled(folder, options.people, options.each, options.dimension)
        count = options.people * options.each
        live = gallery.templates()
        plain = plain_copy(folder, live.ids, live.vectors)
        digests, seconds = set(), []
        for _ in range(max(options.times, 2)):
            seconds.append(timed(gallery.rebuild))
            digests.add(gallery.verify().rebuilt_digest)
        opened = timed(lambda: open_gallery(sqlite_url(folder / "gallery.db"), KEY).refresh())
        read = min(timed(lambda: from_plain(plain, options.dimension)) for _ in seconds)
        gallery.close()
    rate, plain_rate = count / min(seconds), count / read
    print(f"{count} templates of {options.dimension} numbers, {options.people} people")
    print(f"from encrypted rows: {rate:,.0f} templates a second ({min(seconds):.2f} s)")
    print(f"from plain rows:     {plain_rate:,.0f} templates a second ({read:.2f} s)")
    print(f"ratio: {rate / plain_rate:.2f} of the speed of plain bytes")
    print(f"a gallery is opened, seals and all, and ready to search in {opened:.2f} s")
    print(f"{len(seconds)} rebuilds, {len(digests)} digest(s): {', '.join(digests)}")
    sys.exit(rate < _GOAL or len(digests) > 1)


def filled(folder: Path, people: int, each: int, dimension: int) -> Gallery:
    """A gallery of people nobody has seen."""
    url = sqlite_url(folder / "gallery.db")
    golden = np.zeros((8, dimension), np.float32)
    create_gallery(url, KEY, replace(facts(), dimension=dimension, golden=golden), 0.01)
    gallery = open_gallery(url, KEY)
    random = np.random.default_rng(0)
    for begin in range(0, people, _AT_ONCE):
        with gallery.change("benchmark") as change:
            for number in range(begin, min(begin + _AT_ONCE, people)):
                vectors = random.normal(size=(each, dimension)).astype(np.float32)
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
                subject_id = change.add_subject(f"Person {number}", None)
                consent = change.add_consent(subject_id, "consent", "yes")
                samples = [NewSample(random.bytes(32), b"picture", {}, v) for v in vectors]
                change.add_samples(subject_id, consent, samples)
    return gallery


def plain_copy(folder: Path, ids: tuple[int, ...], vectors: np.ndarray) -> Path:
    path = folder / "plain.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE templates (template_id INTEGER PRIMARY KEY, vector BLOB)")
        rows = ((i, vector.tobytes()) for i, vector in zip(ids, vectors, strict=True))
        database.executemany("INSERT INTO templates VALUES (?, ?)", rows)
        database.commit()
    return path


def from_plain(path: Path, dimension: int) -> int:
    """As the gallery does it, without a key."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT template_id, vector FROM templates").fetchall()
    vectors = np.empty((len(rows), dimension), np.float32)
    for row, (_, vector) in zip(vectors, rows, strict=True):
        row[:] = np.frombuffer(vector, np.float32)
    index = TemplateIndex(dimension)
    index.add([template_id for template_id, _ in rows], vectors)
    return len(index)


def timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
