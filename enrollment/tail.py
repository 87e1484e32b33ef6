"""How rare a high score is between two different people: an exponential through the highest.

A free shape (GPD) promised too much on real strangers, counting needs thousands of them
(research/head-on-faces.md 6.3).
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

# Of comparisons, not of searches: where the tail starts.
SHARE = 0.01


@dataclass(frozen=True)
class Tail:
    """A share `share` of comparisons of different people reaches `start`, and falls by e every
    `scale` above it; measured on `comparisons` of `strangers`."""

    start: float
    scale: float
    share: float
    comparisons: int
    strangers: int

    def threshold(self, subjects: int, rate: float, start: float | None = None) -> float:
        """Reached by a share `rate` of strangers who are compared with each of `subjects`.

        Args:
            start: where the tail starts for these subjects, if further up.
        """
        above = self.scale * float(max(np.log(self.share * max(subjects, 1) / rate), 0.0))
        return (self.start if start is None else max(self.start, start)) + above

    def as_document(self) -> dict[str, object]:
        return asdict(self)


def tail_of(scores: NDArray[np.float64], strangers: int) -> Tail:
    """Args: scores: (n,) of comparisons of different people, n >= 100."""
    count = max(int(SHARE * len(scores)), 2)
    highest = np.partition(scores, -count)[-count:]
    start = float(highest.min())
    return Tail(start, float(highest.mean() - start), count / len(scores), len(scores), strangers)
