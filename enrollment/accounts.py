"""People who may sign in: who they are, and which roles they have."""

import re
import uuid
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime

from enrollment.enrollee import printable
from enrollment.errors import BadInput
from enrollment.password import Passwords
from enrollment.rights import FIRST, ROLES
from store.change import Change
from store.gallery import Gallery
from store.records import Session, User
from wording.message import message

__all__ = ["FIRST_LOGIN", "Accounts", "Session", "User", "user_document"]

FIRST_LOGIN = "admin"
_LONGEST = 64
# No letters that look like others: the audit trail says who acted by it.
_LOGIN = re.compile(rf"[a-z0-9][a-z0-9._@+-]{{0,{_LONGEST - 1}}}")


class Accounts:
    """Those of one gallery. Safe to share between threads."""

    def __init__(
        self,
        gallery: Gallery,
        passwords: Passwords,
        actor: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gallery = gallery
        self._passwords = passwords
        self._actor = actor
        self._now = now

    def all(self) -> list[User]:
        """In order of login; those who may not sign in any more too."""
        return self._gallery.users()

    def named(self, login: str) -> User:
        """Raises BadInput where nobody signs in so."""
        found = self._gallery.user_named(login.strip().casefold())
        if found is None:
            raise BadInput(message("nobody signs in as {login}", login=printable(login)))
        return found

    def add(self, login: str, roles: Collection[str]) -> tuple[User, str]:
        """Somebody new, and the password for their first time, which is not kept.

        Raises:
            BadInput: the login is taken or no login; there is no such role, or none is given.
        """
        password = self._passwords.one_time()
        encoded = self._passwords.encode(password)
        user = replace(self._new(login, roles), password=encoded, one_time=True)
        with self._changing() as change:
            change.add_user(user)
        return user, password

    def first(self) -> str | None:
        """The one-time password of the first admin, while nobody has ever signed in.

        Asked again before it is used, it is another one: whoever starts the server can sign in.
        """
        users = self.all()
        if not users:
            return self.add(FIRST_LOGIN, FIRST)[1]
        if len(users) == 1 and users[0].login == FIRST_LOGIN and users[0].one_time:
            return self.reset(FIRST_LOGIN)
        return None

    def set_roles(self, login: str, roles: Collection[str]) -> User:
        """Give other roles; whoever is signed in has to do so anew.

        Raises:
            BadInput: nobody signs in so, there is no such role, nobody would be admin any more, or
                their provider says what they are.
        """
        user = self.named(login)
        if user.issuer is not None:
            raise BadInput(
                message(
                    "{login} signs in through {issuer}, which says what their roles are",
                    login=user.login,
                    issuer=user.issuer,
                )
            )
        changed = replace(user, roles=_known(roles))
        with self._changing() as change:
            _keep_an_admin(change, changed)
            details = {"roles": sorted(changed.roles), "before": sorted(user.roles)}
            change.put_user(user, changed, "user.roles", details)
            change.end_sessions(user)
        return changed

    def disable(self, login: str) -> User:
        """They are signed out everywhere, and cannot sign in. Raises BadInput, as `set_roles`."""
        user = self.named(login)
        if user.disabled_at is not None:
            return user
        changed = replace(user, disabled_at=self._now())
        with self._changing() as change:
            _keep_an_admin(change, changed)
            change.put_user(user, changed, "user.disable", {})
            change.end_sessions(user)
        return changed

    def enable(self, login: str) -> User:
        """They may sign in again. Raises BadInput where nobody signs in so."""
        user = self.named(login)
        changed = replace(user, disabled_at=None)
        with self._changing() as change:
            change.put_user(user, changed, "user.enable", {})
        return changed

    def reset(self, login: str) -> str:
        """A new one-time password; the second factor is dropped, and every session ended.

        Raises:
            BadInput: nobody signs in so, or another provider signs them in.
        """
        user = self.named(login)
        if user.issuer is not None:
            raise BadInput(
                message(
                    "{login} signs in through {issuer}; a password is reset there",
                    login=user.login,
                    issuer=user.issuer,
                )
            )
        password = self._passwords.one_time()
        encoded = self._passwords.encode(password)
        with self._changing() as change:
            changed = replace(user, password=encoded, one_time=True, totp=None)
            change.put_user(user, changed, "user.reset", {})
            change.let_try_again(user)
            change.end_sessions(user)
        return password

    def sign_out(self, login: str) -> int:
        """End all their sessions; returns how many there were."""
        user = self.named(login)
        with self._changing() as change:
            return change.end_sessions(user)

    def sessions(self) -> list[Session]:
        """Everybody's that were not ended, the newest first."""
        return self._gallery.sessions()

    def _new(self, login: str, roles: Collection[str]) -> User:
        name = login.strip().casefold()
        if not is_login(name):
            raise BadInput(
                message(
                    "a login has at most {most} characters: a to z, digits and . _ @ + -",
                    most=_LONGEST,
                )
            )
        if self._gallery.user_named(name) is not None:
            raise BadInput(
                message("somebody signs in as {login} already; choose another", login=name)
            )
        now = self._now()
        return User(str(uuid.uuid4()), name, _known(roles), created_at=now, failed_at=now)

    def _changing(self) -> AbstractContextManager[Change]:
        return self._gallery.change(self._actor, raises_generation=False)


def is_login(name: str) -> bool:
    """Can somebody sign in so? name: case-folded."""
    return _LOGIN.fullmatch(name) is not None


def _keep_an_admin(change: Change, changed: User) -> None:
    """Raises BadInput where nobody could give roles any more."""
    after = [changed if u.user_id == changed.user_id else u for u in change.users()]
    if not any("admin" in u.roles and u.disabled_at is None for u in after):
        raise BadInput(
            message("{login} is the only admin; make somebody else one first", login=changed.login)
        )


def _known(roles: Collection[str]) -> frozenset[str]:
    unknown = sorted(set(roles) - ROLES.keys())
    if unknown or not roles:
        raise BadInput(
            message(
                "there is no role {role}; roles are {all}",
                role=printable(", ".join(unknown) or "-"),
                all=", ".join(ROLES),
            )
        )
    return frozenset(roles)


def user_document(user: User) -> dict[str, object]:
    """For the doors; no secret is in it."""
    return {
        "login": user.login,
        "roles": sorted(user.roles),
        "created_at": user.created_at.isoformat(timespec="seconds"),
        "disabled": user.disabled_at is not None,
        "one_time_password": user.one_time,
        "second_factor": user.totp is not None,
        "provider": user.issuer,
    }
