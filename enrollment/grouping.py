"""Which of these faces are one person's? Pure functions over embeddings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform


def largest_group(vectors: NDArray[np.float32], same_person: float) -> list[int]:
    """The largest set of faces that are alike, by their mean cosine to the set.

    Faces are joined, the most alike first, as long as the two sets' mean cosine reaches
    `same_person` (average linkage): one odd photo cannot chain two people together.

    Args:
        vectors: (n, dimension) unit rows.

    Returns:
        Row numbers in order. Empty when two different groups are equally large: nobody can say
        which of them is the person.
    """
    found = groups(vectors, same_person)
    if len(found) > 1 and len(found[0]) == len(found[1]):
        return []
    return found[0] if found else []


def groups(vectors: NDArray[np.float32], same_person: float) -> list[list[int]]:
    """Every set of faces that are alike, by the same rule; row numbers in order, largest first.

    Args:
        vectors: (n, dimension) unit rows.
    """
    if len(vectors) < 2:
        return [[i] for i in range(len(vectors))]
    apart = np.maximum(1 - vectors.astype(np.float64) @ vectors.T, 0)
    tree = linkage(squareform(apart, checks=False), method="average")
    group = fcluster(tree, t=1 - same_person, criterion="distance")
    found = [[int(i) for i in np.flatnonzero(group == number)] for number in np.unique(group)]
    return sorted(found, key=lambda rows: (-len(rows), rows[0]))


def pick_face(
    faces: NDArray[np.float32], anchors: NDArray[np.float32], same_person: float
) -> int | None:
    """Which of several faces in one photo is the person of the anchors? None when it is unsure.

    Args:
        faces: (n, dimension) unit rows; anchors: (m, dimension) unit rows of the person, m >= 1.
    """
    likeness = (faces @ anchors.T).mean(axis=1)
    order = np.argsort(-likeness)
    best = int(order[0])
    if likeness[best] < same_person:
        return None
    if len(order) > 1 and likeness[order[1]] >= same_person:
        return None
    return best


def recurring(photos: Sequence[NDArray[np.float32]], same_person: float) -> list[int] | None:
    """The one person who is in all of these photos, as a face number for each; or None.

    For people who were only ever photographed in company. Two people who are both in every photo
    cannot be told apart, so then the answer is None.

    Args:
        photos: for each photo the embeddings of its faces, (n_i, dimension).
    """
    if len(photos) < 2:
        return None
    found = []
    for start in range(len(photos[0])):
        picks = [start]
        for faces in photos[1:]:
            likeness = faces @ photos[0][start]
            if likeness.max() < same_person:
                break
            picks.append(int(likeness.argmax()))
        else:
            found.append(picks)
    return found[0] if len(found) == 1 else None
