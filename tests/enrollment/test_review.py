"""The review queue, and no means no: on real files, real encryption and tiny models."""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.errors import BadInput
from enrollment.identifier import Identification
from enrollment.intake import Enrollee
from enrollment.lineage import lineage
from enrollment.photo import Photo, photo_bytes
from enrollment.planning import NightPolicy
from enrollment.review import ReviewReport
from enrollment.review_groups import ReviewGroups
from enrollment.review_policy import ReviewPolicy
from enrollment.review_queue import Offer
from enrollment.service import Service, open_service
from store.database import open_engine, sqlite_url
from tests import tiny
from tests.galleries import make_gallery, open_copy, settings_of

pytestmark = pytest.mark.slow

YES = "agreed on 2026-11-21"
EASY = ReviewPolicy(passage_seconds=0)
Person = Callable[..., Enrollee]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Every face is a passage of its own, so that a test can queue one person's several."""
    home, keys = tmp_path / "gallery", tmp_path / "keys"
    return replace(settings_of(home, keys), review=EASY)


@pytest.fixture(scope="module")
def with_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("review") / "gallery"
    return make_gallery(home, {"Person 1": (1, 3), "Person 2": (2, 3)})


@pytest.fixture
def staffed(with_two: Path, settings: Settings, capture: Capture) -> Iterator[Service]:
    with open_copy(with_two, settings, capture) as service:
        yield service


def photo(*faces: tuple[int, int], name: str = "door") -> Photo:
    return photo_bytes(name, tiny.png(tiny.picture(*faces)))


def offer(service: Service, *faces: tuple[int, int], name: str = "door") -> list[Offer]:
    """Identify a photo at a door that asks for review."""
    offers: list[Offer] = []
    service.identify(
        photo(*faces, name=name), lambda *seen: offers.append(service.queue.look_on(*seen))
    )
    return offers


def queued(service: Service, *faces: tuple[int, int]) -> list[str]:
    """Ids of these faces, each from a photo of its own."""
    ids = []
    for face in faces:
        (answer,) = offer(service, face, name=f"door {face}")
        assert answer.outcome == "queued"
        assert answer.sighting_id is not None
        ids.append(answer.sighting_id)
    return ids


def waiting(service: Service) -> set[str]:
    return {s.sighting_id for cluster in service.queue.clusters() for s in cluster.sightings}


def outcomes(report: ReviewReport) -> list[str]:
    return [result.outcome for result in report.results]


def codes(report: ReviewReport) -> list[list[str]]:
    return [[reason.code.value for reason in result.reasons] for result in report.results]


def answer(service: Service, *face: tuple[int, int]) -> Identification:
    (found,) = service.identify(photo(*face, name="probe"))
    return found


def blend(one: tuple[int, int], other: tuple[int, int], share: float) -> np.ndarray:
    """A photo of somebody who looks like both: `share` of the other."""
    mixed = tiny.picture(one) * (1 - share) + tiny.picture(other) * share
    return mixed.round().astype(np.uint8)


# -- coming in -------------------------------------------------------------------------------------


def test_nothing_is_kept_unless_a_door_asks(staffed: Service) -> None:
    assert answer(staffed, (9, 0)).decision == "unknown"
    assert staffed.queue.clusters() == []


def test_what_a_door_offers(staffed: Service) -> None:
    assert [o.outcome for o in offer(staffed, (1, 9), (9, 0))] == ["not_needed", "queued"]
    assert offer(staffed) == []
    (cluster,) = staffed.queue.clusters()
    (kept,) = cluster.sightings
    assert kept.kind == "unknown"
    assert (kept.nearest, kept.rival) == (None, None), "nobody is tied to a stranger"
    assert kept.details["source"] == "door"
    (portrait,) = staffed.queue.portraits([kept.sighting_id]).values()
    assert portrait.shape[2] == 3
    assert portrait.shape[0] >= tiny.SIDE
    before = staffed._gallery.generation()
    offer(staffed, (10, 0))
    assert staffed._gallery.generation() == before, "a face that waits changes no answer"


