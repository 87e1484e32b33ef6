"""A cohort as a file that can be shipped with a backbone: raw arrays, nothing that runs."""

import io
import json
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from disk.arrays import read_arrays
from enrollment.cohort import Cohort, Kind, digest_of
from enrollment.tail import Tail

_FACTS = ("kind", "strangers", "backbone", "enrolled_from", "tail", "made_from", "made_at")


@dataclass(frozen=True)
class ShippedCohort:
    """golden: (8, dimension), the golden images as the cohort's backbone saw them: whose own
    golden embeddings agree has the same backbone, and it need not be opened to say so."""

    cohort: Cohort
    golden: NDArray[np.float32]


def pack_cohort(shipped: ShippedCohort) -> bytes:
    """Vectors in half precision, which moves a cosine by less than 0.001."""
    cohort = shipped.cohort
    document = {key: cohort.as_document()[key] for key in _FACTS}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        vectors=cohort.vectors.astype("<f2"),
        golden=shipped.golden.astype("<f4"),
        facts=np.frombuffer(json.dumps(document).encode(), np.uint8),
    )
    return buffer.getvalue()


def unpack_cohort(content: bytes) -> ShippedCohort:
    """Raises ValueError when these are not the bytes of a cohort."""
    try:
        arrays = read_arrays(content, ("vectors", "golden", "facts"))
        vectors = arrays["vectors"].astype(np.float32)
        golden = arrays["golden"].astype(np.float32)
        facts = json.loads(arrays["facts"].tobytes())
        if vectors.ndim != 2:
            raise ValueError("its vectors are no rows")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(vectors).all() and (lengths > 0.9).all()):
            raise ValueError("its vectors are no unit rows")
        return ShippedCohort(cohort_of(vectors / lengths, facts), golden)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a cohort: {error}") from error


def cohort_of(vectors: NDArray[np.float32], facts: dict[str, object]) -> Cohort:
    """A cohort from its vectors, (k, dimension) unit rows, and what `as_document` said of it.

    Raises KeyError or TypeError where something is missing.
    """
    tail = facts["tail"]
    if not isinstance(tail, dict):
        raise TypeError("the tail is not there")
    return Cohort(
        vectors=vectors,
        kind=Kind(str(facts["kind"])),
        strangers=int(str(facts["strangers"])),
        backbone=str(facts["backbone"]),
        enrolled_from=float(str(facts["enrolled_from"])),
        tail=Tail(**tail),
        made_from=str(facts["made_from"]),
        made_at=str(facts["made_at"]),
        digest=digest_of(vectors),
    )


def shipped_cohort(backbone_name: str) -> ShippedCohort | None:
    """The one that comes with a backbone of this name; None where none does."""
    file = files("enrollment") / "cohorts" / f"{backbone_name}.npz"
    return unpack_cohort(file.read_bytes()) if file.is_file() else None
