"""Passwords: which ones are accepted, and how they are kept (argon2id, RFC 9106)."""

import secrets
import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from enrollment.errors import BadInput
from wording.message import message

# NIST SP 800-63B-4, 3.1.1: long rather than complicated, and nobody is made to change one.
LEAST = 12
MOST = 256
_ONE_TIME_BYTES = 12


class Passwords:
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()  # 64 MiB and three passes, the library's and RFC 9106's
        # Each takes 64 MiB and a processor: a crowd of guesses must not take them all.
        self._at_once = threading.BoundedSemaphore(2)

    @cached_property
    def _nobody(self) -> str:
        """Of somebody who is not there, so that asking for them takes as long."""
        return self._hasher.hash(secrets.token_urlsafe())

    def encode(self, password: str) -> str:
        with self._at_once:
            return self._hasher.hash(password)

    def fits(self, password: str, encoded: str | None) -> bool:
        """Is it this one? Takes as long for somebody who has none (None)."""
        with self._at_once:
            try:
                self._hasher.verify(encoded or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return encoded is not None

    def one_time(self) -> str:
        """A password that opens only the page on which it is changed."""
        return secrets.token_urlsafe(_ONE_TIME_BYTES)


def check_new(password: str, login: str) -> None:
    """Raises BadInput where this is no password to keep."""
    if not LEAST <= len(password) <= MOST:
        raise BadInput(
            message(
                "a password has {least} to {most} characters; a sentence is a good one",
                least=LEAST,
                most=MOST,
            )
        )
    if login.casefold() in password.casefold() or len(set(password)) < LEAST // 2:
        raise BadInput(
            message(
                "this password is easily guessed: it holds the login, or few different characters"
            )
        )