def test_near_misses_and_disagreements(staffed: Service, capture: Capture) -> None:
    image = tiny.picture((9, 0))
    ((face,),) = capture.faces([image])
    (found,) = staffed.identifier.faces([face], "door")
    assert found.candidates
    threshold = staffed.operating_point().threshold
    best = found.candidates[0].subject_id
    gallery = staffed._gallery
    (match,) = gallery.search(face.embedding[None], 1)[0]
    edge = EASY.near_from(threshold, tiny.TinyBackbone.priors)
    assert edge == pytest.approx(threshold - 0.05), "half of 0.6 - 0.5"
    for score, agrees, kind, nearest in (
        (edge + 1e-6, True, "near_miss", best),
        (edge - 1e-6, True, "unknown", None),
        (edge - 1e-6, False, "unknown", None),
        (edge + 1e-6, False, "disagreement", best),
        (threshold + 0.1, False, "disagreement", best),
    ):
        made = replace(found, score=score, head_agrees=agrees)
        assert staffed.queue.look_on(made, face, image).outcome == "queued"
        (kept,) = gallery.sightings()
        assert (kept.kind, kept.nearest) == (kind, nearest)
        assert kept.details["near_from"] == pytest.approx(edge)
        if kind == "disagreement" and match.subject_id != best:
            assert kept.rival == match.subject_id
        staffed.review.discard_all()


def test_of_a_refused_face_nothing_is_kept(staffed: Service, capture: Capture) -> None:
    image = tiny.picture((9, 0))
    ((face,),) = capture.faces([image])
    refused = Identification("door", None, face.face.box, "refused")
    assert staffed.queue.look_on(refused, face, image).outcome == "not_needed"
    assert staffed.queue.doubt(refused, face, image).outcome == "not_needed"


def test_one_passage_is_queued_once(make_service: Callable[..., Service], person: Person) -> None:
    service = make_service()
    service.queue.policy = ReviewPolicy(passage_seconds=600)
    list(service.enroll([person(1)], YES))
    assert [o.outcome for o in offer(service, (9, 0))] == ["queued"]
    assert [o.outcome for o in offer(service, (9, 1))] == ["seen_already"]
    assert [o.outcome for o in offer(service, (10, 0))] == ["queued"], "somebody else passes"
    assert [o.outcome for o in offer(service, (9, 2), name="other door")] == ["queued"]
    service.queue.policy = EASY
    assert [o.outcome for o in offer(service, (9, 0))] == ["seen_already"], "the very same picture"
    assert [o.outcome for o in offer(service, (9, 3))] == ["queued"], "long after"


def test_two_doors_see_one_passage(staffed: Service, settings: Settings, capture: Capture) -> None:
    """The second looked before the first had written."""
    staffed.queue.policy = ReviewPolicy(passage_seconds=600)
    other = open_service(settings, capture=capture)
    has_sighting = staffed._gallery.has_sighting

    def slow(picture: bytes) -> bool:
        found = has_sighting(picture)
        assert [o.outcome for o in offer(other, (9, 1))] == ["queued"]
        return found

    staffed._gallery.has_sighting = slow  # type: ignore[method-assign] - comes in between
    assert [o.outcome for o in offer(staffed, (9, 0))] == ["seen_already"]
    assert staffed._gallery.queue_size()[0] == 1
    other.close()


def test_the_queue_is_bounded(staffed: Service) -> None:
    staffed.queue.policy = ReviewPolicy(most=3, passage_seconds=0)
    ids = queued(staffed, (9, 0), (10, 0), (11, 0))
    (fourth,) = offer(staffed, (12, 0))
    assert (fourth.outcome, fourth.dropped) == ("queued", 1)
    assert waiting(staffed) == {*ids[1:], fourth.sighting_id}
    staffed.queue.policy = ReviewPolicy(days=0)
    assert staffed.queue.clusters() == []
    assert staffed._gallery.queue_size() == (0, None)
    assert staffed.queue.expire() == 0


def test_the_night_keeps_to_the_days(staffed: Service) -> None:
    queued(staffed, (9, 0))
    staffed.queue.policy = ReviewPolicy(days=0)

    def stop(stage: str, share: float) -> None:
        raise TimeoutError("a whole night takes too long for this")

    with pytest.raises(TimeoutError):
        staffed.nightly(NightPolicy(mode="imprint"), stop)
    assert staffed._gallery.queue_size()[0] == 0


# -- looking at it ---------------------------------------------------------------------------------


def test_faces_that_are_alike_are_one_cluster(staffed: Service) -> None:
    nine = queued(staffed, (9, 0), (9, 1), (9, 2))
    ten = queued(staffed, (10, 0))
    first, second = staffed.queue.clusters()
    assert [s.sighting_id for s in first.sightings] == nine
    assert [s.sighting_id for s in second.sightings] == ten
    assert first.nearest is not None
    assert first.nearest.name in {"Person 1", "Person 2"}
    assert first.nearest.score < staffed.operating_point().threshold
    document = first.as_document()
    assert json.dumps(document)
    assert (document["count"], document["kinds"]) == (3, {"unknown": 3})


