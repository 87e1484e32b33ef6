"""What runs at a worker: pure work on sealed bytes, without key, names or database."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.capture import Capture
from enrollment.reembedding import reembed
from enrollment.sealed_link import SealedLink
from enrollment.sight import look_at
from enrollment.wire import (
    pack_rows,
    pack_seen,
    pack_vectors,
    read_kept,
    read_lesson,
)
from models.fingerprint import fingerprint, golden_embeddings
from models.head_trainer import HeadTrainer
from models.learners import Learner


@dataclass(frozen=True)
class Greeting:
    """What a worker says of itself. fingerprint, golden: of its detector and backbone; None where
    it has none, because it only trains."""

    pid: int
    public: bytes
    fingerprint: str | None = None
    golden: NDArray[np.float32] | None = None


class Worker:
    """Opens its own detector and backbone once. `see` and `reembed` are safe for several threads
    at once, `learn` is not."""

    def __init__(self) -> None:
        self._link = SealedLink()
        self._trainer = functools.cache(HeadTrainer)

    def greet(self, public: bytes, opens: Callable[[], Capture] | None) -> Greeting:
        """Args: public: the other end's. Raises ModelError: what is to be opened is not here."""
        self._link.join(public)
        if opens is None:
            return Greeting(os.getpid(), self._link.public)
        self._capture = opens()
        detector, backbone = self._capture.detector, self._capture.backbone
        return Greeting(
            os.getpid(),
            self._link.public,
            fingerprint(detector, backbone),
            golden_embeddings(backbone),
        )

    def here(self) -> bool:
        return True

    def see(self, sealed: bytes) -> bytes:
        return self._link.seal(pack_seen(look_at(self._link.open(sealed), self._capture)))

    def reembed(self, sealed: bytes) -> bytes:
        photos = read_kept(self._link.open(sealed))
        return self._link.seal(pack_vectors(reembed(photos, self._capture)))

    def learn(self, sealed: bytes, learner: Learner) -> bytes:
        lesson = read_lesson(self._link.open(sealed))
        rows = learner.learn(lesson, self._trainer(lesson.vectors.shape[1]))
        return self._link.seal(pack_rows(rows))
