"""Other software that is told what happens here: what, in which order, and how often it is tried.

What is to be told is read from the audit trail, so nothing is written twice and nothing is lost
between a change and its message.
"""

import json
import secrets
import threading
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from enrollment.enrollee import MAX_NAME, printable
from enrollment.errors import BadInput
from enrollment.webhook_address import check_receiver
from store.gallery import Gallery
from store.records import AuditRecord, StoredWebhook
from wording.message import message

__all__ = ["EVENTS", "TEST", "Claim", "Message", "StoredWebhook", "Webhooks", "webhook_document"]

# Actions of the audit trail that other software can be told of; docs/api.md says what each is.
EVENTS = (
    "subject.add",
    "samples.add",
    "subject.rename",
    "subject.merge",
    "subject.suspended",
    "subject.active",
    "subject.erase",
    "consent.withdraw",
    "night.finish",
    "head.champion",
    "operating-point.set",
    "api_key.add",
    "api_key.revoke",
    "user.add",
    "user.roles",
    "user.disable",
    "user.enable",
    "user.reset",
    "webhook.add",
    "webhook.remove",
)
TEST = "webhook.test"
MOST = 20  # each has a thread of its own while it is told
LEASE = timedelta(seconds=60)  # longer than one attempt can take
GIVES_UP = timedelta(days=3)
_LONGEST = 3600  # s between two attempts
_AT_ONCE = 50  # messages that are read ahead
_PREFIX = "rwh_"  # so that scanners for leaked secrets can know one
_BYTES = 32


@dataclass(frozen=True)
class Message:
    """One message. seq: of the audit trail; 0: a trial. body: the same bytes at every attempt."""

    seq: int
    body: bytes


@dataclass(frozen=True)
class Claim:
    """What one server alone may deliver now, in order."""

    hook: StoredWebhook
    messages: tuple[Message, ...]


