"""Searching through Milvus beside searching in memory, side by side, and is it right?

    python -m benchmarks.milvus
    python -m benchmarks.milvus --url http://HOST:19530 --people 250000 --json milvus.json

Without --url a Milvus Lite is started on this machine; its numbers are those of a server in Python
and say nothing of a Milvus cluster. Drawn people, four templates each. Wall time; every ratio is of
medians of one round each, taken in turn, against the index in memory in the same round. Fails where
the answers are not the same to the bit, or the nearest is not numpy's.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.drawn_crowd import crowd
from store.index import TemplateIndex
from store.milvus import MilvusCollection
from store.milvus_index import MilvusIndex
from store.truth import Truth
from store.turn import Turn
from tests.milvus import running

_EACH = 4
_PROBES = 64
_ROUNDS = 7


class Rows:
    """As `Truth`, of vectors in memory: what decrypting costs is no part of this."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors_of = dict(enumerate(vectors))

    def among(self, ids: Collection[int]) -> set[int]:
        return self.vectors_of.keys() & set(ids)

    def vectors(self, ids: Sequence[int]) -> np.ndarray:
        return np.stack([self.vectors_of[i] for i in ids]) if len(ids) else np.empty((0, 1))

    @contextmanager
    def holding(self) -> Iterator[Truth]:
        yield cast("Truth", self)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a Milvus that is there [default: Milvus Lite, started here]")
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with ExitStack() as open_things:
        url = options.url
        if url is None:
            folder = Path(open_things.enter_context(tempfile.TemporaryDirectory()))
            url = open_things.enter_context(running(folder)).url
        found = measure(url, options.people, options.dimension)
    for name, value in found.items():
        sys.stdout.write(f"{name:44} {value}\n")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))
    wrong = found["answers that differ by a bit"] or found["recall of the nearest, of numpy's"] < 1
    sys.exit(bool(wrong))


def measure(url: str, people: int, dimension: int) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    rows, probes = crowd(rng, people, _EACH, dimension, _PROBES)
    truth, ids = Rows(rows), list(range(len(rows)))
    memory = TemplateIndex(dimension)
    turn = Turn(dimension, b"benchmark")
    collection = MilvusCollection(url, str(uuid.uuid4()), b"benchmark", turn.turned)
    milvus = MilvusIndex(dimension, collection, turn)
    try:
        times = {"filling memory, s": _seconds(lambda: memory.add(ids, rows))}
        milvus.take(ids, [])
        times["filling Milvus, s"] = _seconds(lambda: milvus.settle(truth.holding))
        again = MilvusIndex(dimension, collection, turn)
        again.take(ids, [])
        times["opening: comparing all ids, s"] = _seconds(lambda: again.settle(truth.holding))
        exact = truth.vectors
        one: dict[str, list[float]] = {"memory": [], "Milvus": [], "Milvus alone": []}
        batch: dict[str, list[float]] = {"memory": [], "Milvus": []}
        ways: dict[str, Callable[[np.ndarray], object]] = {
            "memory": lambda p: memory.search(p, 5),
            "Milvus": lambda p: milvus.search(p, 5, exact),
            "Milvus alone": lambda p: collection.search(turn.apply(p), 12),
        }
        for _ in range(_ROUNDS):
            for way, times_of in one.items():
                each = [_seconds(lambda p=p, w=way: ways[w](p[None])) for p in probes[:16]]  # type: ignore[misc]
                times_of.append(statistics.median(each))
            for way, times_of in batch.items():
                times_of.append(_seconds(lambda w=way: ways[w](probes[:16])))  # type: ignore[misc]
        ours, theirs = milvus.search(probes, 5, exact), memory.search(probes, 5)
        nearest = (probes.astype(float) @ rows.astype(float).T).argmax(axis=1)
        times["one person more, ms"] = 1000 * _seconds(lambda: _add(milvus, truth, rng, dimension))
        times["one person erased, ms"] = 1000 * _seconds(lambda: _erase(milvus, truth))
    finally:
        milvus.drop()
        milvus.close()
    ratios = [m / f for m, f in zip(one["Milvus"], one["memory"], strict=True)]
    of_batch = [m / f for m, f in zip(batch["Milvus"], batch["memory"], strict=True)]
    return {
        "templates": len(rows),
        "dimension": dimension,
        "rounds, probes": f"{_ROUNDS}, {_PROBES}",
        **{name: round(value, 3) for name, value in times.items()},
        **{
            f"one query, {way}, ms": round(1000 * statistics.median(t), 2) for way, t in one.items()
        },
        "one query, Milvus / memory": round(statistics.median(ratios), 2),
        "the same, lowest and highest round": f"{min(ratios):.2f} {max(ratios):.2f}",
        "16 at once, Milvus / memory": round(statistics.median(of_batch), 2),
        "index in this process, memory, MB": round(memory.nbytes / 1e6, 1),
        "index in this process, Milvus, MB": 0.0,
        "answers that differ by a bit": sum(a != b for a, b in zip(ours, theirs, strict=True)),
        "recall of the nearest, of numpy's": float(
            np.mean([a[0][0] == b for a, b in zip(ours, nearest, strict=True)])
        ),
    }


def _add(index: MilvusIndex, truth: Rows, rng: np.random.Generator, dimension: int) -> None:
    ids = [10**9 + i for i in range(_EACH)]
    truth.vectors_of.update(zip(ids, _unit(rng.normal(size=(_EACH, dimension))), strict=True))
    index.take(ids, [])
    index.settle(truth.holding)


def _erase(index: MilvusIndex, truth: Rows) -> None:
    ids = [10**9 + i for i in range(_EACH)]
    for i in ids:
        del truth.vectors_of[i]
    index.remove(ids)
    index.settle(truth.holding)


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _seconds(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
