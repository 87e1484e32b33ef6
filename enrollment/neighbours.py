"""Who looks most like somebody, and whether that is near enough to be mistaken."""

from dataclasses import dataclass

from enrollment.roster import Roster


@dataclass(frozen=True)
class Neighbour:
    """likeness: the cosine of the two subjects' rows. near: from the likeness on at which two
    subjects may be one person, so they are named apart only by a clear margin."""

    subject_id: str
    likeness: float
    near: bool


def neighbours(roster: Roster, subject_id: str, near_from: float, most: int = 5) -> list[Neighbour]:
    """The other subjects, the most alike first; nobody for one who cannot be found.

    Args:
        near_from: the cosine from which two subjects may be one person.
    """
    row = roster.row(subject_id)
    if row is None:
        return []
    (ranking,) = roster.rank(row[None], most + 1)
    return [
        Neighbour(other, cosine, cosine >= near_from)
        for other, cosine in zip(ranking.subject_ids, ranking.cosines, strict=True)
        if other != subject_id
    ][:most]


def likeness_of(roster: Roster, one: str, other: str, near_from: float) -> Neighbour | None:
    """How near `other` is to `one`; None when one of them cannot be found."""
    cosine = roster.likeness(one, other)
    return None if cosine is None else Neighbour(other, cosine, cosine >= near_from)
