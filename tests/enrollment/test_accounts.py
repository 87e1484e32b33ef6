"""Who may sign in, for how long, and what wrong passwords cost."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from enrollment.accounts import FIRST_LOGIN, Accounts
from enrollment.errors import BadInput, Forbidden
from enrollment.rights import EVERY, NOBODY, Right
from enrollment.second_factor import new_secret
from enrollment.service import Service
from enrollment.sessions import Sessions
from tests.quick_passwords import QuickPasswords

GOOD = "a sentence to keep"
ANOTHER = "quite another one"


@dataclass
class Office:
    """A clock that tests set, and what works by it."""

    service: Service
    now: datetime = datetime(2026, 11, 22, 9, tzinfo=UTC)

    def __post_init__(self) -> None:
        gallery, passwords = self.service._gallery, QuickPasswords()
        gallery._now = self.clock
        self.accounts = Accounts(gallery, passwords, "test", self.clock)
        self.sessions = Sessions(gallery, passwords, now=self.clock)

    def clock(self) -> datetime:
        return self.now

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def join(self, login: str, *roles: str) -> str:
        """Somebody who has chosen their password; the token of the session."""
        _, once = self.accounts.add(login, roles)
        token = self.sessions.sign_in(login, once).token
        assert token is not None
        return self.sessions.choose_password(token, GOOD)

    def actions(self) -> list[str]:
        deeds, _ = self.service.privacy.audit_page(limit=1000)
        return [deed.record.action for deed in deeds]


@pytest.fixture
def office(service: Service) -> Iterator[Office]:
    return Office(service)


Join = Callable[..., str]


def test_a_one_time_password_opens_one_page(office: Office) -> None:
    user, once = office.accounts.add("Anna", ["enroller"])
    assert user.login == "anna", "case does not count"
    token = office.sessions.sign_in("ANNA ", once).token
    assert office.sessions.acting(token).rights == frozenset()
    assert token is not None
    chosen = office.sessions.choose_password(token, GOOD)
    assert office.sessions.acting(token) == NOBODY, "that session is over"
    assert Right.ENROLL in office.sessions.acting(chosen).rights
    assert office.sessions.sign_in("anna", once).token is None
    assert office.sessions.sign_in("anna", GOOD).token is not None


def test_passwords_are_kept_as_argon2id_and_tokens_not_at_all(service: Service) -> None:
    _, once = service.accounts.add("anna", ["viewer"])
    token = service.sessions.sign_in("anna", once).token
    assert token is not None
    (user,) = service.accounts.all()
    assert user.password is not None
    assert user.password.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    service.close()
    kept = b"".join(p.read_bytes() for p in service._settings.home.rglob("*") if p.is_file())
    assert once.encode() not in kept
    assert token.encode() not in kept


@pytest.mark.parametrize("new", ["short", "x" * 40, "anna anna anna", "a" * 300])
def test_a_bad_password_is_refused(office: Office, new: str) -> None:
    token = office.join("anna", "viewer")
    with pytest.raises(BadInput):
        office.sessions.choose_password(token, new)
    assert office.sessions.current(token) is not None


@pytest.mark.parametrize(
    "login", ["", " ", "two words", "x" * 65, "bell\x07", "\u0430nna", "anna\u200b", ".", "\uff41"]
)
def test_a_bad_login_is_refused(office: Office, login: str) -> None:
    with pytest.raises(BadInput):
        office.accounts.add(login, ["viewer"])


def test_roles_are_known_and_logins_are_taken_once(office: Office) -> None:
    office.accounts.add("anna", ["viewer"])
    for roles in ([], ["root"]):
        with pytest.raises(BadInput, match="there is no role"):
            office.accounts.add("bo", roles)
    with pytest.raises(BadInput, match="already"):
        office.accounts.add("ANNA", ["viewer"])
    with pytest.raises(BadInput, match="nobody signs in as"):
        office.accounts.named("bo")


def test_refusals_do_not_tell_who_is_there(office: Office) -> None:
    office.join("anna", "viewer")
    assert office.sessions.sign_in("anna", "wrong") == office.sessions.sign_in("bo", "wrong")


def test_wrong_passwords_wait_and_then_stop(office: Office) -> None:
    office.join("anna", "viewer")
    for _ in range(5):
        assert "not right" in office.sessions.sign_in("anna", "wrong").said
    refused = office.sessions.sign_in("anna", GOOD)
    assert refused.token is None
    assert "waits 30 s" in refused.said
    office.later(seconds=30)
    assert office.sessions.sign_in("anna", GOOD).token is not None, "a right one ends the row"
    for _ in range(60):
        office.later(seconds=31)
        assert office.sessions.sign_in("anna", "wrong").token is None
    assert office.actions().count("session.refuse") == 5 + 50, "then nothing is tried any more"
    office.later(seconds=31)
    refused = office.sessions.sign_in("anna", GOOD)
    assert refused.token is None
    assert "an admin has to reset" in refused.said
    once = office.accounts.reset("anna")
    assert office.sessions.sign_in("anna", once).token is not None


def test_what_strangers_try_is_told_alike_whoever_it_is(office: Office) -> None:
    """Else the sixth guess would tell whether a login exists: here, at another server of the same
    gallery, or after a restart."""
    office.join("anna", "viewer")
    other = Sessions(office.service._gallery, office.sessions._passwords, now=lambda: office.now)
    for sessions in (office.sessions, other):
        told = {
            login: [sessions.sign_in(login, f"wrong {n}").said for n in range(8)]
            for login in ("anna", "nobody")
        }
        assert told["anna"] == told["nobody"]
    waits = other.sign_in("anna", GOOD)
    assert (waits.token, waits.said) == (None, told["nobody"][0])


def test_strangers_at_the_door_do_not_stop_who_is_inside(office: Office) -> None:
    token = office.join("anna", "privacy-officer")
    for _ in range(8):
        office.sessions.sign_in("anna", "wrong")
    assert office.sessions.confirm(token, GOOD).token == token
    for _ in range(5):
        assert office.sessions.current(token) is not None
        office.sessions.confirm(token, "wrong")
    assert office.sessions.current(token) is None, "whoever sits there does not know it"
    assert office.actions().count("session.refuse") == 5 + 5, "the trail has each that was tried"


def test_two_servers_take_a_code_once(office: Office) -> None:
    token, secret = office.join("anna", "viewer"), new_secret()
    office.sessions.set_factor(token, secret, pyotp.TOTP(secret).at(office.now))
    office.later(seconds=60)
    code = pyotp.TOTP(secret).at(office.now)
    seen = office.service._gallery.user_named("anna")
    assert office.sessions.sign_in("anna", GOOD, code).token is not None
    with pytest.MonkeyPatch.context() as patch:  # as another server read it a moment before
        patch.setattr(office.service._gallery, "user_named", lambda login: seen)
        assert office.sessions.sign_in("anna", GOOD, code).token is None


@pytest.mark.parametrize(
    ("step", "times", "holds"),
    [({"minutes": 14}, 1, True), ({"minutes": 15}, 1, False), ({"minutes": 14}, 34, True),
     ({"minutes": 14}, 35, False)],
)  # fmt: skip
def test_a_session_ends_when_nothing_is_done_and_after_a_day_of_work(
    office: Office, step: dict[str, float], times: int, holds: bool
) -> None:
    token = office.join("anna", "viewer")
    for _ in range(times):
        office.later(**step)
        session = office.sessions.current(token)
        if session is not None:
            office.sessions.touch(session)
    assert (office.sessions.current(token) is not None) == holds


def test_a_screen_at_a_door_stays_signed_in_for_a_quarter(office: Office) -> None:
    token = office.join("door-3", "service")
    office.later(days=89)
    assert office.sessions.acting(token).rights == {Right.DOOR}
    office.later(days=1)
    assert office.sessions.acting(token) == NOBODY


def test_a_proof_holds_for_five_minutes(office: Office) -> None:
    token = office.join("anna", "privacy-officer")
    assert office.sessions.acting(token).confirmed
    office.later(minutes=5)
    assert not office.sessions.acting(token).confirmed
    with pytest.raises(Forbidden, match="prove first"):
        office.sessions.choose_password(token, ANOTHER)
    assert office.sessions.confirm(token, "wrong").token is None
    assert not office.sessions.acting(token).confirmed
    assert office.sessions.confirm(token, GOOD).token == token
    assert office.sessions.acting(token).confirmed


def test_a_code_opens_once(office: Office) -> None:
    token, secret = office.join("anna", "viewer"), new_secret()
    with pytest.raises(BadInput, match="code is not right"):
        office.sessions.set_factor(token, secret, "000000")
    office.sessions.set_factor(token, secret, pyotp.TOTP(secret).at(office.now))
    assert office.sessions.sign_in("anna", GOOD).token is None, "the password is not enough"
    spent = pyotp.TOTP(secret).at(office.now)
    assert office.sessions.sign_in("anna", GOOD, spent).token is None, "it was shown already"
    office.later(seconds=60)
    code = pyotp.TOTP(secret).at(office.now)
    assert office.sessions.sign_in("anna", GOOD, f" {code[:3]} {code[3:]}").token is not None
    assert office.sessions.sign_in("anna", GOOD, code).token is None, "somebody saw it"
    office.later(seconds=120)
    token = office.sessions.sign_in("anna", GOOD, pyotp.TOTP(secret).at(office.now)).token
    assert token is not None
    office.sessions.drop_factor(token)
    assert office.sessions.sign_in("anna", GOOD).token is not None


def test_other_roles_end_every_session(office: Office) -> None:
    office.join("boss", "admin")
    token = office.join("anna", "enroller")
    office.accounts.set_roles("anna", ["viewer"])
    assert office.sessions.acting(token) == NOBODY
    again = office.sessions.sign_in("anna", GOOD).token
    assert office.sessions.acting(again).rights == {Right.DOOR, Right.RECOGNISE}


def test_who_is_disabled_is_out_at_once(office: Office) -> None:
    office.join("boss", "admin")
    token = office.join("anna", "enroller")
    office.accounts.disable("anna")
    assert office.sessions.acting(token) == NOBODY
    assert office.sessions.sign_in("anna", GOOD).token is None
    office.accounts.enable("anna")
    assert office.sessions.acting(token) == NOBODY, "it was ended"
    assert office.sessions.sign_in("anna", GOOD).token is not None


def test_somebody_stays_admin(office: Office) -> None:
    office.join("boss", "admin")
    for act in (
        lambda: office.accounts.disable("boss"),
        lambda: office.accounts.set_roles("boss", ["viewer"]),
    ):
        with pytest.raises(BadInput, match="only admin"):
            act()
    office.join("other", "admin", "enroller")
    office.accounts.disable("boss")
    with pytest.raises(BadInput, match="only admin"):
        office.accounts.disable("other")


def test_signing_out_ends_one_or_all(office: Office) -> None:
    office.join("anna", "viewer")
    tokens = [office.sessions.sign_in("anna", GOOD).token for _ in range(3)]
    office.sessions.end(tokens[0])
    assert [office.sessions.current(t) is not None for t in tokens] == [False, True, True]
    assert tokens[1] is not None
    assert office.sessions.end_others(tokens[1]) == 2, "and the one of choosing the password"
    assert [office.sessions.current(t) is not None for t in tokens] == [False, True, False]
    assert office.accounts.sign_out("anna") == 1
    assert office.sessions.current(tokens[1]) is None


def test_the_first_admin_gets_in_until_somebody_has(office: Office) -> None:
    first = office.accounts.first()
    again = office.accounts.first()
    assert first != again
    assert office.sessions.sign_in(FIRST_LOGIN, first or "").token is None
    token = office.sessions.sign_in(FIRST_LOGIN, again or "").token
    assert token is not None
    chosen = office.sessions.choose_password(token, GOOD)
    assert office.accounts.first() is None, "nothing is reset any more"
    assert office.sessions.acting(chosen).rights == EVERY


def test_a_provider_says_the_roles(office: Office) -> None:
    sign_in = office.sessions.sign_in_through
    assert "no role here" in sign_in("https://firm", "7", "anna", ["staff"]).said
    token = sign_in("https://firm", "7", "Anna", ["staff", "enroller"]).token
    assert Right.ENROLL in office.sessions.acting(token).rights
    again = sign_in("https://firm", "7", "renamed", ["viewer"]).token
    assert office.sessions.acting(token) == NOBODY, "their roles have changed"
    assert Right.ENROLL not in office.sessions.acting(again).rights
    assert [user.login for user in office.accounts.all()] == ["anna"]
    for name in ("ANNA", "", "two words", "\u0430nna", "x" * 5000, "a\nb"):
        assert "cannot be used" in sign_in("https://firm", "8", name, ["viewer"]).said
    before = office.now - timedelta(minutes=6)
    slept = sign_in("https://firm", "7", "anna", ["viewer"], before).token
    assert not office.sessions.acting(slept).confirmed, "they proved it there, long ago"
    assert "no role here" in sign_in("https://firm", "7", "anna", []).said
    assert office.sessions.acting(again) == NOBODY, "and so what was open is over"
    for act in (
        lambda: office.accounts.reset("anna"),
        lambda: office.accounts.set_roles("anna", ["admin"]),
    ):
        with pytest.raises(BadInput, match="https://firm"):
            act()
    assert office.sessions.sign_in("anna", "").token is None, "there is no password"


def test_everything_is_in_the_audit_trail_and_no_secret(office: Office) -> None:
    token = office.join("anna", "viewer")
    office.sessions.sign_in("anna", "wrong")
    office.sessions.end(token)
    assert set(office.actions()) == {
        "seal.first", "user.add", "session.open", "user.password", "session.end", "session.refuse",
    }  # fmt: skip
    deeds, _ = office.service.privacy.audit_page(limit=1000)
    said = str([deed.record for deed in deeds])
    assert GOOD not in said
    assert token not in said
    assert "argon2" not in said
