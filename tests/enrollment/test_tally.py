"""What is counted: by every way of asking, once each, and right from many threads."""

import threading
from collections.abc import Callable

import pytest

from enrollment.errors import Ending
from enrollment.intake import Enrollee
from enrollment.nightly import Progress
from enrollment.passage import Frame
from enrollment.photo import photo_bytes
from enrollment.planning import NightPolicy
from enrollment.service import Service
from enrollment.tally import BOUNDS, NightEnd, Tally
from tests import tiny

IMPRINT = NightPolicy(mode="imprint")


def photo(person: int, number: int = 50) -> bytes:
    return tiny.png(tiny.picture((person, number)))


def test_threads_lose_nothing() -> None:
    tally = Tally()

    def work() -> None:
        for _ in range(500):
            tally.decided("identify", "known")
            with tally.embedding(2):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = tally.read()
    assert counted.decisions["identify", "known"] == 4000
    assert (counted.embedded, counted.embedding.count) == (8000, 4000)
    assert counted.embedding.within == tuple(sorted(counted.embedding.within))
    assert len(counted.embedding.within) == len(BOUNDS)


def test_what_fails_is_not_counted() -> None:
    tally = Tally()
    with pytest.raises(ZeroDivisionError), tally.embedding(3):
        raise ZeroDivisionError
    assert tally.read().embedded == 0


def test_every_way_counts(service: Service, person: Callable[..., Enrollee]) -> None:
    list(service.enroll([person(1)], "yes"))
    before = service.tally.read()
    assert before.embedded == 3
    assert before.searches > 0, "who comes is compared with everybody"
    assert sum(before.decisions.values()) == 0
    service.identify(photo_bytes("a.png", photo(1)))
    service.identify(photo_bytes("b.png", tiny.png(tiny.picture((1, 51), (9, 52)))))
    service.identify(photo_bytes("c.png", tiny.png(tiny.picture())))
    service.identify(photo_bytes("d.png", b"no picture"))
    service.verify(photo_bytes("e.png", photo(9)), "Person 1")
    passages = service.passages("a camera")
    for n in range(12):
        passages.see(Frame(n, n * 0.2, tiny.picture((1, 60 + n))))
    passages.end()
    after = service.tally.read()
    assert {key: n for key, n in after.decisions.items() if n} == {
        ("identify", "known"): 2,
        ("identify", "unknown"): 1,
        ("identify", "refused"): 2,
        ("verify", "unknown"): 1,
        ("passage", "known"): 1,
    }
    assert after.embedded > before.embedded + 4
    assert after.searching.count > 0
    assert after.rebuilds == 0
    service.rebuild()
    service.identify(photo_bytes("a.png", photo(1)))
    now = service.tally.read()
    assert (now.rebuilds, now.decisions["identify", "known"]) == (1, 3)


def test_warming_up_is_nobodys_face(service: Service) -> None:
    service.warm()
    assert service.tally.read().embedded == 0


def test_nights_are_counted_and_told(service: Service, person: Callable[..., Enrollee]) -> None:
    told: list[NightEnd] = []
    service.tally.tell_nights(told.append)
    list(service.enroll([person(n) for n in range(3)], "yes"))
    first = service.nightly(IMPRINT)
    service.nightly(IMPRINT)
    with pytest.raises(ZeroDivisionError):
        service.nightly(IMPRINT, _fails, force=True)
    service._archive.sweep = _breaks  # type: ignore[method-assign, assignment]
    with pytest.raises(OSError, match="the disk"):
        service.nightly(IMPRINT, force=True)
    nights = service.tally.read().nights
    assert nights == {"promoted": 1, "refused": 0, "skipped": 1, "stopped": 1, "failed": 1}
    assert [end.outcome for end in told] == [first.outcome, "skipped", "stopped", "failed"]
    assert (told[0].mode, told[2].mode) == ("imprint", None)


def test_a_night_ends_with_the_server_and_the_champion_stays(
    service: Service, person: Callable[..., Enrollee]
) -> None:
    list(service.enroll([person(n) for n in range(3)], "yes"))
    service.nightly(IMPRINT)
    champion = next(h.head_id for h in service.heads() if h.state == "champion")
    list(service.enroll([person(4)], "yes"))

    def later(stage: str, share: float) -> None:
        if stage == "train" or share > 0:
            service.wind_down()

    with pytest.raises(Ending, match="nothing was changed"):
        service.nightly(NightPolicy(), later, force=True)
    assert [h.head_id for h in service.heads() if h.state == "champion"] == [champion]
    assert service.night_process() is None, "the day can have its night"
    assert service.tally.read().nights["stopped"] == 1


def _fails(_stage: str, _share: float) -> None:
    raise ZeroDivisionError


def _breaks(*_: object) -> None:
    raise OSError("the disk")


_: Progress = _fails
