"""What travels to workers and back is the same afterwards, and nobody between reads it."""

from dataclasses import fields

import numpy as np
import pytest

from enrollment.capture import Capture
from enrollment.errors import Unusable
from enrollment.ray_pool import Account, workers_of
from enrollment.ray_worker import Worker
from enrollment.reasons import Reason
from enrollment.reembedding import reembed
from enrollment.sealed_link import SealedLink
from enrollment.sight import Seen, look_at
from enrollment.wire import (
    pack_kept,
    pack_lesson,
    pack_seen,
    read_kept,
    read_lesson,
    read_rows,
    read_seen,
    read_vectors,
)
from models.fingerprint import fingerprint
from models.learners import Imprint, Lesson
from tests import tiny
from wording.message import Message

GB = 2**30


def test_what_was_seen_is_the_same_afterwards(capture: Capture) -> None:
    seen = look_at(tiny.png(tiny.picture((1, 0), (2, 0))), capture)
    assert isinstance(seen, Seen)
    again = read_seen(pack_seen(seen))
    assert isinstance(again, Seen)
    assert len(again.faces) == 2
    for mine, theirs in zip(seen.faces, again.faces, strict=True):
        assert mine.quality == theirs.quality
        assert (mine.face.box, mine.face.confidence) == (theirs.face.box, theirs.face.confidence)
        for one, other in (
            (mine.face.landmarks, theirs.face.landmarks),
            (mine.crop, theirs.crop),
            (mine.embedding, theirs.embedding),
        ):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
    assert again.portraits == seen.portraits
    assert all(portrait.details["source"] == "" for portrait in again.portraits.values())


def test_a_reason_can_still_be_said_in_another_language(capture: Capture) -> None:
    reason = look_at(b"GIF89a", capture)
    assert isinstance(reason, Reason)
    again = read_seen(pack_seen(reason))
    assert again == reason
    assert isinstance(again.message, Message)
    assert again.message.template == reason.message.template


def test_kept_photos_travel_with_their_landmarks_alone() -> None:
    photos = [(b"jpeg", {"landmarks": [[1.5, 2.0]], "source": "Ada/1.jpg"}), (b"", {})]
    packed = pack_kept(photos)
    assert b"Ada" not in packed
    assert read_kept(packed) == [(b"jpeg", {"landmarks": [[1.5, 2.0]]}), (b"", {})]


@pytest.mark.parametrize("full", [True, False])
def test_a_lesson_travels_without_its_subjects_ids(full: bool) -> None:
    rng = np.random.default_rng(3)
    lesson = Lesson(
        ("id-of-ada", "id-of-bob"),
        rng.normal(size=(5, 4)).astype(np.float32),
        np.array([0, 1, 1, 0, 1], np.intp),
        np.zeros((2, 4), np.float32),
        np.array([True, False]),
        importance=rng.normal(size=(2, 4)) if full else None,
        sites=np.array([0, 0, 1, 1, 0], np.intp) if full else None,
        anchor=np.ones((2, 4), np.float32) if full else None,
    )
    packed = pack_lesson(lesson)
    assert b"id-of" not in packed
    again = read_lesson(packed)
    assert again.subject_ids == ("0", "1")
    for field in fields(Lesson)[1:]:
        mine, theirs = getattr(lesson, field.name), getattr(again, field.name)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype


def joined() -> tuple[SealedLink, SealedLink]:
    one, other = SealedLink(), SealedLink()
    one.join(other.public)
    other.join(one.public)
    return one, other


def test_only_the_other_end_opens_what_one_seals() -> None:
    for _ in range(4):  # whoever has the larger public key
        one, other = joined()
        sealed = one.seal(b"a face")
        assert other.open(sealed) == b"a face"
        assert b"a face" not in sealed
        assert one.open(other.seal(b"back")) == b"back"
        for wrong in (one, joined()[1]):
            with pytest.raises(Unusable):
                wrong.open(sealed)
        with pytest.raises(Unusable):
            other.open(sealed[:-1] + bytes([sealed[-1] ^ 1]))
        with pytest.raises(Unusable):
            other.open(b"short")


def greeted(capture: Capture) -> tuple[Worker, SealedLink]:
    worker, link = Worker(), SealedLink()
    greeting = worker.greet(link.public, lambda: capture)
    link.join(greeting.public)
    assert greeting.fingerprint == fingerprint(capture.detector, capture.backbone)
    return worker, link


def test_a_worker_does_what_is_done_here(capture: Capture) -> None:
    worker, link = greeted(capture)
    photo = tiny.png(tiny.picture((1, 0)))
    seen = look_at(photo, capture)
    assert isinstance(seen, Seen)
    theirs = read_seen(link.open(worker.see(link.seal(photo))))
    assert theirs.portraits == seen.portraits
    kept = [(seen.portraits[0].image, seen.portraits[0].details), (b"no picture", {})]
    vectors = read_vectors(link.open(worker.reembed(link.seal(pack_kept(kept)))))
    mine = reembed(kept, capture)
    assert (vectors[1], mine[1]) == (None, None)
    np.testing.assert_array_equal(vectors[0], mine[0])


def test_a_worker_for_nights_opens_nothing(capture: Capture) -> None:
    worker, link = Worker(), SealedLink()
    greeting = worker.greet(link.public, None)
    link.join(greeting.public)
    assert greeting.fingerprint is None
    eye = np.eye(3, dtype=np.float32)
    lesson = Lesson(("a", "b", "c"), eye, np.arange(3), np.zeros_like(eye), np.ones(3, bool))
    rows = read_rows(link.open(worker.learn(link.seal(pack_lesson(lesson)), Imprint())))
    np.testing.assert_array_equal(rows, eye)


@pytest.mark.parametrize(
    ("has", "count"),
    [
        ({"CPU": 2.0, "memory": 20.0 * GB}, 2),
        ({"CPU": 1.0, "memory": 20.0 * GB}, 1),
        ({"CPU": 16.0, "memory": 60.0 * GB}, 4),
        ({"CPU": 64.0, "memory": 7.0 * GB}, 2),
        ({"CPU": 64.0, "GPU": 8.0, "memory": 100.0 * GB}, 8),
        ({}, 1),
    ],
)
def test_how_many_workers_a_cluster_carries(has: dict[str, float], count: int) -> None:
    assert workers_of(has)[1] == count


def test_the_summary_says_what_was_lost() -> None:
    account = Account(workers=2, done=30)
    assert account.sentence() == "Ray: 2 workers did 30 pieces of work"
    account.lost, account.again, account.here = 1, 4, 2
    assert "1 workers were lost, 4 pieces were done again, 2 here" in account.sentence()