class Webhooks:
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
        self._by = uuid.uuid4().hex  # this server
        self._lock = threading.Lock()
        self._ids: tuple[int, dict[str, str]] = (-1, {})  # generation, pseudonym -> subject id
        self._made: dict[str, Message] = {}  # by webhook: what was tried and not taken yet

    def add(
        self, name: str, url: str, events: Collection[str] = EVENTS
    ) -> tuple[StoredWebhook, str]:
        """A new one, and the secret that signs its messages, told this once.

        Raises:
            BadInput: name, address or events cannot be used, or there are too many.
        """
        if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            raise BadInput(message("name the software that is to be told, in one line"))
        check_receiver(url)
        unknown = sorted(set(events) - set(EVENTS))
        if unknown or not events:
            raise BadInput(
                message(
                    "there is no event {event}; events are {all}",
                    event=", ".join(unknown) or "-",
                    all=", ".join(EVENTS),
                )
            )
        there = self._gallery.webhooks()
        if any(hook.name == name for hook in there):
            raise BadInput(
                message("there is a webhook named {name} already; choose another name", name=name)
            )
        if len(there) >= MOST:
            raise BadInput(message("there are {most} webhooks already; remove one", most=MOST))
        secret = _PREFIX + secrets.token_urlsafe(_BYTES)
        with self._gallery.change(self._actor, raises_generation=False) as change:
            return change.add_webhook(name, url, set(events), secret), secret

    def all(self) -> list[StoredWebhook]:
        """Oldest first."""
        return self._gallery.webhooks()

    def named(self, name: str) -> StoredWebhook:
        """By name or id. Raises BadInput where there is none."""
        found = [hook for hook in self.all() if name in (hook.name, hook.webhook_id)]
        if not found:
            raise BadInput(message("there is no webhook named {name}", name=printable(name)))
        return found[0]

    def remove(self, name: str) -> StoredWebhook:
        """It is told nothing more. Raises BadInput where none is named so."""
        hook = self.named(name)
        with self._gallery.change(self._actor, raises_generation=False) as change:
            change.remove_webhook(hook)
        return hook

    # -- delivering -----------------------------------------------------------------------------

    def behind(self) -> list[str]:
        """Ids of those that have something to be told now."""
        return self._gallery.webhooks_behind()

    def claim(self, webhook_id: str) -> Claim | None:
        """The next messages, which no other server delivers meanwhile; None where another does.

        To be claimed again after each attempt; `release` when it is enough for now.
        """
        hook = self._gallery.claim_webhook(webhook_id, self._by, LEASE)
        if hook is None:
            return None
        rows = self._gallery.untold(hook, _AT_ONCE)
        return Claim(hook, tuple(self._message(hook, row, digest) for row, digest in rows))

    def release(self, webhook_id: str) -> None:
        """Another server may go on."""
        self._gallery.release_webhook(webhook_id, self._by)

    def settle(self, claim: Claim, taken: int, *, failed: bool) -> str | None:
        """What came of it: so many were taken, from the first on, and the next one was refused.

        A refused one is tried again after 1 s, 2 s, 4 s and so on up to an hour, and given up after
        three days, until a person tries it.

        Returns:
            "failing", "paused" or "back" where that is new, else None.
        """
        hook = claim.hook
        if taken:
            self._gallery.webhook_took(hook.webhook_id, claim.messages[taken - 1].seq)
            hook = replace(hook, failed=0, failing_since=None)
        with self._lock:
            self._made.pop(hook.webhook_id, None)
            if failed:
                self._made[hook.webhook_id] = claim.messages[taken]
        if not failed:
            return "back" if claim.hook.failed else None
        now = self._now()
        pause = timedelta(seconds=min(2 ** min(hook.failed, 20), _LONGEST))
        gives_up = hook.failing_since is not None and now - hook.failing_since >= GIVES_UP
        self._gallery.webhook_failed(hook, now + pause, now if gives_up else None)
        if gives_up:
            return "paused"
        return None if claim.hook.failed else "failing"

    def trial(self) -> Message:
        """A message that says nothing."""
        return Message(0, _body(TEST, self._now(), uuid.uuid4(), 0, "rollcall", None, ""))

    def resume(self, hook: StoredWebhook) -> None:
        """It has taken a trial message: go on with what waits."""
        self._gallery.webhook_took(hook.webhook_id, 0)

    def _message(self, hook: StoredWebhook, row: AuditRecord, digest: str) -> Message:
        with self._lock:
            made = self._made.get(hook.webhook_id)
        if made is not None and made.seq == row.seq:
            return made
        delivery = uuid.uuid5(uuid.UUID(hook.webhook_id), digest)
        about = self._subject_ids().get(row.pseudonym) if row.pseudonym else None
        outcome = row.details.get("outcome") if row.action == "night.finish" else None
        said = {} if outcome is None else {"outcome": outcome}
        actor = row.actor.partition(":")[0] if ":" in row.actor else "rollcall"
        body = _body(row.action, row.at, delivery, row.seq, actor, about, row.pseudonym, said)
        return Message(row.seq, body)

    def _subject_ids(self) -> dict[str, str]:
        """Pseudonym -> id, of everybody who is here."""
        with self._lock:
            reached = self._gallery.generation()
            if self._ids[0] != reached:
                names = self._gallery.pseudonyms(self._gallery.subject_ids())
                self._ids = reached, {name: subject_id for subject_id, name in names.items()}
            return self._ids[1]


def _body(
    kind: str,
    at: datetime,
    delivery: uuid.UUID,
    seq: int,
    actor: str,
    subject_id: str | None,
    pseudonym: str,
    more: dict[str, object] | None = None,
) -> bytes:
    said = {
        "event": kind,
        "at": at.isoformat(timespec="milliseconds"),
        "subject_id": subject_id,
        "pseudonym": pseudonym or None,
        "actor": actor,
        "seq": seq,
        "delivery": delivery.hex,
    }
    return json.dumps(said | (more or {})).encode()


def webhook_document(hook: StoredWebhook) -> dict[str, object]:
    """For the doors; the secret is in no document but the first."""
    state = "paused" if hook.paused_at else "failing" if hook.failed else "working"
    return {
        "webhook_id": hook.webhook_id,
        "name": hook.name,
        "url": hook.url,
        "events": list(hook.events),
        "created_at": hook.created_at.isoformat(timespec="seconds"),
        "state": state,
        "delivered_to": hook.delivered_to,
        "failed": hook.failed,
        "failing_since": _said(hook.failing_since),
        "next_at": _said(hook.next_at) if state == "failing" else None,
        "paused_at": _said(hook.paused_at),
    }


def _said(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
