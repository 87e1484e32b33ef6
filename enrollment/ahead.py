"""Work on what comes next, while somebody deals with what is there."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

# Photos at once: some are decoded, some searched for faces, the others' faces embedded together.
# More need more memory (75 MB each at worst) and gain nothing on a few cores.
AT_ONCE = 8

_T = TypeVar("_T")
_R = TypeVar("_R")
Later = Callable[[], _R]  # waits for the result; raises what the work raised


class Crew:
    """Threads that work ahead."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def begin(self, work: Callable[[_T], _R], item: _T) -> Later[_R]:
        future: Future[_R] = self._pool.submit(work, item)
        return future.result


@contextmanager
def crew(at_once: int = AT_ONCE) -> Iterator[Crew]:
    """On leaving, also by Ctrl-C, what has begun is ended and the rest is not begun."""
    with ThreadPoolExecutor(at_once, "ahead") as pool:
        try:
            yield Crew(pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def ahead(
    work: Callable[[_T], _R], items: Iterable[_T], at_once: int = AT_ONCE
) -> Iterator[tuple[_T, _R]]:
    """Each item with what `work` makes of it, in order; the next ones are under way meanwhile.

    Raises what `work` raised, when it is that item's turn.
    """
    waiting: deque[tuple[_T, Later[_R]]] = deque()
    with crew(at_once) as workers:
        for item in items:
            waiting.append((item, workers.begin(work, item)))
            if len(waiting) > at_once:
                first, result = waiting.popleft()
                yield first, result()
        for first, result in waiting:
            yield first, result()