def test_groups_are_kept_between_two_looks(staffed: Service, settings: Settings, capture) -> None:
    """What is kept in memory is always what grouping everything anew would give."""
    queued(staffed, (9, 0), (10, 0), (9, 1), (11, 0), (9, 2))
    first = staffed.queue.groups()
    assert [len(group.sightings) for group in first] == [3, 1, 1]
    assert [a is b for a, b in zip(first, staffed.queue.groups(), strict=True)] == [True] * 3
    other = open_service(settings, capture=capture)
    other.review.discard([first[1].cluster_id, first[0].sightings[0].sighting_id])
    for sizes in ([2, 1], [3, 2]):
        kept = staffed.queue.groups()
        assert [len(group.sightings) for group in kept] == sizes
        anew = ReviewGroups(staffed._gallery).current()
        assert [group.cluster_id for group in kept] == [group.cluster_id for group in anew]
        if sizes == [2, 1]:
            queued(other, (11, 1), (11, 2))
    other.close()


def test_of_equally_large_groups_the_urgent_one_is_first(staffed: Service) -> None:
    queued(staffed, (9, 0))
    staffed.identify(photo((1, 40)), staffed.queue.doubt)
    assert [g.sightings[0].kind for g in staffed.queue.groups()] == ["named", "unknown"]


def test_nothing_of_a_queue_that_was_emptied_stays_in_memory(staffed: Service) -> None:
    queued(staffed, (9, 0))
    assert staffed.queue.groups()
    staffed.review.discard_all()
    assert staffed.queue._groups._groups == []
    queued(staffed, (9, 0))
    assert staffed.queue.groups()
    staffed.erase("Person 1")
    assert staffed.queue._groups._groups == []


def test_the_likest_are_those_who_may_be_proposed(staffed: Service) -> None:
    (kept, other) = queued(staffed, (9, 0), (9, 1))
    (group,) = staffed.queue.groups()
    names = [candidate.name for candidate in staffed.queue.likest(group)]
    assert sorted(names) == ["Person 1", "Person 2"]
    (proposed,) = staffed.queue.clusters()
    assert proposed.nearest is not None
    assert proposed.nearest.name == names[0]
    staffed.review.ignore([other], names[0])
    (left,) = staffed.queue.groups()
    assert [s.sighting_id for s in left.sightings] == [kept]
    assert [candidate.name for candidate in staffed.queue.likest(left)] == names[1:]


def test_a_yes_does_not_reach_who_joined_since(staffed: Service) -> None:
    queued(staffed, (9, 0))
    (seen,) = staffed.queue.clusters()
    (late,) = queued(staffed, (9, 1))
    report = staffed.review.assign([seen.cluster_id], "New", YES)
    assert outcomes(report) == ["handled_already"]
    assert len(staffed.people()) == 2
    assert late in waiting(staffed)


def test_what_is_no_id_is_said(staffed: Service) -> None:
    (kept,) = queued(staffed, (9, 0))
    for word in ("", "abc", "../x", "c-", "Anna", kept.upper() + "Z"):
        with pytest.raises(BadInput, match="no id"):
            staffed.review.discard([word])
    assert waiting(staffed) == {kept}
    assert outcomes(staffed.review.discard([kept[:4]])) == ["discarded"]


def test_the_beginning_of_several_is_no_id() -> None:
    from enrollment.review_cluster import full_id

    ids = {"abcd1": 0, "abcd2": 0}
    assert full_id("abcd1", ids) == "abcd1"
    assert full_id("ffff", ids) is None
    with pytest.raises(BadInput, match="2 ids"):
        full_id("abcd", ids)


# -- assign ----------------------------------------------------------------------------------------


def test_one_word_enrolls_ten(staffed: Service) -> None:
    ids = queued(staffed, *((9, i) for i in range(10)))
    (cluster,) = staffed.queue.clusters()
    report = staffed.review.assign([cluster.cluster_id, ids[0]], "New Person", YES)
    assert outcomes(report) == ["assigned"] * 10
    assert (report.created, report.name, report.done) == (True, "New Person", 10)
    assert staffed.queue.clusters() == []
    found = answer(staffed, (9, 99))
    assert (found.decision, found.name) == ("known", "New Person")
    subject = staffed.person("New Person")
    assert subject.templates == 10
    assert staffed.consents(subject.subject_id)[0].text == YES
    told = [lineage(sample) for sample in staffed.samples(subject.subject_id)]
    assert {t["sighting"] for t in told} == set(ids)
    assert {(t["origin"], t["assigned_by"]) for t in told} == {("review", "test")}
    assert {t["source"] for t in told} == {f"door (9, {i})" for i in range(10)}
    assert all(t["assigned_at"] for t in told)


