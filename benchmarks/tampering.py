"""Is every kind of tampering seen by `rollcall audit verify`, and what does the watching cost?

    python -m benchmarks.tampering --times 100
    python -m benchmarks.tampering --times 0 --people 10000 --rows 300000     the costs alone

Twelve kinds through the `sqlite3` module on copies of a gallery (tests/store/tampering.py), half of
them by an attacker who knows the schema: links the trail anew, moves seals, and brings yesterday's
seals back. Beside it: how long the check of so many rows takes and what bounds it, and what sealing
and anchoring cost a change of so many people.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

import store.gallery
from store import audit, seal
from store.database import sqlite_url
from store.gallery import Gallery, create_gallery, open_gallery
from store.schema import audit as audit_table
from store.vault import Vault
from store.verification import verify_database
from tests.store.places import KEY, enroll, facts, sample
from tests.store.tampering import KINDS, make_scene

_CHANGES = 60


class NoSealing:
    """As changes were before there were seals."""

    def __init__(self, *_: object) -> None:
        pass

    def touch(self, _ids: Collection[str]) -> None:
        pass

    add = drop = touch

    def watching(self) -> nullcontext[None]:
        return nullcontext()

    def close(self, _generation: int) -> tuple[int, bytes]:
        return 0, b""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=100, help="of each kind")
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=300_000, help="of the audit trail")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.times:
            tamper(Path(folder), options.times)
    if options.rows:
        with tempfile.TemporaryDirectory() as folder:
            long_trail(Path(folder), options.rows)
    if options.people:
        with tempfile.TemporaryDirectory() as folder:
            cost_of_a_change(Path(folder), options.people)


def tamper(folder: Path, times: int) -> None:
    scene = make_scene(folder)
    clean = verify_database(sqlite_url(scene.today), KEY, [scene.anchor])
    assert clean.intact, clean.findings
    workplace = folder / "copy"
    workplace.mkdir()
    seen_in_all = 0
    print(f"{'kind':38} seen            found as (how often)")
    for kind in KINDS:
        seen, names = 0, dict[str, int]()
        for number in range(times):
            found = scene.commit(kind, workplace, number, knowing=number % 2 == 1)
            seen += not found.intact
            for one in {finding.kind for finding in found.findings}:
                names[one] = names.get(one, 0) + 1
        seen_in_all += seen
        told = ", ".join(f"{name} {count}" for name, count in sorted(names.items()))
        print(f"{kind:38} {seen:4} of {times:4}    {told}")
    n = times * len(KINDS)
    bound = f"at least {100 * 0.05 ** (1 / n):.2f} % (95 %)" if seen_in_all == n else "NOT ALL"
    each = f"{100 * 0.05 ** (1 / times):.1f} %"
    print(f"in all {seen_in_all} of {n}: {bound}; of one kind with {times} of {times}: {each}")


def long_trail(folder: Path, rows: int) -> None:
    url, anchor = sqlite_url(folder / "gallery.db"), folder / "one.anchor"
    create_gallery(url, KEY, facts(), 0.01)
    gallery = open_gallery(url, KEY, [anchor])
    enroll(gallery, "Anna")
    _lengthen(gallery, rows)
    gallery.close()
    open_gallery(url, KEY, [anchor]).close()
    took = [verify_database(url, KEY, [anchor]) for _ in range(3)]
    assert all(found.intact for found in took)
    print(
        f"verify of {took[0].rows} audit rows: {_all(found.seconds for found in took)} s, of which"
    )
    wanted = sa.select(audit_table).order_by(audit_table.c.seq)
    with gallery._reading() as connection:
        chain = _timed(lambda: audit.verified_to(connection, gallery._vault))
        read = _timed(lambda: [None for _ in connection.execute(wanted)])
        row = bytes(250)
        digests = _timed(lambda: [gallery._vault.audit_mac(row) for _ in range(rows)])
    print(f"  the chain {chain:.2f} s: reading the rows {read:.2f} s, the digests {digests:.2f} s")


def _lengthen(gallery: Gallery, rows: int) -> None:
    """Rows as `audit.append` makes them, in one go."""
    vault = Vault(KEY)
    with gallery._engine.begin() as connection:
        end, prev = audit.last(connection)
        made = []
        for seq in range(end + 1, rows + 1):
            row: dict[str, object] = {
                "seq": seq,
                "at": datetime.now(UTC).isoformat(timespec="microseconds"),
                "actor": "web",
                "action": "samples.add",
                "object": f"{seq:024x}",
                "details": '{"samples": 3}',
            }
            mac = vault.audit_mac(audit._canonical(row, prev))
            made.append({**row, "prev": prev, "mac": mac})
            prev = mac
        connection.execute(sa.insert(audit_table), made)
        kept = seal.read(connection)
        seal.close(connection, vault, kept, kept, gallery.generation())


def cost_of_a_change(folder: Path, people: int) -> None:
    url = sqlite_url(folder / "gallery.db")
    create_gallery(url, KEY, facts(), 0.01)
    gallery = open_gallery(url, KEY, [folder / "one.anchor"])
    ids = []
    for start in range(0, people, 500):
        with gallery.change("benchmark") as change:
            for number in range(start, min(start + 500, people)):
                ids.append(change.add_subject(f"Person {number}", None))
                consent = change.add_consent(ids[-1], "consent", "yes")
                change.add_samples(ids[-1], consent, [sample(), sample(), sample()])
    started = time.perf_counter()
    assert gallery.verify_audit().intact
    print(f"verify of {people} people: {time.perf_counter() - started:.2f} s")
    turns = iter(range(10**6))

    def request() -> None:
        with gallery.change("benchmark", raises_generation=False) as change:
            change.add_request(ids[next(turns) % people], "export", change.at, "")

    def rename() -> None:
        with gallery.change("benchmark") as change:
            change.rename(ids[next(turns) % people], f"New {next(turns)}")

    def suspend() -> None:
        with gallery.change("benchmark") as change:
            change.set_state(ids[next(turns) % people], "suspended")

    acts: dict[str, Callable[[], object]] = {
        "enroll, 2 photos": lambda: enroll(gallery, f"Newcomer {next(turns)}"),
        "rename": rename,
        "suspend": suspend,
        "a request": request,
    }
    print(f"a change of {people} people, median of {_CHANGES}, ms of wall and of CPU time")
    for name, act in acts.items():
        sealed = [_both(act) for _ in range(_CHANGES)]
        with _unsealed():
            before = [_both(act) for _ in range(_CHANGES)]
        _seal_anew(gallery)
        print(f"  {name:18} sealed and anchored {_median(sealed)}   before {_median(before)}")


def _both(act: Callable[[], object]) -> tuple[float, float]:
    cpu = time.thread_time()
    wall = _timed(act)
    return wall * 1e3, (time.thread_time() - cpu) * 1e3


def _median(of: list[tuple[float, float]]) -> str:
    wall, cpu = (statistics.median(column) for column in zip(*of, strict=True))
    return f"{wall:6.2f} {cpu:6.2f}"


def _seal_anew(gallery: Gallery) -> None:
    with gallery._engine.begin() as connection:
        kept = seal.read(connection)
        _, now = seal.seal_all(connection, gallery._vault)
        seal.close(connection, gallery._vault, kept, now, gallery.generation())


@contextmanager
def _unsealed() -> Iterator[None]:
    sealing, anchoring = store.gallery.Sealing, Gallery._keep_anchors
    store.gallery.Sealing = NoSealing  # type: ignore[assignment, misc]
    Gallery._keep_anchors = lambda *_, **__: None  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        store.gallery.Sealing = sealing  # type: ignore[misc]
        Gallery._keep_anchors = anchoring  # type: ignore[method-assign]


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _all(seconds: Iterator[float]) -> str:
    return " ".join(f"{one:.2f}" for one in seconds)


if __name__ == "__main__":
    main()
