"""Merges of two sites that are killed with kill -9 at random points, and what must hold then."""

import os
import random
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enrollment.enroller import Collision
from enrollment.service import Service
from models.head_file import HeadArrays, pack
from models.head_trainer import unit_rows
from tests.faults.forked import Forked, Say
from tests.faults.place import answers
from tests.two_sites import Site, make_site

PHOTOS = range(2)
_ROWS = (
    "SELECT subject_id, name, external_id, state, merged_into, enrolled_at FROM subjects",
    "SELECT consent_id, subject_id, text, given_at, withdrawn_at, expires_at FROM consents",
    "SELECT sample_id, subject_id, consent_id, captured_at FROM samples",
    "SELECT template_id, subject_id, sample_id FROM templates",
    "SELECT negative_id, subject_id FROM negatives",
    "SELECT subject_mac FROM erasures",
    "SELECT state, count(*) FROM heads GROUP BY state",
    "SELECT object FROM audit WHERE action IN ('subject.import', 'subject.different')",
)
State = list[list[tuple[object, ...]]]


@dataclass
class Tally:
    """begun: of the killed ones, how many had written somebody; merged: at which nobody was left to
    come."""

    kills: int = 0
    begun: int = 0
    merged: int = 0


def two_sites(root: Path) -> tuple[Site, Site]:
    """Here somebody of there was erased; one person is at both sites, and two look alike; both
    sites have trained heads, theirs of whoever is to come."""
    here = make_site(root / "here", {"Ada": (1, PHOTOS), "Bea": (2, PHOTOS)})
    there = make_site(root / "there", {"Gone": (9, PHOTOS)})
    here.merge(there)
    with here.open() as service:
        service.erase("Gone")
        train(service)
    people = {f"P{i}": (i, PHOTOS) for i in range(20, 25)}
    there.enroll(people | {"A. Lovelace": (1, [0, 11]), "Twin": (2, [12, 13])})
    with there.open() as service:
        train(service, without="Gone")
    return here, there


def train(service: Service, without: str = "") -> None:
    """Let a head serve whose rows are a little beside the means, as trained ones are."""
    found = service._gallery.templates()
    names = {s.subject_id: s.name for s in service.everybody()}
    kept = [i for i, s in enumerate(found.subject_ids) if names[s] != without]
    ids = tuple(dict.fromkeys(found.subject_ids[i] for i in kept))
    owners = np.asarray([ids.index(found.subject_ids[i]) for i in kept], np.int64)
    means = [found.vectors[kept][owners == i].mean(axis=0) for i in range(len(ids))]
    rows = unit_rows(np.stack(means) + 0.01 * np.eye(len(ids), len(means[0])))
    head = HeadArrays(ids, rows.astype(np.float32), np.asarray(found.ids, np.int64)[kept], owners)
    manifest = {
        "mode": "joint",
        "subjects": len(ids),
        "file_sha256": service._archive.write_head("trained", pack(head)),
        "strangers": {"scores": [0.1] * 100, "weights": [1.0] * 100, "searched": 0.8},
    }
    with service._gallery.change("test") as change:
        change.add_head("trained", "champion", found.generation, manifest, ids)


def answer(twin: Collision) -> str:
    return "same" if twin.near.name == "Ada" else "different"


def killed_merges(root: Path, kills: int, seed: int = 0) -> Tally:
    """Kill so many merges, each into a gallery as it was before and repeated afterwards.

    Raises:
        AssertionError: something is half there, lost, there twice, or back.
    """
    first, there = two_sites(root)
    untouched = there.files()
    whole = copy(first, root / "whole")
    ticks, seconds = 0, time.monotonic()
    child = Forked(lambda say: merge(whole, there, say))
    child.go()
    ended = child.ended()
    assert ended.broke is None, ended.broke
    ticks, seconds = len(ended.said), time.monotonic() - seconds
    expected = state_of(whole)
    chance, tally = random.Random(seed), Tally()
    while tally.kills < kills:
        here = copy(first, root / "killed")
        child = Forked(lambda say, here=here: merge(here, there, say))
        child.go()
        child.wait_for(chance.randint(1, ticks))
        time.sleep(chance.uniform(0, seconds / ticks))
        os.kill(child.pid, signal.SIGKILL)
        if not child.ended().killed:
            continue  # it was quicker
        tally.kills += 1
        left = state_of(here)
        for now, then in zip(left[:5], expected[:5], strict=True):
            assert set(now) <= set(then), "something is there that a whole merge does not bring"
        halves(left)
        tally.begun += left[0] != state_of(first)[0]
        tally.merged += left[0] == expected[0]
        merge(here, there, lambda line: None)
        assert state_of(here) == expected
        with here.open() as service:
            assert service.verify_gallery().sound
            answers(service)
    assert there.files() == untouched, "the other site was written to"
    return tally


def merge(here: Site, there: Site, say: Say) -> None:
    with here.open() as service:
        report = service.merge_gallery(
            there.settings, answer, lambda _people: False, lambda stage, share: say(stage)
        )
    assert report.finished, report


def state_of(site: Site) -> State:
    """What is there, without what differs from run to run: ciphertext, times and names of heads."""
    with closing(sqlite3.connect(site.settings.home / "gallery.db")) as rows:
        return [sorted(rows.execute(query).fetchall(), key=repr) for query in _ROWS]


def halves(state: State) -> None:
    """Whoever is there has a consent, and a template for each photo."""
    people, consents, samples, templates = state[:4]
    assert {row[0] for row in people} == {row[1] for row in consents}
    assert {row[0] for row in samples} == {row[2] for row in templates}
    assert len(samples) == len(templates)


def copy(site: Site, root: Path) -> Site:
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(site.root, root)
    return Site(root)
