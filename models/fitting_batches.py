"""Crops in batches that fit into the device's memory."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from wording.message import message

Run = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class FittingBatches:
    """A network, run for no more crops at once than it has memory for.

    A batch that does not fit is halved, and stays halved. Where one crop does not fit, the network
    is had from `elsewhere` instead, once. What happens is said in the log.
    """

    def __init__(
        self,
        run: Run,
        most: int,
        no_memory: type[Exception],
        elsewhere: Callable[[], Run] | None = None,
    ) -> None:
        self._run = run
        self.most = most
        self._no_memory = no_memory
        self._elsewhere = elsewhere

    def run(self, crops: NDArray[np.uint8], dimension: int) -> NDArray[np.float32]:
        """(n, dimension), in the crops' order. In batches of powers of two, so that few sizes are
        prepared and no crop is run that nobody asked for.

        Raises:
            ModelError: there is no memory for a single crop, and nowhere else to go.
        """
        rows = np.empty((len(crops), dimension), dtype=np.float32)
        at = 0
        while at < len(crops):
            size = step_of(len(crops) - at, self.most)
            try:
                rows[at : at + size] = self._run(crops[at : at + size])
            except self._no_memory:
                self._make_room(size)
            else:
                at += size
        return rows

    def _make_room(self, size: int) -> None:
        log = logging.getLogger(__name__)
        if size > 1:
            self.most = size // 2
            log.warning("no memory for %d faces at once: %d at once from here on", size, self.most)
        elif self._elsewhere is not None:
            log.warning("no memory for a single face on this device: going on without it")
            self._run, self._elsewhere = self._elsewhere(), None
        else:
            raise ModelError(
                message(
                    "there is no memory left to embed a single face; end other programs, and "
                    "try again"
                )
            )


def step_of(left: int, most: int) -> int:
    """How many of `left` crops go next: the largest power of two that is no more than `most`."""
    return int(min(most, 1 << (left.bit_length() - 1)))