def test_enrolled_photos_say_where_they_came_from(staffed: Service) -> None:
    told = [lineage(s) for s in staffed.samples(staffed.person("Person 1").subject_id)]
    assert [(t["origin"], t["source"]) for t in told].count(("enroll", "1-0.png")) == 1
    assert {t["origin"] for t in told} == {"enroll"}


def test_assigning_to_somebody_enrolled(staffed: Service) -> None:
    subject = staffed.person("Person 1")
    staffed.suspend("Person 1")
    mine = queued(staffed, (1, 20), (1, 21))
    staffed.resume("Person 1")
    report = staffed.review.assign(mine, subject.subject_id)
    assert outcomes(report) == ["assigned", "assigned"]
    assert (report.subject_id, report.created) == (subject.subject_id, False)
    assert staffed.person("Person 1").templates == 5
    assert len(staffed.consents(subject.subject_id)) == 1, "the consent that was there holds"


def test_assigning_twice_enrolls_once(staffed: Service) -> None:
    (kept,) = queued(staffed, (9, 0))
    staffed.review.assign([kept], "New", YES)
    report = staffed.review.assign([kept], "New", YES)
    assert outcomes(report) == ["handled_already"]
    assert report.done == 0
    assert staffed.person("New").templates == 1
    report = staffed.review.ignore([kept])
    assert outcomes(report) == ["handled_already"]
    assert staffed.review.negatives() == []
    assert outcomes(staffed.review.discard([kept])) == ["handled_already"]


def test_two_desks_assign_one_face(staffed: Service, settings: Settings, capture: Capture) -> None:
    """The second comes after the first has written, with what it read before."""
    other = open_service(settings, capture=capture)
    ids = queued(staffed, (9, 0), (9, 1))
    lying = other.review._lying

    def slow(wanted: list[str]):
        found = lying(wanted)
        staffed.review.assign(ids[:1], "First", YES)
        return found

    other.review._lying = slow  # type: ignore[method-assign] - the first desk is quicker
    report = other.review.assign(ids, "Second", YES, even_if_unlike=True)
    assert outcomes(report)[0] == "handled_already"
    kept = {s.name: s.templates for s in staffed.people()}
    assert kept["First"] == 1
    assert sum(kept.values()) == 6 + 1 + outcomes(report).count("assigned")
    assert waiting(staffed) == (set() if "assigned" in outcomes(report) else {ids[1]})
    other.close()


def test_no_consent_no_template(staffed: Service) -> None:
    (kept,) = queued(staffed, (9, 0))
    for nothing in (None, "", "  "):
        report = staffed.review.assign([kept], "New", nothing)
        assert (outcomes(report), codes(report)) == (["refused"], [["no_consent"]])
    assert len(staffed.people()) == 2
    assert waiting(staffed) == {kept}


def test_suspended_people_take_no_faces(staffed: Service) -> None:
    staffed.suspend("Person 1")
    (kept,) = queued(staffed, (1, 20))
    with pytest.raises(BadInput, match="resume"):
        staffed.review.assign([kept], "Person 1")
    assert waiting(staffed) == {kept}


def test_suspended_while_somebody_assigns(staffed: Service) -> None:
    (kept,) = queued(staffed, (9, 0))
    enroller = staffed._enroller()
    compare = enroller._compare

    def suspended_meanwhile(looks, existing) -> None:
        compare(looks, existing)
        staffed.suspend("Person 1")

    enroller._compare = suspended_meanwhile  # type: ignore[method-assign] - comes in between
    staffed.review._enroller = lambda: enroller
    with pytest.raises(BadInput, match="resume"):
        staffed.review.assign([kept], "Person 1", even_if_unlike=True)
    assert waiting(staffed) == {kept}
    assert staffed.person("Person 1").templates == 3


def test_an_unlike_face_needs_a_second_word(staffed: Service) -> None:
    (kept,) = queued(staffed, (9, 0))
    report = staffed.review.assign([kept], "Person 1")
    assert (outcomes(report), codes(report)) == (["refused"], [["not_this_person"]])
    assert (waiting(staffed), staffed.person("Person 1").templates) == ({kept}, 3)
    report = staffed.review.assign([kept], "Person 1", even_if_unlike=True)
    assert outcomes(report) == ["assigned"]
    told = [lineage(s) for s in staffed.samples(staffed.person("Person 1").subject_id)]
    assert [t["even_if_unlike"] for t in told if t["origin"] == "review"] == [True]


