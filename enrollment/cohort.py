"""A fixed set of strangers that confidence is measured against.

How near somebody is says little while nobody knows how near everybody is: some faces are near to
many. So a score is the cosine to a subject less a share of the cosines to the nearest strangers of
the cohort (adaptive symmetric normalisation's cohort side, with a fixed share;
research/head-on-faces.md 3 and 11). The same amount is taken from every subject's cosine, so the
order of the candidates stays as it is.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from enrollment.errors import BadInput
from enrollment.tail import Tail, tail_of
from models.microaggregation import microaggregate
from wording.message import message

# Chosen by `python -m benchmarks.cohort_formula` on other people than those the figures are
# reported on: 4 neighbours and half of their mean are best or within noise of it for dlib-resnet
# and retail-0095, with vectors and with groups of three.
NEIGHBOURS = 4
SHARE = 0.5
# A centroid averages this many strangers: with one it would be a template, with two each of them
# could find the other in it.
LEAST = 3
MIN_STRANGERS = 60
_FOLDS = 3
# (n, dimension) unit rows -> (n,): what is taken from the cosines of each.
Lowering = Callable[[NDArray[np.float32]], NDArray[np.float64]]
COSINE = "cosine"


class Kind(StrEnum):
    CENTROIDS = "centroids"
    VECTORS = "vectors"


def checked_kind(kind: str) -> Kind:
    """Raises BadInput when there is no such kind."""
    try:
        return Kind(kind)
    except ValueError:
        known = " or ".join(k.value for k in Kind)
        raise BadInput(f"there is no kind of cohort {kind!r}; it is {known}") from None


@dataclass(frozen=True)
class Cohort:
    """vectors: (k, dimension) unit rows; strangers: how many people they were made from; backbone:
    the fingerprint of the backbone that embedded them; enrolled_from: the cosine to a subject's row
    from which a stranger may be that subject; tail: how a stranger's scores with somebody else fall
    off, measured on strangers who were held out; made_from, made_at: provenance; digest: SHA-256 of
    the vectors it was made with."""

    vectors: NDArray[np.float32]
    kind: Kind
    strangers: int
    backbone: str
    enrolled_from: float
    tail: Tail
    made_from: str
    made_at: str
    digest: str

    @property
    def formula(self) -> str:
        """How scores are made with it, in words; equal for equal scores."""
        return (
            f"cosine less {SHARE:g} of the mean of the {NEIGHBOURS} nearest of cohort "
            f"{self.digest[:12]}"
        )

    def lowering(self, probes: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n,): the share of the mean cosine to the nearest strangers.

        Args:
            probes: (n, dimension) unit rows.
        """
        return _nearest_share(probes @ self.vectors.T)

    def own_lowering(self) -> NDArray[np.float64]:
        """(k,): for each row of the cohort itself, by the others."""
        cosines = self.vectors @ self.vectors.T
        np.fill_diagonal(cosines, -np.inf)
        return _nearest_share(cosines)

    def without(self, near: NDArray[np.bool_]) -> "Cohort":
        """The cohort less these rows; as it is where too few would be left to compare with."""
        left = self.vectors[~near]
        return replace(self, vectors=left) if len(left) >= NEIGHBOURS else self

    def as_document(self) -> dict[str, object]:
        """For the doors: numbers and provenance, no vector."""
        return {
            "kind": self.kind.value,
            "rows": len(self.vectors),
            "strangers": self.strangers,
            "least_per_row": LEAST if self.kind is Kind.CENTROIDS else 1,
            "backbone": self.backbone,
            "enrolled_from": self.enrolled_from,
            "digest": self.digest,
            "formula": self.formula,
            "tail": self.tail.as_document(),
            "made_from": self.made_from,
            "made_at": self.made_at,
        }


def no_lowering(probes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Without a cohort a score is the cosine."""
    return np.zeros(len(probes))


def lowering_of(cohort: Cohort | None) -> Lowering:
    return cohort.lowering if cohort else no_lowering


def formula_of(cohort: Cohort | None) -> str:
    return cohort.formula if cohort else COSINE


def repeats(vectors: NDArray[np.float32], same_from: float) -> NDArray[np.bool_]:
    """(n,): True for those who are on an earlier row already, by their cosine of `same_from`."""
    cosines = vectors @ vectors.T
    return np.asarray(np.tril(cosines >= same_from, -1).any(axis=1))


def build_cohort(
    strangers: NDArray[np.float32],
    kind: Kind,
    backbone: str,
    enrolled_from: float,
    made_from: str,
    made_at: str,
) -> Cohort:
    """A cohort of these strangers, one vector each.

    Args:
        strangers: (n, dimension) unit rows.

    Raises:
        BadInput: they are too few to say how scores fall off.
    """
    if len(strangers) < MIN_STRANGERS:
        raise BadInput(
            message(
                "{n} strangers with a usable face are too few for a cohort; give photos "
                "of at least {least} different people, and hundreds to be of much use",
                n=len(strangers),
                least=MIN_STRANGERS,
            )
        )
    vectors = _rows(strangers, kind)
    return Cohort(
        vectors=vectors,
        kind=kind,
        strangers=len(strangers),
        backbone=backbone,
        enrolled_from=enrolled_from,
        tail=_held_out_tail(strangers, kind),
        made_from=made_from,
        made_at=made_at,
        digest=digest_of(vectors),
    )


def digest_of(vectors: NDArray[np.float32]) -> str:
    return hashlib.sha256(vectors.astype("<f4").tobytes()).hexdigest()


def _rows(strangers: NDArray[np.float32], kind: Kind) -> NDArray[np.float32]:
    return strangers if kind is Kind.VECTORS else microaggregate(strangers, LEAST)


def _held_out_tail(strangers: NDArray[np.float32], kind: Kind) -> Tail:
    """Every stranger against every other, as if neither were in the cohort."""
    cosines = (strangers @ strangers.T) - held_out_lowering(strangers, kind)[:, None]
    same_fold = np.equal.outer(_fold(strangers), _fold(strangers))
    np.fill_diagonal(same_fold, False)
    return tail_of(cosines[same_fold].astype(np.float64), len(strangers))


def held_out_lowering(strangers: NDArray[np.float32], kind: Kind) -> NDArray[np.float64]:
    """(n,): for each stranger by a cohort of two thirds of the others, as if it were a probe."""
    fold = _fold(strangers)
    lowered = np.empty(len(strangers))
    for f in range(_FOLDS):
        rows = _rows(strangers[fold != f], kind)
        lowered[fold == f] = _nearest_share(strangers[fold == f] @ rows.T)
    return lowered


def _fold(strangers: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.arange(len(strangers)) % _FOLDS


def _nearest_share(cosines: NDArray[np.float32]) -> NDArray[np.float64]:
    """Args: cosines: (n, k) to the cohort, k >= NEIGHBOURS."""
    highest = np.partition(cosines, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
    return np.asarray(SHARE * highest.mean(axis=1, dtype=np.float64))
