"""How rare a high score is between two different people: an exponential through the highest.

A free shape (GPD) promised too much on real strangers, counting needs thousands of them
(research/head-on-faces.md 6.3).
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

# Of comparisons, not of searches. A tail from here predicts, from single photos of strangers, at
# which threshold a company of 20 to 50 names the asked share of others (`python -m
# benchmarks.companies`); one from higher up is too lax, because a mean of photos is nearer.
_SHARE = 0.03


@dataclass(frozen=True)
class Tail:
    """A share `share` of comparisons of different people reaches `start`, and falls by e every
    `scale` above it; measured on `comparisons` of `strangers`."""

    start: float
    scale: float
    share: float
    comparisons: int
    strangers: int

    def threshold(self, subjects: int, rate: float) -> float:
        """Reached by a share `rate` of strangers who are compared with each of `subjects`."""
        return self.start + self.scale * float(
            max(np.log(self.share * max(subjects, 1) / rate), 0.0)
        )

    def as_document(self) -> dict[str, object]:
        return asdict(self)


def tail_of(scores: NDArray[np.float64], strangers: int) -> Tail:
    """Args: scores: (n,) of comparisons of different people, n >= 100."""
    count = max(int(_SHARE * len(scores)), 2)
    highest = np.partition(scores, -count)[-count:]
    start = float(highest.min())
    return Tail(start, float(highest.mean() - start), count / len(scores), len(scores), strangers)