def test_one_odd_face_in_a_cluster_is_set_aside(staffed: Service) -> None:
    ids = queued(staffed, (9, 0), (9, 1), (9, 2), (10, 0))
    report = staffed.review.assign(ids, "New", YES)
    assert outcomes(report) == ["assigned"] * 3 + ["refused"]
    assert waiting(staffed) == {ids[3]}


def test_a_colleague_under_a_new_name_is_refused(staffed: Service) -> None:
    staffed.suspend("Person 1")
    ids = queued(staffed, (1, 20), (1, 21))
    staffed.resume("Person 1")
    report = staffed.review.assign(ids, "Somebody", YES)
    assert codes(report) == [["near_other_subject"]] * 2
    assert "--even-if-unlike" in report.results[0].reasons[0].message
    assert staffed.person("Person 1").templates == 3
    report = staffed.review.assign(ids, "Twin", YES, even_if_unlike=True)
    assert (outcomes(report), report.created) == (["assigned"] * 2, True)


def test_what_the_person_has_already_leaves_the_queue(staffed: Service) -> None:
    staffed.suspend("Person 1")
    (kept,) = queued(staffed, (1, 0))  # the picture they were enrolled with
    staffed.resume("Person 1")
    report = staffed.review.assign([kept], "Person 1")
    assert outcomes(report) == ["duplicate"]
    assert waiting(staffed) == set()
    assert staffed.person("Person 1").templates == 3


def test_names_are_checked(staffed: Service) -> None:
    (kept,) = queued(staffed, (9, 0))
    for name in ("", "<b>", "x" * 200):
        with pytest.raises(BadInput):
            staffed.review.assign([kept], name, YES)
    staffed.review.assign([kept], "Anna", YES, external_id="7")
    (other,) = queued(staffed, (10, 0))
    with pytest.raises(BadInput, match="belongs to"):
        staffed.review.assign([other], "Bert", YES, external_id="7")
    report = staffed.review.assign([other], "Anna", YES, external_id="8")
    assert report.created
    (third,) = queued(staffed, (11, 0))
    with pytest.raises(BadInput, match="2 people"):
        staffed.review.assign([third], "Anna", YES)


def test_somebody_erased_is_not_brought_back(staffed: Service) -> None:
    """Between the reading and the writing; the consent given was for somebody who is gone."""
    (kept,) = queued(staffed, (9, 0))
    lying = staffed.review._lying

    def slow(wanted: list[str]):
        found = lying(wanted)
        staffed.erase("Person 1")
        return found

    staffed.review._lying = slow  # type: ignore[method-assign] - the erasure comes in between
    with pytest.raises(BadInput, match="nobody"):
        staffed.review.assign([kept], "Person 1", YES, even_if_unlike=True)
    assert [s.name for s in staffed.people()] == ["Person 2"]


# -- ignore ----------------------------------------------------------------------------------------


def near_stranger(service: Service) -> Photo:
    """Half Person 1, half Person 9: named Person 1, wrongly."""

    def mixed(percent: int) -> Photo:
        return photo_bytes("lookalike", tiny.png(blend((1, 50), (9, 50), percent / 100)))

    def is_unknown(percent: int) -> bool:
        return [found.decision for found in service.identify(mixed(percent))] == ["unknown"]

    first = bisect_left(range(100), True, lo=10, hi=70, key=is_unknown)
    assert is_unknown(first)
    taken = mixed(first - 2)
    (wrong,) = service.identify(taken)
    assert (wrong.decision, wrong.name) == ("known", "Person 1")
    return taken


def remember(service: Service, taken: Photo, not_who: str | None) -> ReviewReport:
    """Queue a face although it was named, as somebody does who saw the mistake; say no to it."""
    offers: list[Offer] = []
    service.identify(taken, lambda *seen: offers.append(service.queue.doubt(*seen)))
    assert {sighting.kind for sighting in service._gallery.sightings()} >= {"named"}
    ids = [o.sighting_id for o in offers if o.sighting_id is not None]
    assert len(ids) == 1
    return service.review.ignore(ids, not_who)


