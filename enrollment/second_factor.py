"""The second factor: six digits that change every half minute (RFC 6238)."""

from datetime import datetime

import pyotp

_ISSUER = "Rollcall"
_EITHER_SIDE = 1  # half minutes by which a clock may be wrong (RFC 6238, 5.2)


def new_secret() -> str:
    """In base32, as authenticator apps take it."""
    return pyotp.random_base32()


def address_of(secret: str, login: str) -> str:
    """What the app's camera reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=_ISSUER)


def step_of(secret: str, code: str, now: datetime, after: int = 0) -> int | None:
    """The half minute that this code is of; None where it is wrong, or not of later than `after`:
    who looked over a shoulder must not use it again."""
    given = "".join(code.split())
    factor = pyotp.TOTP(secret)
    current = factor.timecode(now)
    for step in range(current - _EITHER_SIDE, current + _EITHER_SIDE + 1):
        if step > after and pyotp.utils.strings_equal(given, factor.generate_otp(step)):
            return step
    return None
