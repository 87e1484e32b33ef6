"""What a change of the head did to the people who were there before. Pure, with its definitions.

R[t, j] is the accuracy after night t on the photos of cohort j, the people who came on day j
(Lopez-Paz and Ranzato 2017). Negative flips: Yan et al., Positive-Congruent Training, CVPR 2021.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from enrollment.night_trials import Searches


@dataclass(frozen=True)
class Comparison:
    """The same photos, searched for before and after. Rates are of `probes`.

    negative_flips: right before, wrong after; mcnemar_p: chance of so lopsided flips if nothing
    had changed (exact, two-sided); intrusion: answers that are newcomers; known_to_unknown: named
    rightly before, not after, each at its own threshold.
    """

    probes: int
    agreement: float
    negative_flips: int
    positive_flips: int
    mcnemar_p: float
    intrusions: int
    known_to_unknown: int
    new_probes: int
    new_right: int
    old_right: int

    @property
    def negative_flip_rate(self) -> float:
        return self.negative_flips / self.probes if self.probes else 0.0

    def as_document(self) -> dict[str, object]:
        whole = max(self.probes, 1)
        return asdict(self) | {
            "churn": 1 - self.agreement,
            "negative_flip_rate": self.negative_flip_rate,
            "intrusion": self.intrusions / whole,
            "known_to_unknown_rate": self.known_to_unknown / whole,
            "new_recall": self.new_right / self.new_probes if self.new_probes else None,
            "old_recall": self.old_right / self.probes if self.probes else None,
        }


def compare(
    before: Searches, after: Searches, threshold_before: float, threshold_after: float
) -> Comparison:
    """Photos that were searched for both times; the others are of newcomers."""
    _, old, new = np.intersect1d(before.template_ids, after.template_ids, return_indices=True)
    was, now = before.right[old], after.right[new]
    lost, won = int((was & ~now).sum()), int((~was & now).sum())
    found_before = before.found(threshold_before)[old]
    found_after = after.found(threshold_after)[new]
    present = np.unique(before.truth)
    coming = ~np.isin(after.truth, present)
    return Comparison(
        probes=len(old),
        agreement=float((before.answer[old] == after.answer[new]).mean()) if len(old) else 1.0,
        negative_flips=lost,
        positive_flips=won,
        mcnemar_p=float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0,
        intrusions=int((~np.isin(after.answer[new], present)).sum()),
        known_to_unknown=int((found_before & ~found_after).sum()),
        new_probes=int(coming.sum()),
        new_right=int((after.right & coming).sum()),
        old_right=int(now.sum()),
    )


def per_subject(
    before: Searches, after: Searches
) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    """Subject id -> (right, photos) before and after, over the photos searched for both times."""
    common = np.intersect1d(before.template_ids, after.template_ids)
    sides = []
    for searches in (before, after):
        mine = np.isin(searches.template_ids, common)
        sides.append(_tally(searches.truth[mine], searches.right[mine]))
    return {subject: (sides[0][subject], sides[1][subject]) for subject in sides[0]}


def by_cohort(searches: Searches, cohort_of: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Cohort's day -> (right, photos)."""
    days = np.asarray([cohort_of[str(s)] for s in searches.truth], dtype=np.str_)
    return _tally(days, searches.right)


def by_person(searches: Searches, threshold: float) -> dict[str, tuple[int, int]]:
    """Subject id -> (found at the threshold, photos searched for)."""
    return _tally(searches.truth, searches.found(threshold))


@dataclass(frozen=True)
class Matrix:
    """R[t, j]: nights by cohorts, NaN where a cohort had not come; both in order of time."""

    nights: tuple[str, ...]
    cohorts: tuple[str, ...]
    accuracy: NDArray[np.float64]
    probes: NDArray[np.int64]


def matrix(history: Sequence[tuple[str, Mapping[str, tuple[int, int]]]]) -> Matrix:
    """R from each night's (right, photos) by cohort."""
    cohorts = sorted({cohort for _, tallies in history for cohort in tallies})
    accuracy = np.full((len(history), len(cohorts)), np.nan)
    probes = np.zeros((len(history), len(cohorts)), np.int64)
    for t, (_, tallies) in enumerate(history):
        for j, cohort in enumerate(cohorts):
            right, photos = tallies.get(cohort, (0, 0))
            if photos:
                accuracy[t, j], probes[t, j] = right / photos, photos
    return Matrix(tuple(night for night, _ in history), tuple(cohorts), accuracy, probes)


def forgetting(accuracy: NDArray[np.float64]) -> float | None:
    """Mean over cohorts of the best accuracy before the last night, less the last one's.

    research/head.md 3.8: `mean_j (max_{l < T} R[l, j] - R[T, j])`; None before the second night.
    """
    earlier, last = accuracy[:-1], accuracy[-1:]
    seen = np.isfinite(earlier).any(axis=0) & np.isfinite(last).all(axis=0)
    if not seen.any():
        return None
    return float((np.nanmax(earlier[:, seen], axis=0) - last[0, seen]).mean())


def backward_transfer(accuracy: NDArray[np.float64]) -> float | None:
    """BWT: mean over earlier cohorts of the last night's accuracy, less that of their own night."""
    first = [np.flatnonzero(np.isfinite(column)) for column in accuracy.T]
    last = len(accuracy) - 1
    changes = [
        accuracy[last, j] - accuracy[seen[0], j]
        for j, seen in enumerate(first)
        if len(seen) and seen[0] < last and np.isfinite(accuracy[last, j])
    ]
    return float(np.mean(changes)) if changes else None


def _tally(keys: NDArray[np.str_], right: NDArray[np.bool_]) -> dict[str, tuple[int, int]]:
    names, inverse = np.unique(keys, return_inverse=True)
    photos = np.bincount(inverse, minlength=len(names))
    rights = np.bincount(inverse, weights=right, minlength=len(names))
    return {str(n): (int(r), int(p)) for n, r, p in zip(names, rights, photos, strict=True)}
