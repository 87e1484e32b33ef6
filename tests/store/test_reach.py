"""Whether the database answers, with a clock and a database of the test's own."""

import time
from datetime import timedelta

import pytest

from store.errors import DatabaseAway
from store.reach import Reach


class Place:
    """A database that is there or not, and a clock."""

    def __init__(self) -> None:
        self.there = True
        self.now = 0.0
        self.asked = 0

    def knock(self) -> None:
        self.asked += 1
        if not self.there:
            raise DatabaseAway("nobody answers")

    def ask(self, answer: str | None = "somebody") -> str | None:
        self.knock()
        return answer


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def reach(place: Place):
    made = Reach(place.knock, timedelta(seconds=60), lambda: place.now)
    yield made
    made.close()


def lose(place: Place, reach: Reach) -> None:
    place.there = False
    with pytest.raises(DatabaseAway), reach.asking():
        place.knock()


def until_back(reach: Reach) -> None:
    end = time.monotonic() + 10
    while reach.state.away is not None:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_while_it_is_away_nobody_waits_for_it(place: Place, reach: Reach) -> None:
    lose(place, reach)
    ran = False
    with pytest.raises(DatabaseAway, match="nobody answers"), reach.asking():
        ran = True
    assert not ran
    place.there = True
    until_back(reach)
    with reach.asking():
        ran = True
    assert ran


def test_memory_begins_with_a_confirmation_and_ends(place: Place, reach: Reach) -> None:
    assert not reach.remembers
    reach.confirm()
    assert reach.remembers
    assert reach.state.state == "there"
    lose(place, reach)
    place.now = 59.0
    assert reach.remembers
    assert (reach.state.away, reach.state.from_memory) == (59.0, 1.0)
    assert reach.state.state == "from_memory"
    place.now = 60.0
    assert not reach.remembers
    assert reach.state.state == "away"


def test_what_was_said_of_a_key_holds_as_long(place: Place, reach: Reach) -> None:
    assert reach.remembered("a", place.ask) == "somebody"
    assert reach.remembered("nobody", lambda: place.ask(None)) is None
    place.there = False
    place.now = 59.0
    assert reach.remembered("a", place.ask) == "somebody"
    for unknown in ("b", "nobody"):
        with pytest.raises(DatabaseAway):
            reach.remembered(unknown, place.ask)
    place.now = 60.0
    with pytest.raises(DatabaseAway):
        reach.remembered("a", place.ask)


def test_what_is_revoked_is_forgotten_at_once(place: Place, reach: Reach) -> None:
    reach.remembered("a", place.ask)
    reach.remembered("a", lambda: place.ask(None))
    place.there = False
    with pytest.raises(DatabaseAway):
        reach.remembered("a", place.ask)


def test_a_short_absence_is_waited_for(reach: Reach, place: Place) -> None:
    reach = Reach(place.knock, timedelta(seconds=60))
    lose(place, reach)
    with pytest.raises(DatabaseAway):
        reach.wait(0.1)
    place.there = True
    reach.wait(10)
    reach.close()


def test_no_memory_where_none_is_wanted(place: Place) -> None:
    reach = Reach(place.knock, timedelta(0), lambda: place.now)
    reach.confirm()
    reach.remembered("a", place.ask)
    place.there = False
    assert not reach.remembers
    with pytest.raises(DatabaseAway):
        reach.remembered("a", place.ask)
