"""Callers share batches of the backbone, and each gets what is its own."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from enrollment.batcher import Batcher
from enrollment.capture import Capture
from tests.tiny import TinyBackbone, TinyDetector, picture

SECONDS = 20.0  # until a test that hangs is ended
POISON = 255


def crops(*values: int) -> NDArray[np.uint8]:
    """(n, 4, 4, 3): a crop for each value, which its row will say."""
    return np.stack([np.full((4, 4, 3), value, np.uint8) for value in values])


class Watched:
    """A backbone whose rows say which crop they are of; it can be held up, and has a bad crop."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self._lock = threading.Lock()

    def embed(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
            self.sizes.append(len(batch))
        try:
            self.begun.set()
            assert self.go_on.wait(SECONDS)
            if (batch == POISON).all(axis=(1, 2, 3)).any():
                raise ValueError("a bad crop")
            return batch[:, 0, 0, :2].astype(np.float32)
        finally:
            with self._lock:
                self.at_once -= 1


def waiting(batcher: Batcher, callers: int) -> None:
    until = time.monotonic() + SECONDS
    while len(batcher._waiting) < callers:
        assert time.monotonic() < until, "they do not come"
        time.sleep(0.001)


def together(
    watched: Watched, batcher: Batcher, *callers: NDArray[np.uint8]
) -> list[NDArray[np.float32] | Exception]:
    """What each gets, where all but the first come, in this order, while the first is embedded."""

    def ask(mine: NDArray[np.uint8]) -> NDArray[np.float32] | Exception:
        try:
            return batcher.embed(mine)
        except ValueError as error:
            return error

    watched.go_on.clear()
    with ThreadPoolExecutor(len(callers)) as threads:
        try:
            asked = [threads.submit(ask, callers[0])]
            assert watched.begun.wait(SECONDS)
            for number, mine in enumerate(callers[1:]):
                asked.append(threads.submit(ask, mine))
                waiting(batcher, number + 1)
        finally:
            watched.go_on.set()
        return [one.result(SECONDS) for one in asked]


def values(answer: NDArray[np.float32] | Exception) -> list[int]:
    assert not isinstance(answer, Exception)
    return [int(value) for value in answer[:, 0]]


def test_a_lone_caller_gets_its_own_rows_at_once() -> None:
    watched = Watched()
    assert values(Batcher(watched.embed).embed(crops(3, 1, 2))) == [3, 1, 2]
    assert watched.sizes == [3]


def test_a_lone_caller_hardly_waits() -> None:
    batcher, one = Batcher(lambda batch: batch[:, 0, 0, :2].astype(np.float32)), crops(1)
    times = []
    for _ in range(200):
        before = time.perf_counter()
        batcher.embed(one)
        times.append(time.perf_counter() - before)
    assert np.median(times) < 0.001


def test_who_comes_meanwhile_goes_together_and_gets_what_is_theirs() -> None:
    watched = Watched()
    answers = together(watched, Batcher(watched.embed), crops(1), crops(2, 3), crops(4), crops(5))
    assert [values(a) for a in answers] == [[1], [2, 3], [4], [5]]
    assert watched.sizes == [1, 4]


def test_a_batch_is_bounded_and_first_come_first_served() -> None:
    watched = Watched()
    asked = [crops(1), *(crops(10 * n, 10 * n + 1) for n in range(1, 6))]
    answers = together(watched, Batcher(watched.embed, most=4), *asked)
    assert [values(a) for a in answers] == [[int(c[0, 0, 0]) for c in mine] for mine in asked]
    assert watched.sizes == [1, 4, 4, 2]


def test_more_than_a_batch_of_one_caller_goes_alone() -> None:
    watched = Watched()
    answers = together(watched, Batcher(watched.embed, most=2), crops(1), crops(2, 3, 4), crops(5))
    assert [values(a) for a in answers] == [[1], [2, 3, 4], [5]]
    assert watched.sizes == [1, 3, 1]


def test_a_bad_crop_fails_its_own_caller_alone() -> None:
    watched = Watched()
    first, bad, good, other = together(
        watched, Batcher(watched.embed), crops(1), crops(POISON, 7), crops(2), crops(3, 4)
    )
    assert (values(first), values(good), values(other)) == ([1], [2], [3, 4])
    assert isinstance(bad, ValueError)


def test_crops_of_another_size_fail_nobody() -> None:
    watched = Watched()
    large = np.full((1, 9, 9, 3), 6, np.uint8)
    answers = together(watched, Batcher(watched.embed), crops(1), crops(2), large)
    assert [values(a) for a in answers] == [[1], [2], [6]]


def test_after_a_failure_others_are_served() -> None:
    watched = Watched()
    batcher = Batcher(watched.embed)
    with pytest.raises(ValueError, match="a bad crop"):
        batcher.embed(crops(POISON))
    assert values(batcher.embed(crops(1))) == [1]


def test_ctrl_c_in_a_batch_ends_its_own_caller_alone() -> None:
    watched = Watched()
    interrupted = threading.Event()

    def embed(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = watched.embed(batch)
        if len(batch) == 3 and not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt
        return rows

    batcher, ended = Batcher(embed), list[str]()

    def ask(value: int) -> list[int]:
        try:
            return values(batcher.embed(crops(value)))
        except KeyboardInterrupt:
            ended.append(str(value))
            return []

    watched.go_on.clear()
    with ThreadPoolExecutor(4) as threads:
        try:
            asked = [threads.submit(ask, 1)]
            assert watched.begun.wait(SECONDS)
            for number in range(3):
                asked.append(threads.submit(ask, number + 2))
                waiting(batcher, number + 1)
        finally:
            watched.go_on.set()
        assert [one.result(SECONDS) for one in asked] == [[1], [], [3], [4]]
    assert ended == ["2"]
    assert values(batcher.embed(crops(9))) == [9]


def test_many_threads_are_never_mixed_up() -> None:
    watched = Watched()
    batcher = Batcher(watched.embed, most=8)

    def ask(number: int) -> bool:
        rng = np.random.default_rng(number)
        right = True
        for _ in range(40):
            mine = [int(value) for value in rng.integers(0, 250, rng.integers(1, 5))]
            right = right and values(batcher.embed(crops(*mine))) == mine
        return right

    with ThreadPoolExecutor(24) as threads:
        assert all(threads.map(ask, range(24)))
    assert watched.most_at_once == 1
    assert max(watched.sizes) <= 8
    assert sum(watched.sizes) > len(watched.sizes)  # some went together
    assert not batcher._waiting


def test_it_has_no_thread_of_its_own() -> None:
    before = threading.active_count()
    batcher = Batcher(Watched().embed)
    batcher.embed(crops(1))
    assert threading.active_count() == before


def _embedded(ask: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    with ThreadPoolExecutor(8) as threads:
        return np.concatenate([one.result() for one in [threads.submit(ask) for _ in range(8)]])


def test_a_capture_gives_callers_the_same_rows_together_as_alone() -> None:
    capture = Capture(TinyDetector(), TinyBackbone())
    image = picture((1, 0), (2, 0))
    crop = [capture.aligned(image, found) for found in capture.find(image)]
    alone = capture.backbone.embed(np.stack(crop))
    rows = _embedded(lambda: capture.embed(crop)).reshape(8, *alone.shape)
    assert (np.einsum("ijk,jk->ij", rows, alone) > 0.9999).all()


def test_no_crops_have_no_rows() -> None:
    assert Capture(TinyDetector(), TinyBackbone()).embed([]).shape == (0, 32)
