"""Tells another system who passed: signed, in the background, and never at the door's expense."""

import json
import queue
import threading
import uuid
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult

from app.signed_post import post
from enrollment.errors import BadInput
from enrollment.webhook_address import is_here, parsed

ROOM = 100  # messages that may wait; then the oldest is dropped
PAUSES = (0.5, 2.0, 5.0)  # s before each retry
_SECONDS_TO_FINISH = 5.0


class Webhook:
    """Posts JSON to one address. Use as a context manager: what waits is sent before it ends.

    Args:
        secret: signs every message; None sends them unsigned.
        say: told of everything that was not delivered.

    Raises:
        BadInput: the address cannot be used, or names would travel where anybody can read and
            forge them.
    """

    def __init__(self, url: str, secret: str | None, say: Callable[[str], None]) -> None:
        self._url = _checked(url, signed=secret is not None)
        self._secret = secret
        self._say = say
        self._waiting: queue.Queue[bytes] = queue.Queue(ROOM)
        self._ending = threading.Event()
        self._sender = threading.Thread(target=self._work, name="webhook", daemon=True)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What whoever starts the door should know."""
        found = []
        if self._secret is None:
            found.append("webhook messages are not signed: set ROLLCALL_WEBHOOK_SECRET")
        if self._url.scheme == "http" and not is_here(self._url.hostname or ""):
            found.append("webhook messages travel readable to everybody on the way: use https")
        return tuple(found)

    def __enter__(self) -> "Webhook":
        self._sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._sender.join(timeout=_SECONDS_TO_FINISH)
        left = self._waiting.qsize()
        if left:
            self._say(f"webhook: {left} messages were not delivered before the end")

    def send(self, document: Mapping[str, object]) -> None:
        """Queue one message; never waits. When too many wait, the oldest is dropped and said."""
        message = dict(document) | {"delivery": uuid.uuid4().hex}
        body = json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
        while True:
            try:
                self._waiting.put_nowait(body)
                return
            except queue.Full:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        try:
            self._waiting.get_nowait()
        except queue.Empty:
            return
        self._say(f"webhook: more than {ROOM} messages wait; the oldest was dropped")

    def _work(self) -> None:
        while not (self._ending.is_set() and self._waiting.empty()):
            try:
                body = self._waiting.get(timeout=0.1)
            except queue.Empty:
                continue
            trouble = self._deliver(body)
            if trouble:
                self._say(f"webhook: a message was dropped: {trouble}")

    def _deliver(self, body: bytes) -> str | None:
        """None when it was taken, else why not."""
        trouble = None
        for pause in (0.0, *PAUSES):
            if pause and self._ending.wait(pause):
                return trouble
            status, trouble = post(self._url, body, self._secret)
            if trouble is None:
                return None
            if status is not None and 400 <= status < 500 and status not in (408, 429):
                return trouble  # it will not be taken the next time either
        return trouble


def _checked(url: str, *, signed: bool) -> SplitResult:
    parts = parsed(url)
    if parts is None:
        raise BadInput("--webhook is an address such as https://door.example/rollcall")
    if parts.username or parts.password:
        raise BadInput("--webhook with a password in it would show it; set ROLLCALL_WEBHOOK_SECRET")
    if parts.scheme == "http" and not signed and not is_here(parts.hostname or ""):
        raise BadInput(
            "--webhook over plain http to another machine, unsigned, could be read and forged by "
            "anybody; use https, or set ROLLCALL_WEBHOOK_SECRET to sign the messages"
        )
    return parts
