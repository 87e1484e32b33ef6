"""The queue as groups of faces that are alike, kept between two looks at it."""

import threading

from enrollment.review_cluster import Cluster, cluster, remaining
from store.gallery import Gallery


class ReviewGroups:
    """Groups one gallery's queue anew when a face has come, and only then: 2,000 take a second.

    Safe to share between threads.
    """

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._groups: list[Cluster] = []
        self._ids: set[str] = set()
        self._lock = threading.Lock()

    def current(self) -> list[Cluster]:
        """The largest group first, as `cluster` orders them; nobody is proposed for them."""
        with self._lock:
            here = set(self._gallery.sighting_ids())
            if here - self._ids:
                sightings = self._gallery.sightings()
                self._groups, here = cluster(sightings), {s.sighting_id for s in sightings}
            elif here != self._ids:
                self._groups = remaining(self._groups, here)
            self._ids = here
            return list(self._groups)

    def let_go(self) -> None:
        """Keep nothing in memory until the next look."""
        with self._lock:
            self._groups, self._ids = [], set()
