"""Before anything is saved: how often will this person be found with these photos?

A new photo's cosine to the mean of n photos, of which any two have a cosine of r on average, is
about r sqrt(n) / sqrt(1 + (n - 1) r). The person's own photos say what r is, the more of them the
louder, and the gallery's people say it before; how new photos scatter around that is the gallery's.
Photos of one day are more alike than those of another, so the rate is what can be hoped for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.head import imprint
from wording.message import message

# As many pairs of photos as the gallery's mean counts for; `python -m benchmarks.outlook` shows
# how true what is said is with it.
_PRIOR_PAIRS = 3.0
# With fewer people who have two photos, nobody knows how photos of one person scatter.
MIN_PEOPLE = 10
_MOST_PEOPLE = 300
_TURNED = 12.0  # degrees
# By how much one person's rate is off, on average (`python -m benchmarks.outlook`).
OFF_BY = 0.11


@dataclass(frozen=True)
class Scatter:
    """How photos of one person are alike in this gallery. alike: the mean cosine of two photos of
    one person; away: (n,) by how much photos that were left out scored more than expected."""

    alike: float
    away: NDArray[np.float64]


@dataclass(frozen=True)
class Outlook:
    """photos: those that would be kept; find_rate: of new photos, as a share of 1, None where
    nobody can say; with_one_more: the same with one more photo like these; nearest, nearest_name,
    likeness: the colleague whose row is nearest, and the cosine; missing: views that no photo
    shows."""

    photos: int
    find_rate: float | None
    nearest: str | None
    nearest_name: str | None
    likeness: float | None
    missing: tuple[str, ...]
    with_one_more: float | None = None

    def as_document(self) -> dict[str, object]:
        return {
            "photos": self.photos,
            "find_rate": self.find_rate,
            "find_rate_with_one_more": self.with_one_more,
            "nearest": self.nearest,
            "nearest_name": self.nearest_name,
            "likeness": self.likeness,
            "missing": list(self.missing),
        }

    @property
    def words(self) -> str:
        """One sentence or two, for a person."""
        if not self.photos:
            return message("no photo would be kept")
        text = self._found
        if self.nearest_name is not None:
            text = message(
                "{said}; the nearest colleague is {name} ({likeness:.2f})",
                said=text,
                name=self.nearest_name,
                likeness=self.likeness,
            )
        for i, view in enumerate(self.missing):
            if i == 0:
                text = message("{said}; missing: {view}", said=text, view=view)
            else:
                text = message("{said}, {view}", said=text, view=view)
        return text

    @property
    def _found(self) -> str:
        if self.find_rate is None and self.photos == 1:
            return message("with this photo nobody can say yet how often this person will be found")
        if self.find_rate is None:
            return message(
                "with these {n} photos nobody can say yet how often this person will be found",
                n=self.photos,
            )
        if self.photos == 1:
            return message(
                "with this photo this person will be found about {rate:.0%} of the time",
                rate=self.find_rate,
            )
        return message(
            "with these {n} photos this person will be found about {rate:.0%} of the time",
            n=self.photos,
            rate=self.find_rate,
        )


def scatter_of(
    vectors: NDArray[np.float32], subject_ids: Sequence[str], lowered: NDArray[np.float64]
) -> Scatter | None:
    """From the gallery's people with two photos or more; None for fewer than `MIN_PEOPLE`.

    Args:
        vectors: (n, dimension) unit rows; subject_ids: whose each one is; lowered: (n,) what the
            cohort takes from each one's cosines.
    """
    names, owner = np.unique(np.asarray(subject_ids, str), return_inverse=True)
    mine = [np.flatnonzero(owner == i) for i in range(len(names))]
    several = [at for at in mine if len(at) > 1][:_MOST_PEOPLE]
    if len(several) < MIN_PEOPLE:
        return None
    alike = float(np.mean([_alike(vectors[at]) for at in several]))
    away = []
    for at in several:
        photos = vectors[at]
        for i, index in enumerate(at):
            rest = np.delete(photos, i, axis=0)
            score = float(photos[i] @ imprint(rest, vectors.shape[1]))
            # Of the photo that is left out the others know nothing, as the door knows nothing.
            away.append(score - lowered[index] - _expected(rest, alike, lowered[at].mean()))
    return Scatter(alike, np.asarray(away))


def find_rate(
    photos: NDArray[np.float32],
    lowered: NDArray[np.float64],
    threshold: float,
    scatter: Scatter,
    more: int = 0,
) -> float:
    """The share of new photos that reach the threshold.

    Args:
        photos: (n, dimension) unit rows, n >= 1; lowered: (n,). more: as if there were so many
            more, as alike as these.
    """
    expected = _expected(photos, scatter.alike, float(lowered.mean()), more)
    return float((expected + scatter.away >= threshold).mean())


def missing_views(yaws: Sequence[float]) -> tuple[str, ...]:
    """What no photo shows, the most useful first: straight on, turned to either side.

    Args:
        yaws: degrees, of each photo, as `quality.head_pose` gives them: a nose that points to the
            image's right is turned to the person's own left.
    """
    yaw = np.asarray(yaws)
    seen = {
        message("a view straight on"): (np.abs(yaw) < _TURNED).any(),
        message("a view turned to the person's own left"): (yaw >= _TURNED).any(),
        message("a view turned to the person's own right"): (yaw <= -_TURNED).any(),
    }
    return tuple(view for view, there in seen.items() if not there)


def _expected(photos: NDArray[np.float32], alike: float, lowered: float, more: int = 0) -> float:
    n = len(photos)
    pairs = n * (n - 1) / 2
    own = _alike(photos) if n > 1 else alike
    r = max((pairs * own + _PRIOR_PAIRS * alike) / (pairs + _PRIOR_PAIRS), 1e-3)
    n += more
    return float(r * np.sqrt(n) / np.sqrt(1 + (n - 1) * r)) - lowered


def _alike(photos: NDArray[np.float32]) -> float:
    cosines = photos @ photos.T
    return float(cosines[np.triu_indices(len(photos), 1)].mean())
