"""A head as bytes: raw arrays, nothing that can be executed."""

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from disk.arrays import read_arrays
from wording.message import message


@dataclass(frozen=True)
class HeadArrays:
    """What a version of the head is made of.

    rows: (subjects, dimension) unit float32, in the order of `subject_ids`.
    template_ids, owners: (n,) int64: the templates it learnt from, and whose each is, as a
    position in `subject_ids`.
    """

    subject_ids: tuple[str, ...]
    rows: NDArray[np.float32]
    template_ids: NDArray[np.int64]
    owners: NDArray[np.int64]

    def row_of(self, subject_id: str, template_ids: Sequence[int]) -> NDArray[np.float32] | None:
        """The subject's row, if it was made from just these templates."""
        position = self._positions.get(subject_id)
        if position is None:
            return None
        order, owners = self._by_owner
        begin, end = np.searchsorted(owners, [position, position + 1])
        learnt = self.template_ids[order[begin:end]]
        same = np.array_equal(np.sort(learnt), np.sort(np.asarray(template_ids, np.int64)))
        return self.rows[position] if same else None

    @functools.cached_property
    def _positions(self) -> dict[str, int]:
        return {subject_id: i for i, subject_id in enumerate(self.subject_ids)}

    @functools.cached_property
    def _by_owner(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the templates of the first subject are, then of the second; and whose each is."""
        order = np.argsort(self.owners, kind="stable")
        return order, self.owners[order]


def pack(head: HeadArrays) -> bytes:
    """The head as an uncompressed .npz."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        subject_ids=np.asarray(head.subject_ids, dtype=np.str_),
        rows=head.rows.astype(np.float32),
        template_ids=head.template_ids.astype(np.int64),
        owners=head.owners.astype(np.int64),
    )
    return buffer.getvalue()


def unpack(content: bytes, dimension: int) -> HeadArrays:
    """Raises ValueError when these bytes are not a head of this dimension."""
    try:
        found = read_arrays(content, ("subject_ids", "rows", "template_ids", "owners"))
    except ValueError as error:
        raise ValueError(
            message("these bytes are not a head: {error}", error=str(error))
        ) from error
    head = HeadArrays(
        subject_ids=tuple(str(s) for s in found["subject_ids"].reshape(-1)),
        rows=found["rows"],
        template_ids=found["template_ids"],
        owners=found["owners"],
    )
    problem = rows_problem(head.rows, len(head.subject_ids), dimension)
    if problem or len(head.owners) != len(head.template_ids):
        raise ValueError(
            message(
                "these bytes are not a head of this gallery: {problem}", problem=problem or "owners"
            )
        )
    return head


def rows_problem(rows: NDArray[np.float32], subjects: int, dimension: int) -> str | None:
    """Why these cannot be a head's rows; None when they can."""
    if rows.shape != (subjects, dimension) or rows.dtype != np.float32:
        return message(
            "rows are {dtype} {shape}, not float32 ({subjects}, {dimension})",
            dtype=str(rows.dtype),
            shape=str(rows.shape),
            subjects=subjects,
            dimension=dimension,
        )
    if not np.isfinite(rows).all():
        return message("a row holds a number that is not finite")
    if subjects and np.abs(np.linalg.norm(rows, axis=1) - 1).max() > 1e-3:
        return message("a row is not of length one")
    return None
