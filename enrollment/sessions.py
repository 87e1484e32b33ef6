"""Who is signed in: each asked for anew whenever something is done, so that ending one counts at
once, wherever it is open."""

import secrets
import threading
import uuid
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from enrollment.accounts import is_login
from enrollment.errors import BadInput, Forbidden
from enrollment.key_budget import BackOff
from enrollment.password import Passwords, check_new
from enrollment.rights import NOBODY, ROLES, SERVICE, Acting, prove_first, rights_of
from enrollment.second_factor import step_of
from store.change import Change
from store.errors import DatabaseAway
from store.gallery import Gallery
from store.records import Session, User
from wording.message import message

_TOKEN_BYTES = 32
_WRONG_PROOFS = 5  # then the session ends


@dataclass(frozen=True)
class Limits:
    """reliability.md 5.1. idle: without doing anything; longest: in all; confirmed: how long a
    proof of who one is holds. kiosk: in all, of a door's screen, which does nothing by itself."""

    idle: timedelta = timedelta(minutes=15)
    longest: timedelta = timedelta(hours=8)
    confirmed: timedelta = timedelta(minutes=5)
    kiosk: timedelta = timedelta(days=90)
    noted: timedelta = timedelta(seconds=20)  # how exactly it is known when somebody did something


@dataclass(frozen=True)
class Attempt:
    """What came of trying to sign in. token: opens the session; None: refused, and `said` why."""

    token: str | None
    said: str = ""


_WRONG_PROOF = Attempt(None, message("password or code are not right"))


