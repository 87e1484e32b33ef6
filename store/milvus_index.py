"""The index elsewhere: vectors in a Milvus collection, and of them only the ids in memory.

Milvus chooses whose rows are looked at; every cosine is computed here from the template in the
database, so the answers are those of `TemplateIndex` to the bit, and a row that is unknown, erased
or changed names nobody. What it can do is to hide a row.

What is there lies between two sets: every template that can be found, and every template that is
kept (suspended people's may be there). A row is written only under the lock of all writers, after
a look whether its template is still kept, so that no slow process brings back who was erased; a row
is deleted only when its template is kept no more, and no id comes twice.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from store.errors import DatabaseAway
from store.index import Exact, best, check_vectors
from store.milvus import AT_ONCE, MOST, Hits, MilvusCollection
from store.truth import Holding, Part, Truth
from store.turn import Turn
from wording.message import message

_SPARE = 7  # rows beyond those asked for, as in `index.py`
_ERROR = 1e-5  # of a cosine in float32, after the turn
_WRONG = 1e-3  # a score so far off is of another vector
_PROBES = 32  # to a question


class MilvusIndex:
    """As `TemplateIndex`. Not safe to share between threads: the gallery's lock is held.

    Args:
        by_content: all rows are compared with the database before the first answer, not their ids
            alone, and a collection that is not as ours are is made anew.
    """

    is_exact = False
    is_elsewhere = True
    nbytes = 0

    def __init__(
        self, dimension: int, collection: MilvusCollection, turn: Turn, *, by_content: bool = False
    ) -> None:
        self.dimension = dimension
        self._collection = collection
        self._turn = turn
        self._by_content = by_content
        self._live = set[int]()
        self._unsure = set[int]()  # to be looked for
        self._missing = set[int]()  # to be written
        self._gone = set[int]()  # to be deleted, where they are kept no more
        self._unsettled = 0  # rows; 1,000 of them cost Milvus Lite 0.1 s a search
        self._known = 0  # which opening of the collection was compared with the database

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, template_id: int) -> bool:
        return template_id in self._live

    @property
    def ids(self) -> frozenset[int]:
        return frozenset(self._live)

    @property
    def place(self) -> str:
        return f"Milvus, {self._collection.place}"

    def expect(self, count: int) -> None:
        pass

    def close(self) -> None:
        self._collection.close()

    def drop(self) -> None:
        """Take everything of this gallery out of Milvus."""
        self._collection.drop()

    def take(self, ids: Sequence[int], parts: Iterable[Part]) -> None:
        """These can be found from now on. `settle` sees that Milvus has them; it reads them itself,
        so `parts` are not asked for."""
        self._live.update(ids)
        self._unsure.update(ids)
        self._gone.difference_update(ids)

    def remove(self, ids: Sequence[int]) -> int:
        """As of `TemplateIndex`; `settle` deletes those that are kept no more."""
        gone = self._live.intersection(ids)
        self._live -= gone
        self._unsure -= gone
        self._missing -= gone
        self._gone |= gone
        return len(gone)

    def settle(self, holding: Holding, *, erasing: bool = False, answering: bool = False) -> None:
        """Bring Milvus to what the database says.

        Args:
            holding: nobody else changes a template within.
            erasing: compare all ids first, for others may have written rows of whom nobody here
                knows.
            answering: rows of nobody may wait for the next change: a search passes them over, and
                must not wait for whoever writes.

        Raises:
            IndexAway, IndexDamaged: it is not, and nothing may be answered. GalleryDamaged.
        """
        self._collection.open(anew=self._by_content)
        if erasing or self._collection.opened != self._known:
            self._look_at_everything(holding)
        if self._unsure:
            self._missing |= self._unsure - self._collection.among(sorted(self._unsure))
            self._unsure.clear()
        for some in _chunks(self._missing):
            with holding() as truth:
                self._write(sorted(truth.among(some)), truth)
            self._missing.difference_update(some)
        if self._unsettled >= AT_ONCE:
            self._settle()
        if self._gone and (erasing or not answering):
            self._delete(holding)

    def _look_at_everything(self, holding: Holding) -> None:
        opened = self._collection.opened
        there = self._collection.ids()
        self._unsure.clear()
        self._missing |= self._live - there
        self._gone |= there - self._live
        if self._by_content:
            for some in _chunks(self._live & there):
                with holding() as truth:
                    kept = sorted(truth.among(some))
                    self._missing.update(self._differing(kept, truth.vectors(kept)))
        self._known, self._by_content = opened, False

    def _differing(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> list[int]:
        """Those that are there otherwise than they should be, or not at all."""
        rows = self._collection.rows(ids)
        turned = self._turn.apply(vectors)
        return [
            i
            for i, row in zip(ids, turned, strict=True)
            if i not in rows or not np.allclose(rows[i], row, rtol=0, atol=_ERROR)
        ]

    def _write(self, ids: Sequence[int], truth: Truth) -> None:
        vectors = truth.vectors(ids)
        check_vectors(vectors, len(ids), self.dimension)
        self._collection.put(ids, self._turn.apply(vectors))
        self._unsettled += len(ids)

    def _settle(self) -> None:
        self._collection.settle()
        self._unsettled = 0

    def _delete(self, holding: Holding) -> None:
        deleted = False
        for some in _chunks(self._gone):
            with holding() as truth:
                kept = truth.among(some)
            gone = [i for i in some if i not in kept]
            self._collection.delete(gone)
            deleted = deleted or bool(gone)
            self._gone.difference_update(some)
        if deleted:
            self._settle()

    def check(self) -> None:
        """To be asked after `settle`. Raises IndexDamaged where rows have gone since."""
        if self._collection.count() < len(self._live):
            raise self._collection.damaged(message("it holds fewer rows than it was given"))

    def search(
        self, probes: NDArray[np.float32], k: int, exact: Exact = lambda _: None
    ) -> list[list[tuple[int, float]]]:
        """As of `TemplateIndex`; `settle` comes first.

        Raises:
            IndexAway, IndexDamaged: Milvus does not answer, or wrongly.
            DatabaseAway: no score can be checked.
        """
        check_vectors(probes, len(probes), self.dimension)
        count = min(k, len(self))
        if count > MOST:
            raise ValueError(f"at most {MOST} templates can be asked for, not {count}")
        found: list[list[tuple[int, float]]] = []
        if count == 0:
            return [[] for _ in probes]
        for begin in range(0, len(probes), _PROBES):
            found += self._search(
                np.ascontiguousarray(probes[begin : begin + _PROBES]), count, exact
            )
        return found

    def _search(
        self, probes: NDArray[np.float32], count: int, exact: Exact
    ) -> list[list[tuple[int, float]]]:
        chosen = self._chosen(self._turn.apply(probes), count)
        ids = sorted({i for some in chosen for i, _ in some})
        vectors = exact(ids)
        if vectors is None:
            raise DatabaseAway(
                message("the database cannot be reached, and without it Milvus is not believed")
            )
        rows = dict(zip(ids, vectors, strict=True))
        answers = []
        for probe, hits in zip(probes, chosen, strict=True):
            answers.append(best(probe, {i: rows[i] for i, _ in hits}, count))
            self._missing.update(  # written anew before the next answer
                i for i, score in hits if abs(score - float(rows[i] @ probe)) > _WRONG
            )
        return answers

    def _chosen(self, turned: NDArray[np.float32], count: int) -> list[Hits]:
        """For each probe what Milvus has of all that may be among its `count` nearest."""
        fetched = min(count + _SPARE, MOST)
        while True:
            found = self._collection.search(turned, fetched)
            live = [
                sorted((hit for hit in hits if hit[0] in self._live), key=lambda hit: -hit[1])
                for hits in found
            ]
            if all(self._enough(a, b, count, fetched) for a, b in zip(found, live, strict=True)):
                break
            if fetched == MOST:
                if any(len(some) < count for some in live):
                    raise self._collection.damaged(
                        message("it is full of rows that are not this gallery's")
                    )
                break
            fetched = min(4 * fetched, MOST)
        if any(len(some) < count for some in live):
            raise self._collection.damaged(message("it gives fewer rows than it was given"))
        return [[hit for hit in some if hit[1] >= some[count - 1][1] - 2 * _ERROR] for some in live]

    @staticmethod
    def _enough(found: Hits, live: Hits, count: int, fetched: int) -> bool:
        if len(found) < fetched:
            return True  # there are no more
        return len(live) >= count and min(s for _, s in found) < live[count - 1][1] - 2 * _ERROR

    def digests(
        self, ids: Sequence[int], truth: Truth, progress: Callable[[float], None]
    ) -> tuple[str, str]:
        """As of `TemplateIndex`: a row that is the turned template counts as the template."""
        self._collection.open()
        there = self._collection.ids()
        wanted = set(ids)
        others = sorted(there - wanted)
        strangers = set(others) - truth.among(others)
        live = hashlib.sha256(np.asarray(sorted(there & wanted | strangers), np.int64).tobytes())
        rebuilt = hashlib.sha256(np.asarray(ids, np.int64).tobytes())
        done = 0
        for some, vectors in truth.in_parts(ids):
            rebuilt.update(vectors.tobytes())
            wrong = set(self._differing(some, vectors))
            for i, vector in zip(some, vectors, strict=True):
                live.update(b"other" if i in wrong else vector.tobytes())
            done += len(some)
            progress(done / len(ids))
        return live.hexdigest(), rebuilt.hexdigest()


def _chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    listed = sorted(ids)
    for begin in range(0, len(listed), AT_ONCE):
        yield listed[begin : begin + AT_ONCE]