@pytest.mark.parametrize("not_who", ["Person 1", None])
def test_an_ignored_face_is_not_named(staffed: Service, not_who: str | None) -> None:
    taken = near_stranger(staffed)
    before = staffed._gallery.generation()
    (wrong,) = staffed.identify(taken)
    report = remember(staffed, taken, not_who)
    assert (outcomes(report), report.name) == (["ignored"], not_who)
    assert staffed._gallery.generation() == before + 1
    (found,) = staffed.identify(taken)
    assert (found.decision, found.subject_id, found.name, found.vetoed) == (
        "unknown",
        None,
        None,
        True,
    )
    assert found.head_agrees is wrong.head_agrees
    assert found.score == wrong.score
    assert found.candidates == wrong.candidates
    assert found.reasons == ()
    assert found.as_document()["vetoed"] is True
    checked = staffed.verify(taken, "Person 1")
    assert (checked.decision, checked.vetoed) == ("unknown", True)
    assert checked.as_document()["vetoed"] is True


@pytest.mark.parametrize("not_who", ["Person 1", None])
def test_the_right_person_loses_nothing(staffed: Service, not_who: str | None) -> None:
    remember(staffed, near_stranger(staffed), not_who)
    for number in range(60, 80):
        found = answer(staffed, (1, number))
        assert (found.decision, found.name, found.vetoed) == ("known", "Person 1", False)
        assert staffed.verify(photo((1, number)), "Person 1").decision == "known"
    assert answer(staffed, (2, 60)).name == "Person 2"


def test_a_no_to_one_name_is_none_to_another(staffed: Service) -> None:
    taken = near_stranger(staffed)
    remember(staffed, taken, "Person 2")
    (found,) = staffed.identify(taken)
    assert (found.decision, found.name, found.vetoed) == ("known", "Person 1", False)
    staffed.merge("Person 2", "Person 1")
    assert staffed.identify(taken)[0].vetoed, "who is merged answers as the other"
    staffed.unmerge("Person 2")
    assert not staffed.identify(taken)[0].vetoed


def test_another_process_hears_the_no(
    staffed: Service, settings: Settings, capture: Capture
) -> None:
    other = open_service(settings, capture=capture)
    taken = near_stranger(other)
    assert other.identify(taken)[0].decision == "known"
    remember(staffed, taken, None)
    assert other.identify(taken)[0].vetoed
    (negative,) = other.review.negatives()
    other.review.forget([negative.negative_id])
    assert staffed.identify(taken)[0].decision == "known"
    other.close()


def test_an_ignored_face_is_not_asked_about_again(staffed: Service) -> None:
    ids = queued(staffed, (9, 0), (9, 1))
    (cluster,) = staffed.queue.clusters()
    report = staffed.review.ignore([cluster.cluster_id])
    assert outcomes(report) == ["ignored", "ignored"]
    assert report.log_cut is True
    assert waiting(staffed) == set()
    assert [o.outcome for o in offer(staffed, (9, 2))] == ["ignored"]
    assert [o.outcome for o in offer(staffed, (10, 2))] == ["queued"]
    kept = staffed._gallery.negatives()
    assert kept.subject_ids == (None, None)
    assert kept.vectors.shape == (2, tiny.TinyBackbone.dimension)
    told = [negative.details for negative in staffed.review.negatives()]
    assert {t["sighting"] for t in told} == set(ids)
    assert {t["ignored_by"] for t in told} == {"test"}
    assert outcomes(staffed.review.ignore(ids)) == ["handled_already"] * 2
    assert len(staffed.review.negatives()) == 2


def test_a_no_is_not_proposed_again(staffed: Service) -> None:
    """Person 9 was never Person 1: the next of their faces is not offered as Person 1."""
    taken = near_stranger(staffed)
    remember(staffed, taken, "Person 1")
    other = staffed.queue
    other._vetoes = _deaf(other._vetoes)  # queued before the no was heard
    offers: list[Offer] = []

    def look_on(answer: Identification, face, image) -> None:
        offers.append(other.look_on(answer, face, image))

    staffed.identify(taken, look_on)
    assert [o.outcome for o in offers] == ["queued"]
    staffed.rebuild()
    (cluster,) = staffed.queue.clusters()
    assert cluster.nearest is not None
    assert cluster.nearest.name == "Person 2"


def _deaf(vetoes):
    class Deaf(type(vetoes)):
        def known(self, probe, subject_id, at_least):
            return None

    return Deaf(vetoes._gallery, vetoes._roster)


def test_a_yes_after_a_no_takes_the_no_back_first(staffed: Service) -> None:
    (no, yes) = queued(staffed, (9, 0), (9, 1))
    staffed.review.ignore([no], "Person 1")
    report = staffed.review.assign([yes], "Person 1", even_if_unlike=True)
    assert codes(report) == [["not_this_person"]]
    (negative,) = staffed.review.negatives()
    assert f"review forget {negative.negative_id[:8]}" in report.results[0].reasons[0].message
    assert outcomes(staffed.review.forget([negative.negative_id[:8]])) == ["forgotten"]
    assert outcomes(staffed.review.forget([negative.negative_id])) == ["handled_already"]
    report = staffed.review.assign([yes], "Person 1", even_if_unlike=True)
    assert outcomes(report) == ["assigned"]


