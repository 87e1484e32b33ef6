"""What the audit trail says, in a sentence for people."""

from collections.abc import Callable, Mapping

from app.language import Language
from app.role_words import roles_in_words
from enrollment.privacy import Deed


def deed_in_words(deed: Deed, language: Language) -> str:
    """Plain text: it may hold names."""
    words = _WORDS.get(deed.record.action)
    return words(deed, language) if words is not None else _unknown(deed)


def action_in_words(action: str, language: Language) -> str:
    """The kind of deed, as one chooses among them."""
    say = language.say
    named = {
        "subject.add": say("Somebody was enrolled"),
        "subject.rename": say("A name was changed"),
        "subject.active": say("Somebody can be found again"),
        "subject.suspended": say("Somebody was suspended"),
        "subject.different": say("Two were told apart"),
        "subject.merge": say("Two were merged"),
        "subject.erase": say("Somebody was erased"),
        "subject.export": say("Somebody's data was copied for them"),
        "subject.import": say("Somebody was taken over from another site"),
        "gallery.merge": say("Another site's gallery was merged"),
        "consent.add": say("A consent was written down"),
        "consent.withdraw": say("A consent was taken back"),
        "samples.add": say("Photos were kept"),
        "samples.insist": say("Doubted photos were kept all the same"),
        "request.add": say("Somebody asked for something"),
        "request.answer": say("A request was answered"),
        "operating-point.set": say("The threshold was measured"),
        "cohort.set": say("The cohort of strangers was replaced"),
        "head.champion": say("A version of the head went live"),
        "head.challenger": say("A version of the head was made"),
        "head.refused": say("A version of the head was refused"),
        "head.retired": say("A version of the head was retired"),
        "night.finish": say("A night ended"),
        "backbone.prepare": say("A move to another backbone was begun"),
        "backbone.switch": say("The gallery moved to another backbone"),
        "backbone.discard": say("Another backbone's templates were dropped"),
        "review.assign": say("A waiting face was assigned"),
        "review.ignore": say("A waiting face was ignored"),
        "review.discard": say("A waiting face was discarded"),
        "review.expire": say("Waiting faces were dropped for age"),
        "review.forget": say("A no to a face was forgotten"),
        "backup.make": say("A backup was made"),
        "backup.check": say("A backup was checked"),
        "backup.restore": say("A backup was restored"),
        "keys.rotate": say("The master key was replaced"),
        "api_key.add": say("Other software was given a key"),
        "api_key.revoke": say("A key of other software was revoked"),
        "webhook.add": say("Other software is told what happens"),
        "webhook.remove": say("Other software is told nothing more"),
        "user.add": say("Somebody was given an account"),
        "user.roles": say("Somebody was given other roles"),
        "user.disable": say("An account was disabled"),
        "user.enable": say("An account was enabled"),
        "user.reset": say("A new one-time password was made"),
        "user.password": say("Somebody chose a password"),
        "user.factor": say("Somebody changed their second factor"),
        "session.open": say("Somebody signed in"),
        "session.confirm": say("Somebody proved who they are"),
        "session.refuse": say("Somebody could not sign in"),
        "session.end": say("Somebody was signed out"),
        "person.look": say("Somebody's data was looked at"),
        "people.look": say("People were listed"),
        "seal.first": say("Everything was sealed for the first time"),
        "seal.renew": say("Everything was sealed anew by a newer version"),
        "audit.accept": say("A restored older state was accepted"),
    }
    return named.get(action, action)


def request_kind(kind: str, language: Language) -> str:
    named = {"erasure": language.say("erasure"), "export": language.say("a copy of their data")}
    return named.get(kind, kind)


def _unknown(deed: Deed) -> str:
    about = deed.subject.name if deed.subject else ""
    return f"{deed.record.action} {about}".strip()


def _name(deed: Deed, language: Language) -> str:
    if deed.subject is not None:
        return deed.subject.name
    return language.say("somebody who was erased")


def _other(deed: Deed, language: Language) -> str:
    if deed.other is not None:
        return deed.other.name
    return language.say("somebody who was erased")


def _count(deed: Deed, key: str) -> int:
    value = deed.record.details.get(key, 0)
    return len(value) if isinstance(value, list) else int(str(value))


