"""Who may do what: rights, and the roles that people are given."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from enrollment.errors import Forbidden, NotConfirmed
from wording.message import message


class Right(StrEnum):
    DOOR = "door"  # let a camera recognise who passes
    RECOGNISE = "recognise"  # ask who somebody is
    SCORES = "scores"  # and how alike a face is, in numbers
    REVIEW = "review"  # decide on faces that nobody was named for
    PEOPLE = "people"  # see who is enrolled
    ENROLL = "enroll"  # enroll, rename, merge, suspend
    LEARN = "learn"  # see nights and accuracy, run a night, choose the head
    THRESHOLD = "threshold"  # how many strangers may be named
    PRIVACY = "privacy"  # consents, requests, retention, the audit trail
    EXPORT = "export"  # a copy of everything about somebody
    ERASE = "erase"
    SYSTEM = "system"  # diagnosis, rebuilding, backups
    ACCOUNTS = "accounts"  # who may sign in, and as what; keys of other software


# reliability.md 5.1. An admin decides who may do what, and does not do it.
ROLES: Mapping[str, frozenset[Right]] = {
    "viewer": frozenset({Right.DOOR, Right.RECOGNISE}),
    "operator": frozenset({Right.DOOR, Right.RECOGNISE, Right.SCORES, Right.REVIEW, Right.PEOPLE}),
    "enroller": frozenset(
        {Right.DOOR, Right.RECOGNISE, Right.SCORES, Right.REVIEW, Right.PEOPLE, Right.ENROLL}
    ),
    "ml-engineer": frozenset({Right.RECOGNISE, Right.SCORES, Right.LEARN, Right.THRESHOLD}),
    "privacy-officer": frozenset({Right.PEOPLE, Right.PRIVACY, Right.EXPORT, Right.ERASE}),
    "admin": frozenset({Right.SYSTEM, Right.ACCOUNTS, Right.THRESHOLD}),
    "service": frozenset({Right.DOOR}),
}
SERVICE = "service"
# Of whoever is first; a company of one needs them all, and gives them away as it grows.
FIRST = frozenset({"admin", "enroller", "ml-engineer", "privacy-officer"})
STEP_UP = frozenset({Right.ERASE, Right.EXPORT, Right.THRESHOLD, Right.ACCOUNTS})
EVERY = frozenset(Right)

# One of these rights is needed for what the audit trail calls so. An empty set: a consequence of
# what was allowed before, or one's own affair. What does not stand here nobody who signed in may.
_NO_RIGHT: frozenset[Right] = frozenset()
DEEDS: Mapping[str, frozenset[Right]] = {
    "subject.add": frozenset({Right.ENROLL, Right.REVIEW}),
    "subject.rename": frozenset({Right.ENROLL}),
    "subject.active": frozenset({Right.ENROLL, Right.PRIVACY}),
    "subject.suspended": frozenset({Right.ENROLL, Right.PRIVACY}),
    "subject.different": frozenset({Right.ENROLL, Right.REVIEW}),
    "subject.merge": frozenset({Right.ENROLL}),
    "subject.erase": frozenset({Right.ERASE}),
    "subject.export": frozenset({Right.EXPORT}),
    "subject.import": frozenset({Right.SYSTEM}),
    "gallery.merge": frozenset({Right.SYSTEM}),
    "consent.add": frozenset({Right.ENROLL, Right.REVIEW, Right.PRIVACY}),
    "consent.withdraw": frozenset({Right.PRIVACY, Right.ERASE}),
    "samples.add": frozenset({Right.ENROLL, Right.REVIEW}),
    "samples.insist": frozenset({Right.ENROLL, Right.REVIEW}),
    "request.add": frozenset({Right.PRIVACY}),
    "request.answer": frozenset({Right.PRIVACY, Right.ERASE}),
    "operating-point.set": _NO_RIGHT,  # measured anew after a change; another rate: `calibrate`
    "cohort.set": frozenset({Right.THRESHOLD}),
    "head.champion": frozenset({Right.LEARN}),
    "head.challenger": frozenset({Right.LEARN}),
    "head.refused": frozenset({Right.LEARN}),
    "head.retired": frozenset({Right.LEARN}),
    "night.finish": frozenset({Right.LEARN}),
    "backbone.prepare": frozenset({Right.LEARN}),
    "backbone.switch": frozenset({Right.LEARN}),
    "backbone.discard": frozenset({Right.LEARN}),
    "review.assign": frozenset({Right.REVIEW}),
    "review.ignore": frozenset({Right.REVIEW}),
    "review.discard": frozenset({Right.REVIEW}),
    "review.forget": frozenset({Right.REVIEW}),
    "review.expire": _NO_RIGHT,
    "backup.make": frozenset({Right.SYSTEM}),
    "backup.check": frozenset({Right.SYSTEM}),
    "backup.restore": frozenset({Right.SYSTEM}),
    "keys.rotate": frozenset({Right.SYSTEM}),
    "api_key.add": frozenset({Right.ACCOUNTS}),
    "api_key.revoke": frozenset({Right.ACCOUNTS}),
    "webhook.add": frozenset({Right.ACCOUNTS}),
    "webhook.remove": frozenset({Right.ACCOUNTS}),
    "user.add": frozenset({Right.ACCOUNTS}),
    "user.roles": frozenset({Right.ACCOUNTS}),
    "user.disable": frozenset({Right.ACCOUNTS}),
    "user.enable": frozenset({Right.ACCOUNTS}),
    "user.reset": frozenset({Right.ACCOUNTS}),
    "user.password": _NO_RIGHT,
    "user.factor": _NO_RIGHT,
    "audit.accept": frozenset({Right.SYSTEM}),
    "person.look": _NO_RIGHT,
    "people.look": _NO_RIGHT,
    "seal.first": _NO_RIGHT,
    "seal.renew": _NO_RIGHT,
    "session.open": _NO_RIGHT,
    "session.confirm": _NO_RIGHT,
    "session.refuse": _NO_RIGHT,
    "session.end": _NO_RIGHT,
}


def rights_of(roles: Collection[str]) -> frozenset[Right]:
    """What these roles allow together; a role that is not known allows nothing."""
    return frozenset[Right]().union(*(ROLES.get(role, frozenset()) for role in roles))


def prove_first() -> NotConfirmed:
    return NotConfirmed(
        message("prove first that it is you: enter your password again, and repeat it")
    )


@dataclass(frozen=True)
class Acting:
    """In whose name something is done.

    actor: as the audit trail says it. confirmed: they have proved just now who they are.
    """

    actor: str
    rights: frozenset[Right] = EVERY
    confirmed: bool = True

    def may(self, right: Right) -> bool:
        """Perhaps not before they have proved who they are."""
        return right in self.rights

    def demand(self, *any_of: Right) -> None:
        """Raises Forbidden without one of these rights, NotConfirmed before a needed proof."""
        held = self.rights.intersection(any_of)
        if not held:
            raise Forbidden(
                message(
                    "this needs the right {right}, which your roles do not give; ask an admin",
                    right=" / ".join(right.value for right in any_of) or "-",
                )
            )
        if held <= STEP_UP and not self.confirmed:
            raise prove_first()

    def allow(self, action: str) -> None:
        """Raises as `demand`, for what the audit trail calls so."""
        needed = DEEDS.get(action)
        if needed is None or needed:
            self.demand(*sorted(needed or ()))


# Asked whenever something is done; None: the process itself, not somebody who signed in.
Who = Callable[[], Acting | None]
NOBODY = Acting("nobody", frozenset(), confirmed=False)
