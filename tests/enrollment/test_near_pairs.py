"""Twins: two who are near each other are named apart only by a clear margin."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.near_pairs import near_pairs, needed_margins
from enrollment.photo import photo_bytes
from enrollment.service import Service
from store.schema import audit
from tests import tiny


def twins(apart: float, photos: int = 4, d: int = 64) -> tuple[np.ndarray, list[str]]:
    """Two people whose centres are `apart` from each other, and eight who are not near."""
    rng = np.random.default_rng(0)
    centres = np.eye(d)[:10] * 3
    centres[1] = centres[0] + apart * np.eye(d)[20]
    rows = np.repeat(centres, photos, axis=0) + 0.1 * rng.normal(size=(10 * photos, d))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), [f"s{i // photos}" for i in range(10 * photos)]


def test_only_those_who_are_near_are_a_pair() -> None:
    (pair,) = near_pairs(*twins(0.6), 0.9)
    assert (pair.one, pair.other) == ("s0", "s1")
    assert pair.likeness > 0.9
    assert pair.margin > 0
    assert needed_margins([pair])[frozenset(("s1", "s0"))] == pair.margin
    assert near_pairs(*twins(6.0), 0.9) == ()
    assert near_pairs(twins(1.0)[0][:4], ["s0"] * 4, 0.9) == ()


def test_who_is_mistaken_for_the_other_needs_more() -> None:
    vectors, owners = twins(0.6)
    (apart,) = near_pairs(vectors, owners, 0.9)
    mixed = owners.copy()
    mixed[0], mixed[4] = "s1", "s0"  # a photo of each among the other's
    (confused,) = near_pairs(vectors, mixed, 0.9)
    assert confused.margin > 0
    own = vectors[0] @ (vectors[5:8].mean(axis=0) / np.linalg.norm(vectors[5:8].mean(axis=0)))
    assert confused.margin >= float(vectors[0] @ _row(vectors[[1, 2, 3, 4]]) - own) - 1e-5
    assert apart.margin < 1


def _row(photos: np.ndarray) -> np.ndarray:
    mean = photos.mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_one_photo_each_says_nothing() -> None:
    vectors, owners = twins(0.3, photos=1)
    (pair,) = near_pairs(vectors, owners, 0.9)
    assert pair.margin == 0


@pytest.fixture
def office(service: Service, person: Callable[..., Enrollee]) -> Service:
    """Ten people, and somebody who looks like Person 1."""
    list(service.enroll([person(i) for i in range(10)], "agreed"))
    alike = replace(person(1, range(20, 23)), name="Her twin")
    list(service.enroll([alike], "agreed", allow_collision))
    return service


def test_twins_are_listed_and_the_unclear_is_nobody(office: Service) -> None:
    document = office.point_document(office.calibrate(0.05))
    pairs = document["near_pairs"]
    assert isinstance(pairs, list)
    assert [set(pair["names"]) for pair in pairs] == [{"Person 1", "Her twin"}]
    answers = [
        office.identify(photo_bytes("probe.png", tiny.png(tiny.picture((1, i)))))[0]
        for i in range(50, 70)
    ]
    unclear = [a for a in answers if a.margin is not None and a.margin < pairs[0]["margin"]]
    assert unclear, "or nothing is tested"
    assert all(a.decision == "unknown" and a.name is None for a in unclear)
    other = office.identify(photo_bytes("probe.png", tiny.png(tiny.picture((3, 50)))))[0]
    assert (other.decision, other.name) == ("known", "Person 3")


def test_a_pair_goes_with_who_is_erased(office: Service) -> None:
    twin = office.person("Her twin").subject_id
    assert office.calibrate(0.05).near_pairs
    office.erase("Her twin")
    kept = [pair for _, point in office.operating_points() for pair in point.near_pairs]
    assert all(twin not in (pair.one, pair.other) for pair in kept)
    assert not office.operating_point().near_pairs


def test_that_they_are_two_people_is_written_down(office: Service) -> None:
    twin = office.person("Her twin").subject_id
    engine = office._gallery._engine
    with engine.connect() as connection:
        entries = connection.execute(
            sa.select(audit.c.object, audit.c.details).where(audit.c.action == "subject.different")
        ).all()
    names = office._gallery.pseudonyms([twin, office.person("Person 1").subject_id])
    (entry,) = entries
    assert entry.object == names[twin]
    assert names[office.person("Person 1").subject_id] in entry.details
