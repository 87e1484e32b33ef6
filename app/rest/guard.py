"""Who asks, and whether this is theirs to ask. Nothing is open unless it says so."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.rest.answering import asked
from app.rest.pace import Pace
from app.rest.problem import Problem
from enrollment.api_keys import IDENTIFY, READ, SCORES, ApiKey
from enrollment.key_budget import Admission
from enrollment.rights import Acting
from enrollment.service import Service

_WAIT = "this key has asked for too many who are not enrolled, or too often"
_STOPPED = (
    "this key is stopped, because too many faces in a row were nobody's; a person lets it go on: "
    "rollcall api-key resume NAME"
)
_READING = (IDENTIFY, READ)  # what else is asked for changes something
_BEARER = HTTPBearer(auto_error=False, description="A key from `rollcall api-key add`.")


@dataclass(frozen=True)
class Caller:
    """Software that showed a key whose scopes allow what it asks."""

    key: ApiKey
    service: Service

    @property
    def sees_scores(self) -> bool:
        return SCORES in self.key.scopes

    @property
    def acting(self) -> Acting:
        """As the audit trail says it. The routes ask for a scope each, so here nothing is left to
        ask for."""
        return Acting(f"key:{self.key.name}")


def scope(needed: str) -> Callable[..., Caller]:
    """A dependency: the caller, whose key has this scope.

    Raises:
        Problem: 401 without a key that holds, 403 without the scope, 429 for one that is too fast.
    """

    def caller(
        request: Request,
        shown: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> Caller:
        service: Service = request.app.state.service
        key = service.api_keys.holder(shown.credentials) if shown else None
        if key is None:
            said = "show a key that holds, as `Authorization: Bearer ...`"
            raise Problem(401, said, {"WWW-Authenticate": "Bearer"})
        asked(request).key_id = key.key_id
        if needed not in _READING:
            service.wait_for_database()
        if needed not in key.scopes:
            raise Problem(403, f"this needs the scope {needed}; the key has {_listed(key)}")
        pace: Pace = request.app.state.pace
        refuse_while(pace.wait(key.key_id), "this key asks too fast")
        return Caller(key, service)

    return caller


def refuse_while(seconds: float, why: str) -> None:
    """Raises Problem: 429, with the seconds to wait, where there are any."""
    if seconds > 0:
        wait = math.ceil(seconds)
        raise Problem(429, f"{why}; ask again in {wait} s", {"Retry-After": str(wait)})


def refuse_unless(admission: Admission) -> None:
    """Raises Problem: 429 where the budget of the day is spent or after failures, 403 for a key
    that failed too often."""
    if admission.stopped:
        raise Problem(403, _STOPPED)
    refuse_while(admission.wait, _WAIT)


def needs(needed: str) -> object:
    """As `scope`, for a signature."""
    return Depends(scope(needed))


def _listed(key: ApiKey) -> str:
    return ", ".join(sorted(key.scopes))