def test_a_no_is_taken_back_by_the_face_it_was_said_of(staffed: Service) -> None:
    (one, other, yes) = queued(staffed, (9, 0), (10, 0), (9, 1))
    subject_id = staffed.person("Person 1").subject_id
    staffed.review.ignore([one, other], "Person 1")
    (said,) = staffed.review.contradicting([yes], subject_id)
    assert staffed.review.contradicting([yes], staffed.person("Person 2").subject_id) == []
    assert outcomes(staffed.review.take_back([one])) == ["forgotten"]
    assert said not in [negative.negative_id for negative in staffed.review.negatives()]
    assert len(staffed.review.negatives()) == 1
    assert staffed.review.take_back([one]).results == ()
    assert staffed.review.contradicting([yes], subject_id) == []


def test_a_newcomer_is_nobody_who_is_enrolled(staffed: Service) -> None:
    (kept,) = queued(staffed, (9, 0))
    for number in (None, "7"):
        with pytest.raises(BadInput, match="enrolled already; choose that person"):
            staffed.review.assign([kept], "person 1", YES, external_id=number, newcomer=True)
    report = staffed.review.assign([kept], "Person 9", YES, newcomer=True)
    assert (outcomes(report), report.created) == (["assigned"], True)


def test_a_stranger_who_is_hired_is_told_of(staffed: Service, person: Person) -> None:
    staffed.review.ignore(queued(staffed, (9, 0)))
    (report,) = staffed.enroll([person(9, range(1, 4))], YES)
    (negative,) = staffed.review.negatives()
    (warning,) = [w for w in report.warnings if "review forget" in w]
    assert negative.negative_id[:8] in warning
    staffed.review.forget([negative.negative_id])
    (report,) = staffed.enroll([person(9, range(4, 6))], YES)
    assert report.warnings == ()


def test_nobody_and_somebody_erased_are_said(staffed: Service) -> None:
    (kept,) = queued(staffed, (9, 0))
    with pytest.raises(BadInput, match="nobody"):
        staffed.review.ignore([kept], "Zoe")
    groups = staffed.queue.groups

    def slow():
        found = groups()
        staffed.erase("Person 1")
        return found

    staffed.queue.groups = slow  # type: ignore[method-assign] - the erasure comes in between
    with pytest.raises(BadInput, match="erased meanwhile"):
        staffed.review.ignore([kept], "Person 1")
    assert staffed.review.negatives() == []
    assert [s.sighting_id for s in staffed._gallery.sightings()] == [kept]


def test_the_threshold_is_measured_anew_after_a_no(staffed: Service) -> None:
    (kept,) = queued(staffed, (9, 0))
    before = staffed.operating_point()
    staffed.review.ignore([kept])
    after = staffed.operating_point()
    assert after.generation == before.generation + 1


# -- discard and erase -----------------------------------------------------------------------------


def raw_cells(service: Service) -> list[bytes]:
    """Every sealed cell of sightings and negatives, as the file holds it."""
    url = sqlite_url(service._settings.home / "gallery.db")
    wanted = ("image, vector, details FROM sightings", "vector, details FROM negatives")
    with open_engine(url).connect() as connection:
        rows = [row for what in wanted for row in connection.execute(sa.text(f"SELECT {what}"))]
    return [cell for row in rows for cell in row]


def left_of(service: Service, cells: list[bytes]) -> list[bool]:
    """Is anything of each cell in the live files? In pieces: a large cell lies in many pages."""
    home = service._settings.home
    live = b"".join(path.read_bytes() for path in home.iterdir() if path.is_file())
    pieces = [[cell[at : at + 32] for at in range(0, len(cell) - 31, 100)] for cell in cells]
    return [any(piece in live for piece in found) for found in pieces]


def test_what_is_discarded_is_nowhere(staffed: Service) -> None:
    ids = queued(staffed, (9, 0), (9, 1), (10, 0))
    before = staffed._gallery.generation()
    cells = raw_cells(staffed)
    assert left_of(staffed, cells) == [True] * 9
    report = staffed.review.discard(ids[:2])
    assert (outcomes(report), report.log_cut) == (["discarded"] * 2, True)
    assert staffed._gallery.generation() == before, "nobody's answer changes"
    assert [o.outcome for o in offer(staffed, (9, 5))] == ["queued"], "nothing is remembered"
    assert outcomes(staffed.review.discard_all()) == ["discarded"] * 2
    assert left_of(staffed, cells) == [False] * 9


