"""Work on what comes next, while somebody deals with what is there."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

# Photos at once: some are decoded, some searched for faces, the others' faces embedded together.
# More need more memory (75 MB each at worst) and gain nothing on a few cores.
AT_ONCE = 8
_PAUSE = 1.0  # seconds between two looks at what is waited for

_T = TypeVar("_T")
_R = TypeVar("_R")
Later = Callable[[], _R]  # waits for the result; raises what the work raised


class Crew:
    """Threads that work ahead."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def begin(self, work: Callable[[_T], _R], item: _T) -> Later[_R]:
        return self.future(work, item).result

    def future(self, work: Callable[[_T], _R], item: _T) -> Future[_R]:
        return self._pool.submit(work, item)


@contextmanager
def crew(at_once: int = AT_ONCE) -> Iterator[Crew]:
    """On leaving, also by Ctrl-C, what has begun is ended and the rest is not begun."""
    with ThreadPoolExecutor(at_once, "ahead") as pool:
        try:
            yield Crew(pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def ahead(
    work: Callable[[_T], _R],
    items: Iterable[_T],
    at_once: int = AT_ONCE,
    meanwhile: Callable[[], None] = lambda: None,
) -> Iterator[tuple[_T, _R]]:
    """Each item with what `work` makes of it, in order; the next ones are under way meanwhile.

    Raises what `work` raised, when it is that item's turn.

    Args:
        meanwhile: called each second that a result is waited for; what it raises ends it all.
    """
    waiting: deque[tuple[_T, Future[_R]]] = deque()
    with crew(at_once) as workers:
        for item in items:
            waiting.append((item, workers.future(work, item)))
            if len(waiting) > at_once:
                first, later = waiting.popleft()
                yield first, _result(later, meanwhile)
        for first, later in waiting:
            yield first, _result(later, meanwhile)


def _result(later: Future[_R], meanwhile: Callable[[], None]) -> _R:
    while wait([later], _PAUSE).not_done:
        meanwhile()
    return later.result()
