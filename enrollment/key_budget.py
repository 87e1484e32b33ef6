"""How often a key may ask who somebody is, so that answers cannot be collected into a template.

NIST SP 800-63B (2023 draft, as in reliability.md 2): five failures in a row are free, each further
one waits 30 s, and after 50 the key is stopped until a person lets it go on.

While the database is away each server counts in memory, from what it last knew of the key, and what
it counted is added when the database is back.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from store.errors import DatabaseAway
from store.gallery import Gallery
from store.records import ApiKey, KeyUse

Counting = Callable[[KeyUse], KeyUse | None]


@dataclass(frozen=True)
class BackOff:
    free: int = 5
    seconds: float = 30.0
    stopped_at: int = 50


class KeyBudget:
    """Of one gallery; counted in its database, so that no restart forgets it."""

    def __init__(
        self,
        gallery: Gallery,
        back_off: BackOff | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gallery = gallery
        self._back_off = back_off or BackOff()
        self._now = now
        self._known: dict[str, KeyUse] = {}
        self._uncounted: dict[str, list[Counting]] = {}
        self._lock = threading.Lock()

    def admit(self, key: ApiKey) -> "Admission":
        """May it ask now? While it backs off one request is admitted at a time; before that as many
        as its pace allows, so that a busy door is not taken for an attacker."""
        now, found = self._now(), Admission()

        def count(before: KeyUse) -> KeyUse | None:
            nonlocal found
            found = self._admission(key, before, now)
            if not found.admitted:
                return None
            day = now.date().isoformat()
            asked = before.asked + 1 if before.day == day else 1
            return KeyUse(day, asked, before.failed, now)

        self._use(key, count)
        return found

    def settle(self, key: ApiKey, *, named: int, unnamed: int) -> None:
        """What came of an admitted request, in faces that were compared.

        Each face counts against the day, or a photo of a hundred would be a hundred questions.
        Somebody named ends the row of failures, unless somebody unnamed is beside them; where no
        face could be used, nothing was asked.
        """

        def count(before: KeyUse) -> KeyUse:
            asked = before.asked + max(named + unnamed - 1, 0)
            failed = 0 if named and not unnamed else before.failed + unnamed
            return replace(before, asked=asked, failed=failed)

        self._use(key, count)

    def check(self, key: ApiKey) -> "Admission":
        """May it do now what tells nothing unless a face collides? Counts nothing."""
        now, found = self._now(), Admission()

        def look(before: KeyUse) -> None:
            nonlocal found
            found = self._admission(key, before, now)

        self._use(key, look)
        return found

    def collided(self, key: ApiKey, faces: int) -> None:
        """It was told of so many faces that they are, or are not, somebody's who is enrolled: as
        many questions that nobody was named for. Nothing that is enrolled ends the row, because
        whoever asks could always enroll somebody."""
        if not faces:
            return
        now = self._now()

        def count(before: KeyUse) -> KeyUse:
            day = now.date().isoformat()
            asked = faces + (before.asked if before.day == day else 0)
            return KeyUse(day, asked, before.failed + faces, now)

        self._use(key, count)

    def resume(self, key: ApiKey) -> None:
        """A person says that the failures were none of an attacker's."""
        self._use(key, lambda before: replace(before, failed=0))

    def _use(self, key: ApiKey, after: Counting) -> None:
        """Raises DatabaseAway where it is, and nothing is known of this key."""
        with self._lock:
            waiting = self._uncounted.pop(key.key_id, [])
        then = KeyUse("", 0, 0, self._now())

        def counted(before: KeyUse) -> KeyUse | None:
            nonlocal then
            use = _after(before, waiting)
            then = after(use) or use
            return then if then != before else None

        try:
            self._gallery.use_key(key.key_id, counted)
        except BaseException as error:
            with self._lock:
                self._uncounted[key.key_id] = waiting + self._uncounted.get(key.key_id, [])
            if not isinstance(error, DatabaseAway) or not self._counts_here(key.key_id, after):
                raise
            return
        with self._lock:
            self._known[key.key_id] = then

    def _counts_here(self, key_id: str, after: Counting) -> bool:
        with self._lock:
            if key_id not in self._known:
                return False
            self._known[key_id] = after(self._known[key_id]) or self._known[key_id]
            self._uncounted.setdefault(key_id, []).append(after)
            return True

    def _admission(self, key: ApiKey, use: KeyUse, now: datetime) -> "Admission":
        if use.failed >= self._back_off.stopped_at:
            return Admission(admitted=False, stopped=True)
        if use.day == now.date().isoformat() and use.asked >= key.daily:
            midnight = 24 * 3600 - (now.hour * 3600 + now.minute * 60 + now.second)
            return Admission(admitted=False, wait=float(midnight))
        passed = (now - use.last_at).total_seconds()
        if use.failed >= self._back_off.free and 0 <= passed < self._back_off.seconds:
            return Admission(admitted=False, wait=self._back_off.seconds - passed)
        return Admission()


@dataclass(frozen=True)
class Admission:
    """wait: seconds until it may ask again; stopped: not before a person lets it go on."""

    admitted: bool = True
    wait: float = 0.0
    stopped: bool = False


def _after(use: KeyUse, countings: list[Counting]) -> KeyUse:
    for counting in countings:
        use = counting(use) or use
    return use
