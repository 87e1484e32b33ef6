"""Finding the one person who is meant."""

from collections.abc import Iterable

from enrollment.errors import BadInput
from enrollment.intake import printable
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