def test_the_picture_of_an_ignored_face_is_nowhere(staffed: Service) -> None:
    ids = queued(staffed, (9, 0))
    cells = raw_cells(staffed)
    assert left_of(staffed, cells) == [True] * 3
    staffed.review.ignore(ids)
    assert left_of(staffed, cells) == [False] * 3


def test_a_no_that_is_forgotten_is_nowhere(staffed: Service) -> None:
    staffed.review.ignore(queued(staffed, (9, 0)))
    cells = raw_cells(staffed)
    assert left_of(staffed, cells) == [True] * 2
    (negative,) = staffed.review.negatives()
    assert staffed.review.forget([negative.negative_id]).log_cut is True
    assert left_of(staffed, cells) == [False] * 2
    assert [o.outcome for o in offer(staffed, (9, 1))] == ["queued"]


def test_erasing_leaves_nothing_in_the_queue(staffed: Service) -> None:
    """What was queued while they were suspended is linked to nobody, and is theirs all the same."""
    staffed.suspend("Person 1")
    theirs = queued(staffed, (1, 30), (1, 31), (1, 32))
    staffed.resume("Person 1")
    other = queued(staffed, (9, 0), (9, 1))
    near = near_stranger(staffed)
    remember(staffed, near, None)
    staffed.review.ignore(theirs[:1], "Person 2")
    staffed.review.ignore(other[:1], "Person 1")
    cells = raw_cells(staffed)
    assert all(left_of(staffed, cells))
    receipt = staffed.erase("Person 1")
    assert (receipt.erased_rows["sightings"], receipt.erased_rows["negatives"]) == (2, 3)
    kept = raw_cells(staffed)
    assert len(kept) == 3, "the one face that is not theirs"
    assert left_of(staffed, cells) == [cell in kept for cell in cells]
    assert waiting(staffed) == {other[1]}
    assert staffed.review.negatives() == []


def test_erasing_a_suspended_person_finds_their_faces(staffed: Service) -> None:
    staffed.suspend("Person 1")
    queued(staffed, (1, 30))
    assert staffed.erase("Person 1").erased_rows["sightings"] == 1


def test_erasing_who_was_assigned_leaves_no_lineage(staffed: Service) -> None:
    ids = queued(staffed, (9, 0), (9, 1), (9, 2))
    staffed.review.assign(ids[:2], "New", YES)
    receipt = staffed.erase("New")
    assert receipt.erased_rows["samples"] == 2
    assert receipt.erased_rows["sightings"] == 1, "the third face was theirs too"
    assert staffed.queue.clusters() == []
    assert answer(staffed, (9, 9)).decision == "unknown"


def test_a_face_of_somebody_erased_meanwhile_is_not_queued(
    staffed: Service, capture: Capture
) -> None:
    image = tiny.picture((9, 0))
    ((face,),) = capture.faces([image])
    (found,) = staffed.identifier.faces([face], "door")
    near = replace(found, score=staffed.operating_point().threshold - 1e-6, head_agrees=True)
    has_sighting = staffed._gallery.has_sighting

    def slow(picture: bytes) -> bool:
        staffed.erase(near.candidates[0].subject_id)
        return has_sighting(picture)

    staffed._gallery.has_sighting = slow  # type: ignore[method-assign] - comes in between
    assert staffed.queue.look_on(near, face, image).outcome == "erased"
    assert staffed._gallery.queue_size()[0] == 0


def test_every_act_is_in_the_audit_trail(staffed: Service) -> None:
    ids = queued(staffed, (9, 0), (9, 1), (10, 0), (11, 0))
    staffed.review.assign(ids[:2], "New", YES)
    staffed.review.ignore(ids[2:3], "Person 1")
    staffed.review.discard(ids[3:])
    staffed.review.forget([staffed.review.negatives()[0].negative_id])
    url = sqlite_url(staffed._settings.home / "gallery.db")
    with open_engine(url).connect() as connection:
        rows = connection.execute(
            sa.text("SELECT action, actor, details FROM audit WHERE action LIKE 'review.%'")
        ).fetchall()
    assert [row.action for row in rows] == [
        "review.assign",
        "review.ignore",
        "review.discard",
        "review.forget",
    ]
    assert json.loads(rows[0].details) == {"sightings": ids[:2]}
    assert all("Person" not in row.details for row in rows)
    assert staffed.verify_gallery().sound