class Sessions:
    """Those of one gallery. Safe to share between threads."""

    def __init__(
        self,
        gallery: Gallery,
        passwords: Passwords,
        limits: Limits | None = None,
        back_off: BackOff | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gallery = gallery
        self._passwords = passwords
        self.limits = limits or Limits()
        self._back_off = back_off or BackOff()
        self._now = now
        self._one = threading.Lock()
        self._wrong_proofs: dict[str, int] = {}

    # -- signing in ---------------------------------------------------------------------------

    def sign_in(self, login: str, password: str, code: str = "") -> Attempt:
        """With a password, and the second factor's code where one is set up.

        Whether the login exists is not told, by another server neither: every refusal says the
        same, also while the login waits, and takes as long.
        """
        with self._one:  # several guesses at once would all find the same count of failures
            name = login.strip().casefold()
            user = self._gallery.user_named(name) if is_login(name) else None
            waits = user is not None and self._waits(user)
            proved = self._prove(None if waits else user, password, code)
            if proved is None:
                if user is not None and not waits:
                    with self._changing(user) as change:
                        change.count_wrong_attempt(user)
                return self._wrong
            return Attempt(self._open(proved, "password"))

    def sign_in_through(
        self,
        issuer: str,
        external: str,
        login: str,
        roles: Collection[str],
        proved_at: datetime | None = None,
    ) -> Attempt:
        """Through another provider, who says who they are and which roles they have.

        Args:
            proved_at: when they proved it there; None: just now.
        """
        known = frozenset(roles) & ROLES.keys()
        with self._one:
            user = self._gallery.user_of_provider(issuer, external)
            if user is not None and user.disabled_at is not None:
                return Attempt(None, message("this login was disabled here; ask an admin"))
            if user is not None and user.roles != known:
                user = self._with_roles(user, known)
            if not known:
                said = message("your account at {issuer} has no role here", issuer=issuer)
                return Attempt(None, said)
            user = user or self._of_provider(issuer, external, login, known)
            if user is None:
                return Attempt(
                    None, message("the name of your account there cannot be used here, or is taken")
                )
            return Attempt(self._open(user, issuer, proved_at))

    def _with_roles(self, user: User, roles: frozenset[str]) -> User:
        """Their provider says something else now, which ends what was open."""
        changed = replace(user, roles=roles)
        with self._changing(user) as change:
            details = {"roles": sorted(roles), "before": sorted(user.roles)}
            change.put_user(user, changed, "user.roles", details)
            change.end_sessions(user)
        return changed

    def _of_provider(
        self, issuer: str, external: str, login: str, roles: frozenset[str]
    ) -> User | None:
        """Somebody new; None where their name is taken, or no login."""
        name, now = login.strip().casefold(), self._now()
        if not is_login(name) or self._gallery.user_named(name) is not None:
            return None
        made = User(str(uuid.uuid4()), name, roles, created_at=now, failed_at=now)
        user = replace(made, issuer=issuer, external=external)
        with self._changing(user) as change:
            change.add_user(user)
        return user

    def _open(self, user: User, way: str, proved_at: datetime | None = None) -> str:
        """The token of a new session."""
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self._now()
        session = Session(str(uuid.uuid4()), user, now, now, min(now, proved_at or now))
        with self._changing(user) as change:
            change.forget_sessions(self.limits.kiosk)
            change.open_session(session, token, way)
        return token

    def _prove(self, user: User | None, password: str, code: str) -> User | None:
        """The user, whose code is used up; None where this is no proof."""
        right = self._passwords.fits(password, user.password if user else None)
        if user is None or user.disabled_at is not None or not right:
            return None
        if user.totp is None:
            return user
        step = step_of(user.totp, code, self._now(), user.totp_step)
        if step is None:
            return None
        proved = replace(user, totp_step=step)
        with self._changing(user) as change:
            return proved if change.use_step(proved) else None

    def _waits(self, user: User) -> bool:
        """NIST SP 800-63B: a few wrong ones are free, then each waits, then nobody may try."""
        waited = (self._now() - user.failed_at).total_seconds()
        return user.failed >= self._back_off.stopped_at or (
            user.failed >= self._back_off.free and 0 <= waited < self._back_off.seconds
        )

    @property
    def _wrong(self) -> Attempt:
        return Attempt(
            None,
            message(
                "login, password or code are not right; after {free} wrong attempts each further "
                "one waits {seconds} s, and after {most} an admin has to reset the login",
                free=self._back_off.free,
                seconds=round(self._back_off.seconds),
                most=self._back_off.stopped_at,
            ),
        )

    # -- being signed in ----------------------------------------------------------------------

    def current(self, token: str | None) -> Session | None:
        """Whose token this is; None where it opens nothing: ended, run out, disabled."""
        session = self._gallery.session_of(token) if token else None
        return session if session is not None and self.holds(session) else None

    def holds(self, session: Session) -> bool:
        """Has it not run out? Whether it was ended the gallery knows."""
        now = self._now()
        if session.user.disabled_at is not None:
            return False
        if session.user.roles == {SERVICE}:
            return now - session.started_at < self.limits.kiosk
        lasted, idle = now - session.started_at, now - session.seen_at
        return lasted < self.limits.longest and idle < self.limits.idle

    def acting(self, token: str | None) -> Acting:
        """In whose name, and with which rights. A one-time password gives none."""
        session = self.current(token)
        if session is None:
            return NOBODY
        rights = frozenset() if session.user.one_time else rights_of(session.user.roles)
        confirmed = self._now() - session.confirmed_at < self.limits.confirmed
        return Acting(_actor(session.user), rights, confirmed)

    def touch(self, session: Session) -> None:
        """They do something: the time of doing nothing begins anew."""
        if self._now() - session.seen_at >= self.limits.noted:
            with suppress(DatabaseAway):  # then they are idle from before on
                self._gallery.touch_session(session.session_id, self._now())

    def confirm(self, token: str, password: str, code: str = "") -> Attempt:
        """Prove again who one is, for what needs it. A few wrong ones end the session; what
        strangers try at the door does not count here, nor this there."""
        with self._one:
            session = self._needed(token)
            proved = self._prove(session.user, password, code)
            with self._changing(session.user) as change:
                if proved is not None:
                    change.confirm_session(session)
                    self._wrong_proofs.pop(session.session_id, None)
                    return Attempt(token)
                change.record("session.refuse", "", {"login": session.user.login})
                wrong = self._wrong_proofs.pop(session.session_id, 0) + 1
                if wrong >= _WRONG_PROOFS:
                    change.end_session(session)
                else:
                    self._wrong_proofs[session.session_id] = wrong
            return _WRONG_PROOF

    def end(self, token: str | None) -> None:
        """Sign out; nothing happens where nobody is signed in."""
        session = self._gallery.session_of(token) if token else None
        if session is not None:
            with self._changing(session.user) as change:
                change.end_session(session)

    def end_others(self, token: str) -> int:
        """Sign out everywhere else; returns how many sessions ended."""
        mine = self._needed(token)
        others = [
            s
            for s in self._gallery.sessions()
            if s.user.user_id == mine.user.user_id and s.session_id != mine.session_id
        ]
        with self._changing(mine.user) as change:
            return sum(change.end_session(session) for session in others)

    def of(self, user: User) -> list[Session]:
        """This person's that hold, the newest first."""
        found = self._gallery.sessions()
        return [s for s in found if s.user.user_id == user.user_id and self.holds(s)]

    # -- one's own password and factor --------------------------------------------------------

    def choose_password(self, token: str, new: str) -> str:
        """Another password for whoever has proved just now who they are; all sessions end, and the
        token of a new one is returned.

        Raises:
            BadInput: it is no good password, or it is another provider's to change.
            Forbidden: they have not proved it.
        """
        user = self._confirmed(token).user
        check_new(new, user.login)
        if self._passwords.fits(new, user.password):
            raise BadInput(message("this is the password you have; choose another"))
        changed = replace(user, password=self._passwords.encode(new), one_time=False)
        with self._changing(user) as change:
            change.put_user(user, changed, "user.password", {})
            change.end_sessions(user)
        return self._open(changed, "new password")

    def set_factor(self, token: str, secret: str, code: str) -> None:
        """Ask for this second factor from now on.

        Raises:
            BadInput: the code is not of this secret.
            Forbidden: they have not proved just now who they are.
        """
        user = self._confirmed(token).user
        step = step_of(secret, code, self._now())
        if step is None:
            raise BadInput(message("this code is not right; is the clock of your telephone right?"))
        with self._changing(user) as change:
            changed = replace(user, totp=secret, totp_step=step)
            change.put_user(user, changed, "user.factor", {"set": True})

    def drop_factor(self, token: str) -> None:
        """Ask for no second factor. Raises Forbidden, as `set_factor`."""
        user = self._confirmed(token).user
        with self._changing(user) as change:
            change.put_user(user, replace(user, totp=None), "user.factor", {"set": False})

    def _confirmed(self, token: str) -> Session:
        session = self._needed(token)
        if session.user.password is None:
            raise BadInput(message("this is changed where you sign in"))
        if self._now() - session.confirmed_at >= self.limits.confirmed:
            raise prove_first()
        return session

    def _needed(self, token: str) -> Session:
        session = self.current(token)
        if session is None:
            raise Forbidden(message("you are signed out; sign in again"))
        return session

    def _changing(self, user: User) -> AbstractContextManager[Change]:
        return self._gallery.change(_actor(user), raises_generation=False)


def _actor(user: User) -> str:
    return f"user:{user.login}"
