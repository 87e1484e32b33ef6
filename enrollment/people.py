"""Finding the one person who is meant."""

from collections.abc import Iterable

from enrollment.errors import BadInput
from enrollment.intake import Enrollee, printable
from enrollment.message import message
from store.metadata import name_key
from store.records import Subject


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
                f"{len(matches)} people are called {printable(wanted)}: give one of {ids}"
            )
    raise BadInput(f"nobody called {printable(wanted)} is enrolled; see: rollcall people")


def meant(subjects: Iterable[Subject], person: Enrollee) -> Subject | None:
    """The enrolled subject to whom photos would be added: by id, by external id, else by name.

    Raises:
        BadInput: nobody has this id (any more), the external id is somebody else's, or several
            people have this name.
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
        raise BadInput(
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


def family(subjects: Iterable[Subject], subject_id: str) -> list[str]:
    """A subject and all that were merged into it, itself first."""
    everyone = list(subjects)
    found = [subject_id]
    for parent in found:
        found += [s.subject_id for s in everyone if s.merged_into == parent]
    return found


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
