"""Processes that write to one gallery at once, some of them killed with kill -9 as they do."""

import contextlib
import os
import random
import signal
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from enrollment.service import Service
from models.head_trainer import unit_rows
from store.records import NewSample
from tests import tiny
from tests.faults.compiled import compile_once
from tests.faults.forked import Forked, Say
from tests.faults.place import PHOTOS, Place, answers
from tests.faults.soundness import look

_KEPT = 3  # people a writer leaves before it erases its oldest
_PARTS = ("templates", "samples", "consents", "subject_keys")
_WHOLE = f"""SELECT name, {
    ", ".join(f"(SELECT count(*) FROM {t} WHERE {t}.subject_id = s.subject_id)" for t in _PARTS)
} FROM subjects s WHERE name LIKE ?"""  # noqa: S608


def add(service: Service, name: str, seed: int) -> str:
    """Enroll somebody in the one transaction that enrolling is, without photos to look at."""
    # The photos of one person are alike, so that hundreds of people are not taken for each other.
    chance, size = np.random.default_rng(seed), tiny.TinyBackbone.dimension
    drawn = chance.normal(size=size) + 0.2 * chance.normal(size=(PHOTOS, size))
    with service._gallery.change("faults") as change:
        subject_id = change.add_subject(name, None)
        consent = change.add_consent(subject_id, "consent", "yes")
        samples = [
            NewSample(os.urandom(32), b"picture" * 50, {}, v)
            for v in unit_rows(drawn.astype(np.float32))
        ]
        change.add_samples(subject_id, consent, samples)
    return subject_id


def enroll_and_erase(place: Place, label: str, say: Say) -> None:
    """Until it is killed: say what is begun, do it, say that it is done."""
    with place.service() as service:
        there: list[tuple[str, str]] = []
        for number in range(1_000_000):
            name = f"{label}-{number}"
            say(f"begin {name}")
            subject_id = add(service, name, hash(name) % 2**32)
            say(f"added {name}")
            there.append((name, subject_id))
            if len(there) > _KEPT:
                name, subject_id = there.pop(0)
                say(f"erase {name}")
                with service._gallery.change("faults") as change:
                    change.erase([subject_id])
                service._gallery.cut_log()
                say(f"erased {name}")


@dataclass
class Kills:
    """kills: of processes that were at work; acknowledged: what these had said was done."""

    kills: int = 0
    acknowledged: int = 0
    wrong: list[str] = field(default_factory=list)


def kill_writers(place: Place, kills: int, tally: Kills, seed: int = 0, writers: int = 4) -> None:
    """Kill one of four at a random moment, look at what it leaves, put another one in its place."""
    chance, number = random.Random(seed), 0

    def start() -> tuple[str, Forked]:
        nonlocal number
        number += 1
        label = f"w{seed}x{number}"
        child = Forked(lambda say: enroll_and_erase(place, label, say))
        child.go()
        return label, child

    running = [start() for _ in range(writers)]
    try:
        while tally.kills < kills:
            # Not the youngest, which may still be opening the gallery.
            label, child = running.pop(chance.randrange(len(running) - 1))
            child.wait_for(1)  # it has begun to write
            time.sleep(chance.uniform(0, 0.04))
            os.kill(child.pid, signal.SIGKILL)
            ended = child.ended()
            assert ended.killed, ended
            tally.kills += 1
            tally.acknowledged += sum(line.startswith(("added", "erased")) for line in ended.said)
            tally.wrong += _left(place, label, ended.said)
            if tally.kills % 100 == 0:
                for _, other in running:
                    os.kill(other.pid, signal.SIGKILL)
                    other.ended()
                running = []
                look_at_all(place, tally)
            while len(running) < writers:
                running.append(start())
    finally:
        for _, child in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            child.ended()


def look_at_all(place: Place, tally: Kills) -> None:
    """A fresh opening; afterwards the gallery is emptied, so that the next ones stay quick."""
    try:
        look(place)
        with place.service() as service:
            with service._gallery.change("faults") as change:
                people = list(change.subjects())
                change.erase(people)
            service._gallery.finish_erasures()
    except AssertionError as wrong:
        tally.wrong.append(f"after {tally.kills} kills: {wrong}")


def _left(place: Place, label: str, said: Sequence[str]) -> list[str]:
    """What one writer left: everything that it said, and at most what it had begun beside it."""
    done = {"added": set[str](), "erased": set[str](), "begin": set[str](), "erase": set[str]()}
    for line in said:
        what, name = line.split(" ", 1)
        done[what].add(name)
    with closing(sqlite3.connect(place.home / "gallery.db", timeout=30)) as rows:
        found = rows.execute(_WHOLE, [f"{label}-%"]).fetchall()
    wrong = [f"half there: {row}" for row in found if row[1:] != (PHOTOS, PHOTOS, 1, 1)]
    there = {row[0] for row in found}
    lost = done["added"] - done["erase"] - there
    back = there & done["erased"]
    never = there - done["begin"]
    if lost or back or never:
        wrong.append(f"lost: {lost}, back again: {back}, never begun: {never}")
    return wrong


def enroll_some(place: Place, label: str, count: int, say: Say) -> None:
    """Enroll so many; say how long the longest took."""
    slowest = 0.0
    with place.service() as service:
        for number in range(count):
            started = time.monotonic()
            add(service, f"{label}-{number}", number + 1000 * int(label))
            slowest = max(slowest, time.monotonic() - started)
            say(f"{label}-{number}")
    say(f"slowest {slowest}")


def at_once(place: Place, processes: int, each: int) -> tuple[int, float]:
    """So many processes enroll so many each, all at once: how many, and the longest wait.

    Raises:
        AssertionError: one of them was refused, or somebody is lost or there twice.
    """
    children = [
        Forked(lambda say, i=i: enroll_some(place, str(i), each, say)) for i in range(processes)
    ]
    for child in children:
        child.go()
    said: list[str] = []
    for child in children:
        ended = child.ended()
        assert ended.refused is None, ended.refused
        assert ended.broke is None, ended.broke
        said += ended.said
    slowest = max(float(line.split()[1]) for line in said if line.startswith("slowest"))
    names = [line for line in said if not line.startswith("slowest")]
    found = look(place)
    assert found is not None
    assert sorted(found.people) == sorted(names)
    assert len(names) == processes * each
    with place.service() as service:
        answers(service)
    return len(names), slowest


def empty_place(folder: Path) -> Place:
    """Open it once and write, so that forks find every statement compiled."""
    compile_once()
    place = Place(folder / "writers")
    place.root.mkdir()
    place.create()
    with place.service() as service:
        add(service, "the first", 0)
    first = Kills()
    look_at_all(place, first)
    assert not first.wrong, first.wrong
    return place
