"""Tells other software what happens, while a server serves."""

import threading
import time

from app.log import Log
from app.signed_post import post
from enrollment.errors import RollcallError
from enrollment.service import Service
from enrollment.webhook_address import check_receiver
from enrollment.webhooks import Claim
from store.errors import StoreError

_EVERY = 1.0  # s between two looks at who is behind
_ON_ONE_CLAIM = 20.0  # s; with the longest attempt it is still far from the lease's end
_SECONDS_TO_FINISH = 12.0  # an attempt that was begun is waited for


class Deliveries:
    """One thread looks who is behind; each that is has one of its own, so that a receiver that
    does not answer holds up nobody else. Runs until `end`."""

    def __init__(self, service: Service, said: Log, every: float = _EVERY) -> None:
        self._webhooks = service.webhooks
        self._said = said
        self._every = every
        self._ending = threading.Event()
        self._telling: dict[str, threading.Thread] = {}
        self._troubles: dict[str, str] = {}  # what was logged of whom, to be said once
        self._watcher = threading.Thread(target=self._watch, name="webhooks", daemon=True)
        self._watcher.start()

    def end(self) -> None:
        """What waits is told by the next server."""
        self._ending.set()
        until = time.monotonic() + _SECONDS_TO_FINISH
        for thread in (self._watcher, *self._telling.values()):
            thread.join(timeout=max(until - time.monotonic(), 0.1))

    def _watch(self) -> None:
        while not self._ending.wait(self._every):
            try:
                behind = self._webhooks.behind()
            except (RollcallError, StoreError) as error:
                self._trouble("", error)
                continue
            self._troubles.pop("", None)
            for webhook_id in behind:
                self._tell(webhook_id)

    def _tell(self, webhook_id: str) -> None:
        before = self._telling.get(webhook_id)
        if before is not None and before.is_alive():
            return
        thread = threading.Thread(
            target=self._work, args=(webhook_id,), name="webhook", daemon=True
        )
        self._telling[webhook_id] = thread
        thread.start()

    def _work(self, webhook_id: str) -> None:
        try:
            while not self._ending.is_set():
                claim = self._webhooks.claim(webhook_id)
                if claim is None or not claim.messages or not self._deliver(claim):
                    break
            self._webhooks.release(webhook_id)
            self._troubles.pop(webhook_id, None)
        except (RollcallError, StoreError) as error:
            self._trouble(webhook_id, error)

    def _deliver(self, claim: Claim) -> bool:
        """In order; False where it is enough for now."""
        url = check_receiver(claim.hook.url)
        until = time.monotonic() + _ON_ONE_CLAIM
        taken, trouble = 0, None
        for message in claim.messages:
            _, trouble = post(url, message.body, claim.hook.secret)
            if trouble is not None:
                break
            taken += 1
            if self._ending.is_set() or time.monotonic() > until:
                break
        state = self._webhooks.settle(claim, taken, failed=trouble is not None)
        if state is not None:
            self._said.webhook(claim.hook.webhook_id, state)
        return trouble is None

    def _trouble(self, webhook_id: str, error: Exception) -> None:
        kind = type(error).__name__
        if self._troubles.get(webhook_id) != kind:
            self._said.error(error)
        self._troubles[webhook_id] = kind
