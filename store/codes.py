"""The rows of a flat FAISS index as they lie in its memory, and how one is taken out.

FAISS's own `remove_ids` moves every later row and leaves what was at the end readable behind the
new end. Here the last rows fill the holes, so it takes as long in a million as in ten, and what was
given up is overwritten.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def codes_of(index: Any) -> NDArray[np.uint8]:  # noqa: ANN401 - faiss has no types
    """(rows, code size): the very memory of a `faiss.IndexFlatCodes`, until rows are added."""
    import faiss

    size, count = int(index.code_size), int(index.ntotal)
    memory: NDArray[np.uint8] = faiss.rev_swig_ptr(index.codes.data(), count * size)
    return memory.reshape(count, size)


def moves(count: int, gone: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which rows are to be filled, and with which of the last ones, when `gone` of `count` go."""
    out = np.unique(np.asarray(gone, np.int64))
    end = count - len(out)
    kept = np.setdiff1d(np.arange(end, count), out, assume_unique=True)
    return out[out < end], kept


def cut(index: Any, holes: NDArray[np.int64], last: NDArray[np.int64], end: int) -> None:  # noqa: ANN401
    """Fill `holes` with the rows `last`; `end` rows stay, and nothing can be read behind them."""
    import faiss

    codes = codes_of(index)
    codes[holes] = codes[last]
    codes[end:] = 0
    index.remove_ids(faiss.IDSelectorRange(end, len(codes)))


def nbytes(*indexes: Any) -> int:  # noqa: ANN401
    return sum(int(index.ntotal) * int(index.code_size) for index in indexes)
