"""A secret turn of all vectors: cosines stay as they are, and no number of a template stands there.

A safeguard and no encryption: who reads turned rows sees how alike they are to each other, and who
has as many pairs of a row and its template as there are numbers can compute the turn.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 3  # of changed signs and a Hadamard transform each


class Turn:
    """Orthogonal. The same secret always gives the same one.

    Args:
        dimension: of what is turned; `turned`, of what comes out, is the next power of two.
        secret: of the gallery; 3 signs a number are drawn from it.
    """

    def __init__(self, dimension: int, secret: bytes) -> None:
        import faiss

        self._rotation: Any = faiss.HadamardRotation(dimension, 1)
        self.turned = int(self._rotation.d_out)
        drawn = hashlib.shake_256(secret).digest(_ROUNDS * self.turned)
        # FAISS draws its own from 32 bits, which could be tried one after the other.
        for number, name in enumerate(("signs1", "signs2", "signs3")):
            some = np.frombuffer(drawn, np.uint8)[number * self.turned : (number + 1) * self.turned]
            signs = np.where(some & 1, 1.0, -1.0).astype(np.float32)
            faiss.copy_array_to_vector(signs, getattr(self._rotation, name))

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, dimension) to (n, turned) float32."""
        if len(vectors) == 0:
            return np.empty((0, self.turned), np.float32)
        rows: NDArray[np.float32] = self._rotation.apply(np.ascontiguousarray(vectors))
        return rows
