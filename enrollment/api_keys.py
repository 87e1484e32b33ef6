"""Keys of other software: each opens what its scopes say, until it ends."""

import secrets
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from enrollment.enrollee import MAX_NAME, printable
from enrollment.errors import BadInput
from store.gallery import Gallery
from store.records import ApiKey, StoredAnswer
from wording.message import message

# Those of the store stand here too, for the doors.
__all__ = [
    "ADMIN",
    "ENROLL",
    "IDENTIFY",
    "NIGHTLY",
    "READ",
    "SCOPES",
    "SCORES",
    "ApiKey",
    "ApiKeys",
    "StoredAnswer",
    "key_document",
]

IDENTIFY, ENROLL, READ, NIGHTLY, ADMIN, SCORES = SCOPES = (
    "identify",
    "enroll",
    "read",
    "nightly",
    "admin",
    "scores",
)
# reliability.md 5.1: a key of software ends after a quarter, so that a lost one does.
MOST_DAYS = 90
MOST_DAILY = 1_000_000
DAILY = 1_000  # reliability.md 5.2: how often a key may ask who somebody is, each day
_PREFIX = "rck_"  # so that scanners for leaked secrets can know one
_BYTES = 32
_ANSWERS_KEPT = timedelta(days=1)


class ApiKeys:
    """Those of one gallery. Safe to share between threads."""

    def __init__(
        self,
        gallery: Gallery,
        actor: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gallery = gallery
        self._actor = actor
        self._now = now

    def add(
        self,
        name: str,
        scopes: Collection[str] = (IDENTIFY,),
        days: int = MOST_DAYS,
        daily: int = DAILY,
    ) -> tuple[ApiKey, str]:
        """A new key, and its secret, which nobody can be told a second time.

        Raises:
            BadInput: the name is empty, too long or taken; a scope is not known; the days are not
                1 to 90, or the times a day not 1 to a million.
        """
        if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            raise BadInput(message("name the software that this key is for, in one line"))
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise BadInput(
                message(
                    "there is no scope {scope}; scopes are {all}",
                    scope=", ".join(unknown) or "-",
                    all=", ".join(SCOPES),
                )
            )
        if not 1 <= days <= MOST_DAYS:
            raise BadInput(message("a key ends after 1 to {most} days", most=MOST_DAYS))
        if not 1 <= daily <= MOST_DAILY:
            raise BadInput(message("a key asks 1 to {most} times a day", most=MOST_DAILY))
        if any(key.name == name for key in self._gallery.api_keys()):
            raise BadInput(
                message("there is a key named {name} already; choose another name", name=name)
            )
        secret = _PREFIX + secrets.token_urlsafe(_BYTES)
        with self._gallery.change(self._actor, raises_generation=False) as change:
            return change.add_api_key(name, scopes, days, daily, secret), secret

    def all(self) -> list[ApiKey]:
        """Oldest first; those that have ended too."""
        return self._gallery.api_keys()

    def revoke(self, name: str) -> ApiKey:
        """It opens nothing from now on. Raises BadInput where no key is named so."""
        key = self.named(name)
        with self._gallery.change(self._actor, raises_generation=False) as change:
            change.revoke_api_key(key)
        return key

    def named(self, name: str) -> ApiKey:
        """By name or id. Raises BadInput where there is none."""
        found = [key for key in self._gallery.api_keys() if name in (key.name, key.key_id)]
        if not found:
            raise BadInput(message("there is no key named {name}", name=printable(name)))
        return found[0]

    def holder(self, secret: str) -> ApiKey | None:
        """Whose secret this is; None where it opens nothing: unknown, revoked or at its end."""
        key = self._gallery.api_key_of(secret)
        return key if key is not None and self.holds(key) else None

    def holds(self, key: ApiKey) -> bool:
        return key.revoked_at is None and self._now() < key.expires_at

    def answer(self, key: ApiKey, idempotency_key: str) -> StoredAnswer | None:
        """What the same request was answered within the last day."""
        return self._gallery.answer(key.key_id, idempotency_key, _ANSWERS_KEPT)

    def put_answer(self, key: ApiKey, idempotency_key: str, given: StoredAnswer) -> None:
        with self._gallery.change(self._actor, raises_generation=False) as change:
            change.put_answer(key.key_id, idempotency_key, given, _ANSWERS_KEPT)

    def expire(self) -> None:
        """Forget what was answered more than a day ago."""
        with self._gallery.change(self._actor, raises_generation=False) as change:
            change.forget_answers(_ANSWERS_KEPT)


def key_document(key: ApiKey, *, holds: bool) -> dict[str, object]:
    """For the doors; the secret is in no document but the first."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "daily": key.daily,
        "created_at": key.created_at.isoformat(timespec="seconds"),
        "expires_at": key.expires_at.isoformat(timespec="seconds"),
        "revoked_at": key.revoked_at.isoformat(timespec="seconds") if key.revoked_at else None,
        "holds": holds,
    }
