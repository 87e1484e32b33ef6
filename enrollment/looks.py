"""Who looked at whose data: a row of the audit trail, where nothing was changed.

A page is drawn anew at every click, so one actor's looks at one person count once in a quarter of
an hour.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from store.gallery import Gallery

_COUNTS_FOR = timedelta(minutes=15)
_REMEMBERED = 10_000  # actors and people
_EVERYBODY = ""


class Looks:
    """Built by the service, which calls it before it hands anything out."""

    def __init__(
        self,
        gallery: Gallery,
        actor: Callable[[], str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gallery = gallery
        self._actor = actor
        self._now = now
        self._seen: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def person(self, subject_id: str) -> None:
        """Somebody looks at one person: photos, consents, likeness."""
        self._record("person.look", subject_id, {})

    def people(self, shown: int) -> None:
        """Somebody lists or searches people, and is shown so many."""
        self._record("people.look", _EVERYBODY, {"shown": shown})

    def _record(self, action: str, subject_id: str, details: dict[str, object]) -> None:
        if self._gallery.is_changing:
            return  # part of a deed, which leaves a row of its own
        actor, now = self._actor(), self._now()
        with self._lock:
            seen = self._seen.get((actor, subject_id))
            if seen is not None and timedelta() <= now - seen < _COUNTS_FOR:
                return
            with self._gallery.change(actor, raises_generation=False) as change:
                change.record(action, subject_id, details)
            if len(self._seen) >= _REMEMBERED:
                self._seen = {k: at for k, at in self._seen.items() if now - at < _COUNTS_FOR}
            self._seen[actor, subject_id] = now
