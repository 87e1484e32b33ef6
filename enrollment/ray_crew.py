"""Workers on a Ray cluster: they see, embed and train; this process decides and writes."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from enrollment.ahead import ahead
from enrollment.capture import Capture
from enrollment.ray_pool import EACH, TRIES, Account, EndedTwice, NobodyLeft, Pool, Tell
from enrollment.reasons import Reason, ReasonCode
from enrollment.reembedding import Kept
from enrollment.sight import Seen
from enrollment.wire import (
    pack_kept,
    pack_lesson,
    read_rows,
    read_seen,
    read_vectors,
)
from enrollment.workplace import Opener, OwnEyes, Trainings
from models.head_trainer import HeadTrainer
from models.learners import Learner, Lesson
from store.records import GalleryFacts
from wording.message import message

REPLACED = 3  # times that each place is given to a new worker


class RayCrew:
    """A `Workplace` on a cluster that `connected` has reached. Use as a context manager.

    Args:
        tell: told aloud of each worker that is lost or refused.
        most: workers; None: as many as the cluster has GPUs, else by its cores and memory.
        replaced: times that each place is given to a new worker.
    """

    def __init__(
        self, ray: ModuleType, tell: Tell, most: int | None = None, replaced: int = REPLACED
    ) -> None:
        self._ray = ray
        self._tell = tell
        self._most = most
        self._replaced = replaced
        self._pool: Pool | None = None
        self.account = Account()

    def __enter__(self) -> "RayCrew":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()
        self._pool = None

    def pids(self) -> list[int]:
        """Of the workers that are ready, each on its own machine."""
        return [] if self._pool is None else self._pool.pids()

    def eyes(self, capture: Capture, facts: GalleryFacts, opens: Callable[[], Opener]) -> "RayEyes":
        """As `Workplace.eyes`; waits for the first worker."""
        return RayEyes(self._pool_for(facts, opens), OwnEyes(capture), self.account)

    def trainings(self, trainer: HeadTrainer) -> Trainings:
        return RayTrainings(lambda: self._pool_for(None, None), trainer, self.account)

    def _pool_for(self, facts: GalleryFacts | None, opens: Callable[[], Opener] | None) -> "Pool":
        wanted = facts.fingerprint if facts else None
        if self._pool is None or self._pool.fingerprint != wanted:
            self.close()
            self._pool = Pool(
                self._ray,
                facts,
                opens() if opens else None,
                self._tell,
                self.account,
                self._most,
                self._replaced,
            )
            self._pool.wait()
        return self._pool


class RayEyes:
    """`Eyes` at the workers."""

    def __init__(self, pool: "Pool", own: OwnEyes, account: Account) -> None:
        self._pool = pool
        self._own = own
        self._room = threading.Semaphore(own.at_once)  # as many photos here as without Ray
        self._account = account

    @property
    def at_once(self) -> int:
        return EACH * self._pool.places + EACH  # some are under way while others are sealed

    @property
    def batches(self) -> int:
        return 2 * self._pool.places

    def see(self, data: bytes) -> Seen | Reason:
        try:
            return read_seen(self._pool.ask("see", data))
        except NobodyLeft:
            with self._room:
                return self._own.see(data)
        except EndedTwice:
            self._account.given_up += 1
            return Reason(
                ReasonCode.UNREADABLE_IMAGE,
                message(
                    "{n} workers ended while they looked at this photo; save it again as a plain "
                    "JPEG, or give it once more without --ray",
                    n=TRIES,
                ),
            )

    def reembed(self, photos: Sequence[Kept]) -> list[NDArray[np.float32] | None]:
        try:
            return read_vectors(self._pool.ask("reembed", pack_kept(photos)))
        except (NobodyLeft, EndedTwice):
            with self._room:
                return self._own.reembed(photos)


class RayTrainings:
    """`Trainings` at the workers: a night's folds side by side."""

    def __init__(self, pool: "Callable[[], Pool]", trainer: HeadTrainer, account: Account) -> None:
        self._pool = pool
        self._trainer = trainer
        self._account = account

    def heads(
        self, learner: Learner, lessons: Iterable[Lesson], of: int, tick: Callable[[float], None]
    ) -> Iterator[NDArray[np.float32]]:
        done = 0
        pool = self._pool()
        found = ahead(
            lambda lesson: self._head(pool, learner, lesson),
            lessons,
            pool.places,
            lambda: tick(done / of),
        )
        for _, rows in found:
            done += 1
            tick(done / of)
            yield rows

    def _head(self, pool: "Pool", learner: Learner, lesson: Lesson) -> NDArray[np.float32]:
        try:
            return read_rows(pool.ask("learn", pack_lesson(lesson), learner, alone=True))
        except (NobodyLeft, EndedTwice):
            with pool.here:  # a trainer is for one thread
                return learner.learn(lesson, self._trainer)
