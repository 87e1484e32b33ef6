"""Finding the one person who is meant."""

from collections.abc import Iterable

from enrollment.enrollee import Enrollee, printable
from enrollment.errors import Ambiguous, BadInput, NotEnrolled
from store.metadata import name_key
from store.records import Subject
from wording.message import message

Person = Subject  # as the doors call it
HERE = ("active", "suspended")  # states of those who answer for themselves
MERGED = ("merged",)


def same_name(one: str, other: str) -> bool:
    """As people read them: composed, without case, single spaces."""
    return name_key(one) == name_key(other)


def find_subject(subjects: Iterable[Subject], wanted: str, *, merged: bool = False) -> Subject:
    """The subject of this id, external id or name.

    Args:
        merged: look among those that were merged into others, instead of among the others.

    Raises:
        BadInput: nobody is called so, or several people are.
    """
    among = [s for s in subjects if (s.state == "merged") == merged]
    for matches in (
        [s for s in among if s.subject_id == wanted],
        [s for s in among if s.external_id == wanted],
        [s for s in among if name_key(s.name) == name_key(wanted)],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(s.subject_id for s in matches)
            raise BadInput(
                message(
                    "{n} people are called {name}: give one of {ids}",
                    n=len(matches),
                    name=printable(wanted),
                    ids=ids,
                )
            )
    raise NotEnrolled(
        message("nobody called {name} is enrolled; see: rollcall people", name=printable(wanted))
    )


def meant(subjects: Iterable[Subject], person: Enrollee) -> Subject | None:
    """The enrolled subject to whom photos would be added: by id, by external id, else by name.

    Raises:
        BadInput: nobody has this id (any more), or the external id is somebody else's.
        Ambiguous: several people have this name.
    """
    among = [s for s in subjects if s.state != "merged"]
    if person.subject_id is not None:
        return find_subject(among, person.subject_id)
    if person.external_id is not None:
        for subject in among:
            if subject.external_id == person.external_id:
                if name_key(subject.name) != name_key(person.name):
                    raise BadInput(
                        message(
                            "the external id {external_id!r} belongs to {owner!r}, "
                            "not to {name!r}; correct one of them",
                            external_id=person.external_id,
                            owner=subject.name,
                            name=person.name,
                        )
                    )
                return subject
    named = [
        s
        for s in among
        if name_key(s.name) == name_key(person.name)
        and (person.external_id is None or s.external_id is None)
    ]
    if len(named) > 1:
        raise Ambiguous(
            message(
                "{n} people are called {name!r}; say which one with --external-id",
                n=len(named),
                name=person.name,
            )
        )
    return named[0] if named else None


def matching(subjects: Iterable[Subject], text: str | None) -> list[Subject]:
    """Those whose name, external id or id contains the text; merged ones answer as another."""
    key = name_key(text or "")
    return [
        s
        for s in subjects
        if s.state != "merged"
        and (
            key in name_key(s.name)
            or key in (s.external_id or "").casefold()
            or key == s.subject_id
        )
    ]


def is_called(subject: Subject, typed: str) -> bool:
    """Is this the person's name, as somebody types it to confirm that they are meant?"""
    return name_key(subject.name) == name_key(typed)


def called(subject: Subject) -> str:
    """Name and, where there is one, staff number."""
    return f"{subject.name} [{subject.external_id}]" if subject.external_id else subject.name


def subject_document(subject: Subject) -> dict[str, object]:
    return {
        "subject_id": subject.subject_id,
        "name": subject.name,
        "external_id": subject.external_id,
        "state": subject.state,
        "templates": subject.templates,
        "enrolled_at": subject.enrolled_at.isoformat(),
        "merged_into": subject.merged_into,
    }
