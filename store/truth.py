"""What the database says of templates, in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from store import metadata
from store.records import GalleryFacts
from store.schema import templates
from store.vault import Vault
from store.vectors import in_parts, vectors

Part = tuple[Sequence[int], NDArray[np.float32]]
Holding = Callable[[], AbstractContextManager["Truth"]]  # while nobody else changes anything


@dataclass(frozen=True)
class Truth:
    connection: sa.Connection
    vault: Vault
    facts: GalleryFacts

    def among(self, ids: Sequence[int]) -> set[int]:
        """Which of these are templates, whoever's."""
        found = set[int]()
        for chunk in metadata.chunks(ids):
            wanted = sa.select(templates.c.template_id).where(templates.c.template_id.in_(chunk))
            found.update(self.connection.execute(wanted).scalars())
        return found

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """(n, dimension). Raises GalleryDamaged, as `vectors.vectors`."""
        return vectors(self.connection, self.vault, self.facts, ids)

    def in_parts(self, ids: Sequence[int]) -> Iterator[Part]:
        return in_parts(self.connection, self.vault, self.facts, ids)
