# ruff: noqa: ANN401 - faiss and hnswlib have no types
"""Which index answers how fast, with how many bytes, and is it right? All side by side.

    python -m benchmarks.index_ladder --json ladder.json
    python -m benchmarks.index_ladder --quick

Drawn people, four templates each; a mated probe is one more of somebody, a stranger a random
direction. CPU time of one thread, where not said otherwise; every ratio is the median over rounds,
each against FAISS's flat index and against reading the same bytes once, in the same round. Fails
where ours is not at least twice as fast as flat on its upper rung, or finds another nearest.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import hnswlib
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.drawn_crowd import crowd
from benchmarks.limits import Limits
from store.index import TemplateIndex

_SIZES = ((10_000, 4_096), (100_000, 512), (1_000_000, 512))
_QUICK = ((2_000, 4_096), (20_000, 512))
_EACH = 4
_PROBES = 256
_STRANGERS = 64
_ROUNDS = 7
_SLOW_TO_BUILD = 50_000  # templates: hnswlib inserts some hundreds to thousands a second


@dataclass
class Line:
    """One way to search, of one size. Times in ms of CPU, memory in MB."""

    way: str
    templates: int
    dimension: int
    one: float = 0.0
    of_flat: float = 0.0  # one query, flat FAISS = 1
    of_bandwidth: float = 0.0  # reading the stored bytes once = 1; higher is better
    stranger: float = 0.0
    batch: float = 0.0  # of 16
    batch_gain: float = 0.0  # over FAISS's default path
    recall: float = 0.0  # of the nearest, mated probes
    recall_strangers: float = 0.0
    megabytes: float = 0.0
    add: float = 0.0  # of one template, while the index is built
    erase: float | None = None  # of one person's templates; None: cannot


Search = Callable[[np.ndarray], np.ndarray]


class Way:
    """search(probes) -> (n,) nearest positions."""

    def __init__(
        self,
        name: str,
        build: Callable[[np.ndarray], Any],
        search: Callable[[Any, np.ndarray], np.ndarray],
        bytes_of: Callable[[Any], int],
        erase: Callable[[Any, list[int]], object] | None = None,
        threads: int = 1,
    ) -> None:
        self.name, self.build, self.search = name, build, search
        self.bytes_of, self.erase, self.threads = bytes_of, erase, threads
        self.clock = time.perf_counter if threads > 1 else time.process_time


def ways(rows: np.ndarray) -> list[Way]:
    count, dimension = rows.shape

    def exact(ids: Sequence[int]) -> np.ndarray:
        return rows[ids]

    def scalar(kind: int) -> Callable[[np.ndarray], Any]:
        def build(rows: np.ndarray) -> Any:
            index = faiss.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT)
            index.train(rows[:20_000])
            index.add(rows)
            return index

        return build

    def inverted(rows: np.ndarray) -> Any:
        lists = min(1_024, max(64, int(2 * np.sqrt(len(rows)))))  # more take minutes to train
        index = faiss.index_factory(dimension, f"IVF{lists},Flat", faiss.METRIC_INNER_PRODUCT)
        index.set_direct_map_type(faiss.DirectMap.Hashtable)
        index.train(rows[: 40 * lists])
        index.add(rows)
        index.nprobe = 16
        return index

    def graph(rows: np.ndarray) -> Any:
        index = hnswlib.Index("ip", dimension)
        index.init_index(len(rows), M=16, ef_construction=200)
        index.add_items(rows, num_threads=1)
        index.set_ef(64)
        return index

    def ours(exact_bytes: int) -> Callable[[np.ndarray], TemplateIndex]:
        def build(rows: np.ndarray) -> TemplateIndex:
            index = TemplateIndex(dimension, exact_bytes)
            index.expect(len(rows))
            index.add(range(len(rows)), rows)
            return index

        return build

    def first(index: Any, probes: np.ndarray) -> np.ndarray:
        return np.asarray(index.search(probes, 1)[1])[:, 0]

    def removed(index: Any, ids: list[int]) -> object:
        return index.remove_ids(np.asarray(ids, np.int64))

    def codes(index: Any) -> int:
        return int(index.ntotal * index.code_size)

    half = faiss.ScalarQuantizer
    found = [
        Way("numpy", lambda rows: rows, lambda rows, p: (rows @ p.T).argmax(0), lambda r: r.nbytes),
        Way("FAISS flat", flat_of, first, codes, removed),
        Way("FAISS flat, 2 threads", flat_of, first, codes, removed, threads=2),
        Way("FAISS SQfp16", scalar(half.QT_fp16), first, codes, removed),
        Way("FAISS SQ8", scalar(half.QT_8bit), first, codes, removed),
        Way("FAISS IVF, 16 probes", inverted, first, lambda i: i.ntotal * (dimension * 4 + 8),
            removed),
    ]  # fmt: skip
    if count <= _SLOW_TO_BUILD:
        found.append(
            Way("hnswlib M16 ef64", graph, lambda i, p: i.knn_query(p, 1, num_threads=1)[0][:, 0],
                lambda i: i.element_count * (dimension * 4 + 2 * 16 * 4 + 16))
        )  # fmt: skip
    for name, exact_bytes in (("ours, exact rung", 1 << 60), ("ours, screened rung", 0)):
        found.append(
            Way(name, ours(exact_bytes),
                lambda i, p: np.asarray([row[0][0] for row in i.search(p, 1, exact)]),
                lambda i: i.nbytes, lambda i, ids: i.remove(ids))
        )  # fmt: skip
    return found


def flat_of(rows: np.ndarray) -> Any:
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    return index


def measured(count: int, dimension: int, only: Sequence[str] = ()) -> list[Line]:
    random = np.random.default_rng(0)
    rows, probes = crowd(random, count // _EACH, _EACH, dimension, min(_PROBES, count // _EACH))
    strangers = random.standard_normal(probes.shape, np.float32)
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    nearest, nearest_to_strangers = (nearest_of(rows, p) for p in (probes, strangers))
    flat, lines = flat_of(rows), []
    for way in ways(rows):
        if only and not any(part in way.name for part in only):
            continue
        print(f"  {way.name} ...", end="\r", file=sys.stderr, flush=True)
        line = Line(way.name, count, dimension)
        begun = time.process_time()
        index = way.build(rows)
        line.add = (time.process_time() - begun) / count * 1e3
        line.megabytes = way.bytes_of(index) / 1e6
        search = partial(way.search, index)
        time_of_one(line, way, search, rows, flat, probes, strangers)
        time_of_batch(line, way, search, flat, probes)
        line.recall = float((search(probes) == nearest).mean())
        found = search(strangers[:_STRANGERS])
        line.recall_strangers = float((found == nearest_to_strangers[:_STRANGERS]).mean())
        if way.erase is not None:
            person = list(range(count // 2, count // 2 + _EACH))
            line.erase = 1e3 * timed(partial(way.erase, index, person))
        lines.append(line)
        del index, search
    return lines


def time_of_one(
    line: Line, way: Way, search: Search, rows: np.ndarray, flat: Any, *of: np.ndarray
) -> None:
    """Args: of: mated probes and strangers."""
    rounds, limits = [], Limits()
    flattened = rows.reshape(-1)
    for i in range(_ROUNDS):
        one, other = (probes[i : i + 1] for probes in of)
        read = limits.seconds_to_read(flattened)
        base = timed(partial(default_search, flat, one))
        mine, theirs = (timed(partial(search, p), way.clock, way.threads) for p in (one, other))
        share = read * line.megabytes * 1e6 / rows.nbytes / mine
        rounds.append((1e3 * mine, mine / base, share, 1e3 * theirs))
    line.one, line.of_flat, line.of_bandwidth, line.stranger = np.median(rounds, axis=0)


def time_of_batch(line: Line, way: Way, search: Search, flat: Any, probes: np.ndarray) -> None:
    rounds = []
    for i in range(3):
        some = probes[16 * i : 16 * i + 16]
        base = timed(partial(default_search, flat, some))
        mine = timed(partial(search, some), way.clock, way.threads)
        rounds.append((1e3 * mine, base / mine))
    line.batch, line.batch_gain = np.median(rounds, axis=0)


def default_search(flat: Any, probes: np.ndarray) -> None:
    """As FAISS does it when nobody has set anything; ours sets the threshold."""
    set_before = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = 128_000
    flat.search(probes, 1)
    faiss.cvar.distance_compute_blas_threshold = set_before


def nearest_of(rows: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """By numpy, some rows at a time."""
    best, place = np.full(len(probes), -2.0), np.zeros(len(probes), np.int64)
    for begin in range(0, len(rows), 50_000):
        cosines = rows[begin : begin + 50_000] @ probes.T
        top = cosines.argmax(axis=0)
        value = cosines[top, np.arange(len(probes))]
        better = value > best
        best[better], place[better] = value[better], begin + top[better]
    return place


def timed(
    act: Callable[[], object], clock: Callable[[], float] = time.process_time, threads: int = 1
) -> float:
    faiss.omp_set_num_threads(threads)
    begun = clock()
    act()
    return clock() - begun


def table(lines: list[Line]) -> str:
    head = (
        f"{'':22} {'one ms':>8} {'/flat':>6} {'/bandw.':>7} {'strngr':>8} {'16 ms':>8} {'gain':>6} "
        f"{'recall':>7} {'strngr':>7} {'MB':>7} {'add ms':>7} {'erase ms':>8}"
    )
    said = [head]
    for n in lines:
        erase = "cannot" if n.erase is None else f"{n.erase:.2f}"
        said.append(
            f"{n.way:22} {n.one:8.2f} {n.of_flat:6.2f} {n.of_bandwidth:7.2f} {n.stranger:8.2f} "
            f"{n.batch:8.1f} {n.batch_gain:6.1f} {n.recall:7.2%} {n.recall_strangers:7.2%} "
            f"{n.megabytes:7.0f} {n.add:7.3f} {erase:>8}"
        )
    return "\n".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small sizes")
    parser.add_argument("--sizes", nargs="+", metavar="TEMPLATESxDIMENSION")
    parser.add_argument("--only", nargs="+", default=(), help="parts of the names of ways")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sizes = _QUICK if options.quick else _SIZES
    if options.sizes:
        sizes = tuple(tuple(map(int, size.split("x"))) for size in options.sizes)
    every: list[Line] = []
    with threadpool_limits(1):
        for count, dimension in sizes:
            lines = measured(count, dimension, options.only)
            every += lines
            print(
                f"{count:,} templates of {dimension} numbers; {_PROBES} mated probes, 64 strangers"
            )
            print(table(lines), flush=True)
    print(
        f"median of {_ROUNDS} rounds; {os.cpu_count()} cores; CPU time of one thread, wall for two"
    )
    if options.json:
        options.json.write_text(json.dumps([asdict(line) for line in every], indent=1))
    upper = [line for line in every if line.way == "ours, screened rung"]
    mine = [line for line in every if line.way.startswith("ours")]
    right = all(line.recall >= 0.999 and line.recall_strangers >= 0.98 for line in mine)
    sys.exit(not right or any(line.of_flat > 0.5 for line in upper))


if __name__ == "__main__":
    main()
