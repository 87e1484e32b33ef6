"""Photos of people and of strangers as embeddings, for benchmarks that need no gallery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.capture import Capture
from enrollment.embedding_cache import embed_photos
from enrollment.intake import Enrollee
from enrollment.photo import Photo


@dataclass(frozen=True)
class Company:
    """vectors_by_subject: (n, dimension) unit rows of each person, n may be 0; strangers: (n,
    dimension); without_face: photos that show no usable face; computed: photos that were not in
    the cache; cache_damaged: it could not be used and was written anew."""

    vectors_by_subject: dict[str, NDArray[np.float32]]
    strangers: NDArray[np.float32]
    without_face: int
    computed: int
    cache_damaged: bool


def embed_company(
    people: Sequence[Enrollee],
    strangers: Sequence[Photo],
    capture: Capture,
    cache: Path,
    tick: Callable[[int], None] = lambda photos: None,
) -> Company:
    """The main face of every photo; see `embed_photos` for cache and tick.

    Raises:
        BadInput: the cache cannot be written to.
    """
    photos = [photo for person in people for photo in person.photos]
    embedded = embed_photos([*photos, *strangers], capture, cache, tick)
    parts = np.cumsum([len(person.photos) for person in people])
    vectors = np.split(embedded.vectors, parts)
    found = np.split(embedded.found, parts)
    usable = [v[f] for v, f in zip(vectors, found, strict=True)]
    return Company(
        vectors_by_subject={
            f"{i} {person.name}": mine
            for i, (person, mine) in enumerate(zip(people, usable[:-1], strict=True))
        },
        strangers=usable[-1],
        without_face=int((~embedded.found).sum()),
        computed=embedded.computed,
        cache_damaged=embedded.damaged,
    )
