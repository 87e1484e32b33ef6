"""Ray workers of one detector and backbone, and whose turn it is.

Loses nothing when workers are killed: what one had begun is done again, alone at another worker, so
that what kills it is told from what was only beside it; where no worker is left, whoever asked is
told so and does it.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from enrollment.errors import FingerprintMismatch, RollcallError, Unusable
from enrollment.ray_worker import Greeting, Worker
from enrollment.sealed_link import SealedLink
from enrollment.workplace import Opener
from models.fingerprint import golden_agree
from store.records import GalleryFacts
from wording.message import message, words_of

# Photos at once at one worker: some are decoded, some searched, the others embedded together.
EACH = 4
TRIES = 2  # workers that one piece of work may end
MEMORY = 3 * 2**30  # bytes for a worker: VGG-Face's peak, see docs/scaling.md
_CORES = 4  # for one worker without a GPU, from the third on: a backbone has threads of its own
_START = 600.0  # seconds until a worker that does not come is not waited for any more
_END = 10.0  # seconds until one that does not end is left to itself
Tell = Callable[[str], None]
Actor = Any  # Ray makes its methods as they are asked for


@dataclass
class Account:
    """What was done where. again: pieces of work that were done once more after their worker was
    lost; here: done in this process, because no worker was left; given_up: photos that ended
    `TRIES` workers."""

    workers: int = 0
    done: int = 0
    lost: int = 0
    again: int = 0
    here: int = 0
    given_up: int = 0

    def sentence(self) -> str:
        said = message(
            "Ray: {workers} workers did {done} pieces of work", workers=self.workers, done=self.done
        )
        if not self.lost:
            return said
        return message(
            "{said}; {lost} workers were lost, {again} pieces were done again, {here} here, and "
            "{given_up} photos were given up",
            said=said,
            lost=self.lost,
            again=self.again,
            here=self.here,
            given_up=self.given_up,
        )


class NobodyLeft(Exception):
    """No worker is there, and none will come."""


class EndedTwice(Exception):
    """This very piece of work has ended as many workers as it may."""


@dataclass
class _Place:
    """Room for one worker. busy: pieces of work at it. starts: workers that it has had."""

    actor: Actor = None
    link: SealedLink | None = None
    pid: int = 0
    ready: bool = False
    busy: int = 0
    alone: bool = False
    starts: int = 0


class Pool:
    """The workers of one detector and backbone. Safe to share between threads: each waits for the
    answer to its own piece of work, and at most `EACH` are at one worker."""

    def __init__(
        self,
        ray: ModuleType,
        facts: GalleryFacts | None,
        opens: Opener | None,
        tell: Tell,
        account: Account,
        most: int | None,
        replaced: int,
    ) -> None:
        self._ray = ray
        self._facts = facts
        self._opens = opens
        self._tell = tell
        self._account = account
        self._starts = 1 + replaced
        self.fingerprint = facts.fingerprint if facts else None
        self.here = threading.Lock()
        self._changed = threading.Condition()
        self._waiting_alone = 0
        self._closed = False
        self._refusal: RollcallError | None = None
        kind, count = workers_of(ray.cluster_resources())
        self._actors = ray.remote(Worker).options(
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=EACH,
            scheduling_strategy="SPREAD",
            **kind,
        )
        self._places = [_Place() for _ in range(min(count, most or count))]
        self._threads: list[threading.Thread] = []
        for place in self._places:
            self._begin(place)

    @property
    def places(self) -> int:
        return len(self._places)

    def pids(self) -> list[int]:
        with self._changed:
            return [place.pid for place in self._places if place.ready]

    def wait(self) -> None:
        """For the first worker.

        Raises:
            FingerprintMismatch, Unusable: none can be used.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._any_ready() or not self._any_coming())
            if not self._any_ready():
                raise self._refusal or Unusable(
                    message(
                        "no Ray worker started; look at `ray status`: is a core or GPU free, and "
                        "is this version of Rollcall installed there?"
                    )
                )

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for place in self._places:
            self._end(place)
        for thread in self._threads:
            thread.join(_END)

    def ask(self, method: str, payload: bytes, *rest: object, alone: bool = False) -> bytes:
        """The answer to one piece of work, sealed on its way to and fro.

        Raises:
            NobodyLeft, EndedTwice; whatever the work raised.
        """
        tried = 0
        while tried < TRIES:
            place = self._take(alone or tried > 0)
            try:
                if tried and not self._answers(place):
                    continue  # it went before this came: that is not counted against this
                assert place.link is not None  # noqa: S101 - a ready place has one
                sealed = place.link.seal(payload)
                answer = self._ray.get(getattr(place.actor, method).remote(sealed, *rest))
                opened = place.link.open(answer)
            except self._ray.exceptions.RayTaskError as error:
                raise _cause(error) from error
            except (self._ray.exceptions.RayError, ConnectionError):
                tried += 1
                self._lost(place, again=tried < TRIES)
            else:
                with self._changed:
                    self._account.done += 1
                return opened
            finally:
                self._give_back(place)
        raise EndedTwice

    def _answers(self, place: _Place) -> bool:
        try:
            return bool(self._ray.get(place.actor.here.remote()))
        except (self._ray.exceptions.RayError, ConnectionError):
            self._lost(place, again=False)
            return False

    # -- whose turn it is -----------------------------------------------------------------------

    def _take(self, alone: bool) -> _Place:
        """A worker with room; `alone`: one that has nothing else to do, and gets nothing else."""
        with self._changed:
            self._waiting_alone += alone
            try:
                while True:
                    place = self._with_room(alone)
                    if place is not None:
                        place.busy += 1
                        place.alone = alone
                        return place
                    if self._closed or not (self._any_ready() or self._any_coming()):
                        self._account.here += 1
                        raise NobodyLeft
                    self._changed.wait()
            finally:
                self._waiting_alone -= alone
                self._changed.notify_all()

    def _with_room(self, alone: bool) -> _Place | None:
        if self._closed or (self._waiting_alone and not alone):
            return None
        room = [
            place
            for place in self._places
            if place.ready and not place.alone and place.busy < (1 if alone else EACH)
        ]
        return min(room, key=lambda place: place.busy, default=None)

    def _give_back(self, place: _Place) -> None:
        with self._changed:
            place.busy -= 1
            place.alone = False
            if not place.busy and not place.ready:
                self._again(place)
            self._changed.notify_all()

    def _any_ready(self) -> bool:
        return any(place.ready for place in self._places)

    def _any_coming(self) -> bool:
        return not self._closed and any(
            not place.ready and (place.busy or place.actor is not None) for place in self._places
        )

    # -- workers that come and go ---------------------------------------------------------------

    def _begin(self, place: _Place) -> None:
        """In the background: a backbone takes seconds to open."""
        place.starts += 1
        place.link = SealedLink()
        place.actor = self._actors.remote()
        thread = threading.Thread(target=self._greet, args=(place, place.actor), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _greet(self, place: _Place, actor: Actor) -> None:
        refusal: RollcallError | None = None
        lost = False
        try:
            asked = actor.greet.remote(place.link.public if place.link else b"", self._opens)
            greeting: Greeting = self._ray.get(asked, timeout=_START)
            refusal = self._against(greeting)
            if refusal is None and place.link is not None:
                place.link.join(greeting.public)
                place.pid = greeting.pid
        except self._ray.exceptions.RayTaskError as error:
            refusal = Unusable(
                message("a Ray worker cannot start: {error}", error=words_of(_cause(error)))
            )
        except (self._ray.exceptions.RayError, ConnectionError):
            refusal, lost = Unusable(message("a Ray worker was lost while it started")), True
        except Exception as error:  # else whoever waits for this place would wait for ever
            refusal = Unusable(
                message("a Ray worker cannot start: {error}", error=type(error).__name__)
            )
        with self._changed:
            if refusal is None and not self._closed:
                place.ready = True
                self._account.workers += 1
            else:
                self._refusal = self._refusal or refusal
                place.actor = None
                if lost:
                    self._again(place)
            self._changed.notify_all()
        if refusal is not None and not self._closed:
            self._tell(str(refusal))
        if refusal is not None:
            self._kill(actor)

    def _against(self, greeting: Greeting) -> RollcallError | None:
        """Why this worker must not be used: embeddings of two pipelines cannot be compared."""
        facts = self._facts
        if facts is None:
            return None
        if greeting.fingerprint != facts.fingerprint:
            return FingerprintMismatch(
                message(
                    "a Ray worker was refused: its detector and backbone (fingerprint {now}) are "
                    "not the gallery's ({fingerprint}), and embeddings of two cannot be compared. "
                    "Install there the same Rollcall, libraries and weights",
                    now=str(greeting.fingerprint)[:12],
                    fingerprint=facts.fingerprint[:12],
                )
            )
        if greeting.golden is None or not golden_agree(facts.golden, greeting.golden):
            return FingerprintMismatch(
                message(
                    "a Ray worker was refused: {backbone} gives other embeddings there, for the "
                    "same weights; install the same versions of its libraries",
                    backbone=facts.backbone,
                )
            )
        return None

    def _lost(self, place: _Place, again: bool) -> None:
        with self._changed:
            self._account.again += again
            if not place.ready:
                return  # another piece of work at it said so
            place.ready = False
            self._account.lost += 1
            left = sum(other.ready for other in self._places)
        self._kill(place.actor)
        self._tell(
            message("a Ray worker was lost; what it did is done again. {left} are left", left=left)
        )

    def _again(self, place: _Place) -> None:
        """A new worker, once the last piece of work has left the lost one."""
        place.actor = None
        if place.starts < self._starts and not self._closed:
            with suppress(self._ray.exceptions.RayError, ConnectionError):
                self._begin(place)

    def _end(self, place: _Place) -> None:
        place.ready = False
        self._kill(place.actor)

    def _kill(self, actor: Actor) -> None:
        # Whoever cannot be reached is gone already, or ends with the cluster or this job.
        if actor is not None:
            with suppress(Exception):
                self._ray.kill(actor)


def _cause(error: Exception) -> Exception:
    """What the work itself raised."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, Exception) else RuntimeError(type(error).__name__)


def workers_of(has: Mapping[str, float]) -> tuple[dict[str, object], int]:
    """What each worker claims of a cluster, and how many there are."""
    if has.get("GPU", 0) >= 1:
        return {"num_gpus": 1}, int(has["GPU"])
    cores = int(has.get("CPU", 0))
    fit = int(has.get("memory", 0) // MEMORY)
    return {"num_cpus": 1, "memory": MEMORY}, max(min(max(min(cores, 2), cores // _CORES), fit), 1)
