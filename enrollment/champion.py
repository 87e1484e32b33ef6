"""The head that serves, as it was promoted; and what is done when its file is not that."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from enrollment.calibration import LOWEST, Trials
from enrollment.cohort import COSINE
from models.head_file import HeadArrays, unpack
from store.archive import Archive
from store.errors import GalleryDamaged
from store.gallery import Gallery
from store.records import StoredHead
from wording.message import message, words_of

IMPRINT = "imprint"
MERGED = "merged"  # rows of two sites beside each other


class Champion:
    """Reads the champion's arrays when another head has become champion."""

    def __init__(
        self, gallery: Gallery, archive: Archive, formula: Callable[[], str] = lambda: COSINE
    ) -> None:
        self._gallery = gallery
        self._archive = archive
        self._formula = formula
        self._head_id: str | None = None
        self._judged = COSINE
        self._arrays: HeadArrays | None = None
        self._problem: str | None = None
        self._lock = threading.Lock()

    @property
    def problem(self) -> str | None:
        """Why the promoted head does not serve, in words; None when nothing is wrong."""
        self.trained()
        return self._problem

    def trained(self) -> HeadArrays | None:
        """The champion's arrays; None where rows are the subjects' means, which need no file.

        A file that is missing, or is not what was written, is passed over: the means serve.
        """
        with self._lock:
            head = self._gallery.champion()
            head_id = head.head_id if head and mode_of(head) != IMPRINT else None
            formula = self._formula() if head_id else COSINE
            if (head_id, formula) != (self._head_id, self._judged):
                self._head_id, self._judged = head_id, formula
                self._arrays, self._problem = None, None
                if head and head_id:
                    self._read(head, formula)
            return self._arrays

    def _read(self, head: StoredHead, formula: str) -> None:
        if head.manifest.get("score", COSINE) != formula:
            self._problem = message(
                "head {id} was judged with scores that are made otherwise now (another "
                "cohort of strangers); the subjects' means serve until the next night",
                id=head.head_id,
            )
            return
        try:
            self._arrays = arrays_of(head, self._archive, self._gallery.facts.dimension)
        except GalleryDamaged as error:
            self._problem = message(
                "{error}; the subjects' means serve until the next night makes a head",
                error=words_of(error),
            )


def arrays_of(head: StoredHead, archive: Archive, dimension: int) -> HeadArrays:
    """Raises GalleryDamaged when the file is not the one that its manifest names."""
    content = archive.read_head(head.head_id, str(head.manifest.get("file_sha256")))
    try:
        return unpack(content, dimension)
    except ValueError as error:
        raise GalleryDamaged(
            message("the file of head {id}: {error}", id=head.head_id, error=words_of(error))
        ) from error


def strangers_of(head: StoredHead) -> Trials:
    """The searches by strangers that a trained head was measured with on its night."""
    kept = head.manifest.get("strangers")
    found: dict[str, Any] = kept if isinstance(kept, dict) else {}
    scores = np.asarray(found.get("scores", []), np.float64)
    return Trials(
        nonmated=np.where(scores < LOWEST, -np.inf, scores),
        weights=np.asarray(found.get("weights", []), np.float64),
        mated=np.empty(0),
        subjects=0,
        searched=float(found.get("searched", 1.0)),
    )


def mode_of(head: StoredHead) -> str:
    return str(head.manifest.get("mode", IMPRINT))