def _details(deed: Deed) -> Mapping[str, object]:
    return deed.record.details


def _scopes(deed: Deed) -> str:
    found = deed.record.details.get("scopes")
    return ", ".join(map(str, found)) if isinstance(found, list) else "-"


def _answered(deed: Deed, language: Language) -> str:
    kind = request_kind(str(deed.record.details.get("kind")), language)
    if deed.record.details.get("outcome") == "refused":
        return language.say(
            "Refused {name} what they asked for: {kind}", name=_name(deed, language), kind=kind
        )
    return language.say(
        "Gave {name} what they asked for: {kind}", name=_name(deed, language), kind=kind
    )


_WORDS: Mapping[str, Callable[[Deed, Language], str]] = {
    "subject.add": lambda d, to: to.say("Enrolled {name}", name=_name(d, to)),
    "subject.rename": lambda d, to: to.say("Changed the name of {name}", name=_name(d, to)),
    "subject.active": lambda d, to: to.say("Let {name} be found again", name=_name(d, to)),
    "subject.suspended": lambda d, to: to.say("Suspended {name}", name=_name(d, to)),
    "subject.different": lambda d, to: to.say(
        "Said that {name} and {other} are two people", name=_name(d, to), other=_other(d, to)
    ),
    "subject.merge": lambda d, to: to.say(
        "Merged {name} into {other}", name=_name(d, to), other=_other(d, to)
    ),
    "subject.export": lambda d, to: to.say("Copied the data of {name} for them", name=_name(d, to)),
    "subject.import": lambda d, to: to.say_many(
        "Took {name} over from the gallery {gallery}: {n} photo",
        "Took {name} over from the gallery {gallery}: {n} photos",
        _count(d, "samples"),
        name=_name(d, to),
        gallery=_details(d).get("gallery", "-"),
    ),
    "gallery.merge": lambda d, to: to.say(
        "Merged the gallery {gallery}: {brought} people came, {left_out} were left out",
        gallery=_details(d).get("gallery", "-"),
        brought=_details(d).get("brought", 0),
        left_out=_details(d).get("left_out", 0),
    ),
    "subject.erase": lambda d, to: to.say("Erased a person"),
    "consent.add": lambda d, to: to.say(
        "Wrote down the consent of {name} (text {version})",
        name=_name(d, to),
        version=_details(d).get("version", "-"),
    ),
    "consent.withdraw": lambda d, to: to.say("Took back the consent of {name}", name=_name(d, to)),
    "samples.add": lambda d, to: to.say_many(
        "Kept {n} photo of {name}",
        "Kept {n} photos of {name}",
        _count(d, "samples"),
        name=_name(d, to),
    ),
    "samples.insist": lambda d, to: to.say_many(
        "Kept {n} doubted photo of {name} all the same",
        "Kept {n} doubted photos of {name} all the same",
        _count(d, "samples"),
        name=_name(d, to),
    ),
    "request.add": lambda d, to: to.say(
        "Wrote down that {name} asks for {kind}",
        name=_name(d, to),
        kind=request_kind(str(_details(d).get("kind")), to),
    ),
    "request.answer": _answered,
    "operating-point.set": lambda d, to: to.say(
        "Measured the threshold: {threshold:.3f}",
        threshold=float(str(_details(d).get("threshold", 0))),
    ),
    "cohort.set": lambda d, to: to.say("Replaced the cohort of strangers"),
    "head.champion": lambda d, to: to.say(
        "Let head {head} go live", head=_details(d).get("head", "-")
    ),
    "head.refused": lambda d, to: to.say("Refused head {head}", head=_details(d).get("head", "-")),
    "night.finish": lambda d, to: to.say(
        "Ended the night: {outcome}", outcome=_details(d).get("outcome", "-")
    ),
    "backbone.prepare": lambda d, to: to.say(
        "Began to move the gallery to the backbone {backbone}", backbone=_details(d).get("to")
    ),
    "backbone.switch": lambda d, to: to.say(
        "Moved the gallery from the backbone {before} to {now}",
        before=_details(d).get("from"),
        now=_details(d).get("to"),
    ),
    "backbone.discard": lambda d, to: to.say(
        "Dropped what was kept of the backbone {backbone}", backbone=_details(d).get("of")
    ),
    "review.assign": lambda d, to: to.say("Assigned a waiting face to {name}", name=_name(d, to)),
    "review.ignore": lambda d, to: to.say_many(
        "Ignored {n} waiting face", "Ignored {n} waiting faces", _count(d, "sightings")
    ),
    "review.discard": lambda d, to: to.say_many(
        "Discarded {n} waiting face", "Discarded {n} waiting faces", _count(d, "sightings")
    ),
    "review.expire": lambda d, to: to.say_many(
        "Dropped {n} waiting face for age",
        "Dropped {n} waiting faces for age",
        _count(d, "sightings"),
    ),
    "review.forget": lambda d, to: to.say_many(
        "Forgot {n} no that was said to a face",
        "Forgot {n} noes that were said to faces",
        _count(d, "negatives"),
    ),
    "backup.make": lambda d, to: to.say("Made the backup {file}", file=_details(d).get("file")),
    "backup.check": lambda d, to: to.say(
        "Checked the backup {file}: it is whole", file=_details(d).get("file")
    ),
    "backup.restore": lambda d, to: to.say(
        "Restored the gallery from {file} of {made_at}: {reason}",
        file=_details(d).get("file"),
        made_at=_details(d).get("made_at"),
        reason=_details(d).get("reason") or "-",
    ),
    "keys.rotate": lambda d, to: to.say(
        "Put the gallery under the key {now} instead of {before}",
        now=_details(d).get("to"),
        before=_details(d).get("from"),
    ),
    "api_key.add": lambda d, to: to.say(
        "Gave {name} a key for {scopes}", name=_details(d).get("name"), scopes=_scopes(d)
    ),
    "api_key.revoke": lambda d, to: to.say(
        "Revoked the key of {name}", name=_details(d).get("name")
    ),
    "webhook.add": lambda d, to: to.say(
        "Let {name} be told what happens", name=_details(d).get("name")
    ),
    "webhook.remove": lambda d, to: to.say(
        "Let {name} be told nothing more", name=_details(d).get("name")
    ),
    "user.add": lambda d, to: to.say(
        "Gave {login} an account as {roles}", login=_login(d), roles=_roles(d, to)
    ),
    "user.roles": lambda d, to: to.say(
        "Made {login} {roles}", login=_login(d), roles=_roles(d, to)
    ),
    "user.disable": lambda d, to: to.say("Disabled the account of {login}", login=_login(d)),
    "user.enable": lambda d, to: to.say("Enabled the account of {login}", login=_login(d)),
    "user.reset": lambda d, to: to.say("Made a new one-time password for {login}", login=_login(d)),
    "user.password": lambda d, to: to.say("{login} chose a password", login=_login(d)),
    "user.factor": lambda d, to: (
        to.say("{login} set up a second factor", login=_login(d))
        if _details(d).get("set")
        else to.say("{login} dropped the second factor", login=_login(d))
    ),
    "session.open": lambda d, to: to.say("{login} signed in", login=_login(d)),
    "session.confirm": lambda d, to: to.say("{login} proved who they are", login=_login(d)),
    "session.refuse": lambda d, to: to.say(
        "Somebody tried to sign in as {login} and could not", login=_login(d)
    ),
    "session.end": lambda d, to: to.say("{login} was signed out", login=_login(d)),
    "person.look": lambda d, to: to.say("Looked at the data of {name}", name=_name(d, to)),
    "people.look": lambda d, to: to.say_many(
        "Listed people: {n} was shown", "Listed people: {n} were shown", _count(d, "shown")
    ),
    "seal.first": lambda d, to: to.say("Sealed everything for the first time"),
    "seal.renew": lambda d, to: to.say("Sealed everything anew, with a newer version"),
    "audit.accept": lambda d, to: to.say(
        "Accepted a restored older state, because: {reason}", reason=_details(d).get("reason")
    ),
}


def _login(deed: Deed) -> object:
    return _details(deed).get("login")


def _roles(deed: Deed, language: Language) -> str:
    given = _details(deed).get("roles")
    return roles_in_words(given if isinstance(given, list) else [], language)
