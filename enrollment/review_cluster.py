"""Faces of the queue that are probably one person, so that one word decides on all of them."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from enrollment.errors import BadInput
from enrollment.grouping import groups
from enrollment.identifier import Candidate
from enrollment.intake import printable
from store.records import Sighting
from wording.message import message

_SHORT = 8  # characters of an id that people type
_CLUSTER = "c-"
_URGENCY = ("named", "disagreement", "near_miss", "unknown")
_WORD = re.compile(r"(c-)?[0-9a-f]{4,32}")


@dataclass(frozen=True)
class Cluster:
    """Faces that are alike, oldest first.

    cluster_id: made from its members, so that a yes never reaches a face that joined since.
    nearest: the enrolled person whom they are nearest to; None when nobody is proposed.
    """

    cluster_id: str
    sightings: tuple[Sighting, ...]
    nearest: Candidate | None = None

    @property
    def same_person(self) -> float:
        """The likeness at which their backbone takes two photos for one person."""
        return float(str(self.sightings[-1].details["same_person"]))

    def proposing(self, nearest: Candidate) -> "Cluster":
        return replace(self, nearest=nearest)

    def as_document(self) -> dict[str, object]:
        near = self.nearest
        return {
            "cluster_id": self.cluster_id,
            "count": len(self.sightings),
            "kinds": dict(Counter(sighting.kind for sighting in self.sightings)),
            "first_at": self.sightings[0].at.isoformat(),
            "last_at": self.sightings[-1].at.isoformat(),
            "nearest": near
            and {"subject_id": near.subject_id, "name": near.name, "score": near.score},
            "sightings": [_sighting_document(sighting) for sighting in self.sightings],
        }


def cluster(sightings: Sequence[Sighting]) -> list[Cluster]:
    """Group the queue by likeness (average linkage), the largest group first; of equally large ones
    doubted names, then disagreements, near misses and unknowns.

    Args:
        sightings: oldest first.
    """
    if not sightings:
        return []
    vectors = np.stack([sighting.vector for sighting in sightings])
    same = float(str(sightings[-1].details["same_person"]))
    members = [tuple(sightings[i] for i in rows) for rows in groups(vectors, same)]
    return sorted((Cluster(_cluster_id(found), found) for found in members), key=_order)


def remaining(clusters: Sequence[Cluster], here: Collection[str]) -> list[Cluster]:
    """As `cluster` of those faces that are still here, without comparing all of them anew.

    A group that is gone as a whole was merged with no other, so the others stay as they are; of one
    that lost some the rest is grouped again.
    """
    found: list[Cluster] = []
    for group in clusters:
        kept = [sighting for sighting in group.sightings if sighting.sighting_id in here]
        found += [group] if len(kept) == len(group.sightings) else cluster(kept)
    return sorted(found, key=_order)


def chosen(words: Sequence[str], clusters: Sequence[Cluster]) -> tuple[list[str], list[str]]:
    """The faces that these words mean: ids or beginnings of ids, of faces or of clusters.

    Returns:
        Ids of faces in the queue, each once; and the words that mean nothing in it (any more).

    Raises:
        BadInput: a word is no id, or the beginning of several.
    """
    meanings: dict[str, list[str]] = {
        group.cluster_id: [s.sighting_id for s in group.sightings] for group in clusters
    }
    meanings |= {i: [i] for ids in list(meanings.values()) for i in ids}
    found: dict[str, None] = {}
    gone: dict[str, None] = {}
    for word in words:
        key = full_id(word, meanings)
        if key is None:
            gone[word] = None
        else:
            found |= dict.fromkeys(meanings[key])
    return list(found), list(gone)


def full_id(word: str, among: Mapping[str, object]) -> str | None:
    """The one id that begins so; None when there is none.

    Raises:
        BadInput: the word is no id, or several begin so.
    """
    if not _WORD.fullmatch(word):
        raise BadInput(
            message(
                "{word} is no id: give at least 4 of its characters, as rollcall review list "
                "shows them",
                word=printable(word),
            )
        )
    found = [i for i in among if i.startswith(word)]
    if len(found) > 1:
        raise BadInput(
            message(
                "{word} is the beginning of {n} ids; give more characters", word=word, n=len(found)
            )
        )
    return found[0] if found else None


def short(identifier: str) -> str:
    """As much of an id as people need to type."""
    return identifier[: _SHORT + (len(_CLUSTER) if identifier.startswith(_CLUSTER) else 0)]


def _order(group: Cluster) -> tuple[int, int, str, str]:
    urgency = min(_URGENCY.index(sighting.kind) for sighting in group.sightings)
    return -len(group.sightings), urgency, group.sightings[0].at.isoformat(), group.cluster_id


def _cluster_id(sightings: Sequence[Sighting]) -> str:
    members = "".join(sorted(sighting.sighting_id for sighting in sightings))
    return _CLUSTER + hashlib.sha256(members.encode()).hexdigest()[:16]


def _sighting_document(sighting: Sighting) -> dict[str, object]:
    details = sighting.details
    return {
        "sighting_id": sighting.sighting_id,
        "at": sighting.at.isoformat(),
        "kind": sighting.kind,
        "looks_like": [s for s in (sighting.nearest, sighting.rival) if s is not None],
        **{key: details[key] for key in ("source", "frame", "score", "threshold", "quality")},
    }
