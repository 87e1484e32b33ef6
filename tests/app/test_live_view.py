"""Moving pictures: the newest is looked at, none is queued, and nothing goes on afterwards."""

import threading

import numpy as np
import pytest

from app.live_view import LiveView, Picture
from tests.app.live import until

DARK = np.zeros((2, 2, 3), np.uint8)


def light(level: int) -> Picture:
    return np.full((2, 2, 3), level, np.uint8)


def test_only_the_newest_of_those_that_came_meanwhile_is_looked_at() -> None:
    looked: list[tuple[int, int]] = []
    go_on = threading.Event()

    def look(number: int, seconds: float, picture: Picture) -> None:
        looked.append((number, int(picture[0, 0, 0])))
        go_on.wait(20)

    view = LiveView(look, lambda picture: picture)
    view.show(light(0))
    until(lambda: bool(looked))
    for level in (1, 2, 3):
        view.show(light(level))
    go_on.set()
    until(lambda: len(looked) == 2)
    assert looked == [(0, 0), (3, 3)]
    view.close()
    view.wait(20)


def test_every_picture_is_shown_drawn_on_while_one_is_looked_at() -> None:
    go_on = threading.Event()
    view = LiveView(lambda *_: bool(go_on.wait(20)) and None, lambda picture: 255 - picture)
    assert [int(view.show(light(n))[0, 0, 0]) for n in range(5)] == [255, 254, 253, 252, 251]
    assert view.rates()[0] == 2.5
    go_on.set()
    view.close()
    view.wait(20)


def threads() -> int:
    return sum(thread.name == "rollcall-live" for thread in threading.enumerate())


def test_its_thread_begins_with_the_first_picture_and_ends_with_the_camera() -> None:
    before, ended = threads(), []
    never = LiveView(lambda *_: None, lambda picture: picture, lambda: ended.append("never"))
    never.close()
    assert threads() == before, "a camera that never gave a picture leaves nothing behind"
    view = LiveView(lambda *_: None, lambda picture: picture, lambda: ended.append("view"))
    view.show(DARK)
    assert threads() == before + 1
    assert not view.over
    view.close()
    view.wait(20)
    assert view.over
    assert (threads(), ended) == (before, ["view"])
    view.show(DARK)
    assert threads() == before, "a late picture starts nothing"


def test_what_ends_looking_is_kept_and_pictures_go_on() -> None:
    def look(number: int, seconds: float, picture: Picture) -> None:
        raise ValueError("no")

    ended: list[bool] = []
    view = LiveView(look, lambda picture: picture, lambda: ended.append(True))
    view.show(DARK)
    until(lambda: bool(ended))
    view.wait(20)
    with pytest.raises(ValueError, match="no"):
        raise view.error or AssertionError
    assert view.over
    assert view.ended_at is not None
    assert view.show(DARK) is DARK
