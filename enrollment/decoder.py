"""The one decoder: a few processes that turn files' bytes into pixels, and nothing else."""

import os
import threading
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from enrollment.decoder_child import Verdict
from enrollment.decoder_process import Decoded, DecoderGone, DecoderLimits, DecoderProcess, End
from enrollment.reasons import Reason, ReasonCode
from wording.message import message

AT_ONCE = 2  # processes: half a gigabyte each while they decode a large photo


class Decoder:
    """Decodes for any number of threads; starts processes when they are needed, and anew.

    A process that dies, hangs or says nonsense costs its own photo alone: it is ended, the photo is
    refused, the next photo gets another.
    """

    def __init__(self, limits: DecoderLimits | None = None, at_once: int = AT_ONCE) -> None:
        self.limits = limits or DecoderLimits()
        self._at_once = at_once
        self._start_afresh()

    def pixels(self, data: bytes, kind: str, side: int = 0) -> NDArray[np.uint8] | Reason:
        """(h, w, 3) uint8 RGB, upright; or why there is none. Never raises for what a file holds.

        Args:
            kind: of `decoder_child.FORMATS`.
            side: px that the picture is made small to; 0: as it is.
        """
        if self._owner != os.getpid():
            self._start_afresh()
        with self._turns:
            try:
                process = self._taken()
            except (OSError, DecoderGone):
                return Reason(
                    ReasonCode.UNREADABLE_IMAGE,
                    message("no photo can be opened now: the decoder does not start; try again"),
                )
            try:
                decoded = process.decode(data, kind, side)
            except DecoderGone as gone:
                return _broken_off(gone)
            except MemoryError:  # ours, for the pixels
                return _too_much_memory()
            self._give_back(process)
        return _answer(decoded, self.limits.pixels)

    def pids(self) -> list[int]:
        """Of the processes that wait for a photo."""
        with self._lock:
            return [process.pid for process in self._idle]

    def close(self) -> None:
        """End the processes. A photo that comes later starts one again."""
        with self._lock:
            idle = self._idle[:]
            self._idle.clear()
        for process in idle:
            process.close()

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start_afresh(self) -> None:
        """A fork shares its parent's sockets, and would read the answers to its parent's photos."""
        self._owner = os.getpid()
        self._turns = threading.BoundedSemaphore(self._at_once)
        self._lock = threading.Lock()
        self._idle: list[DecoderProcess] = []

    def _taken(self) -> DecoderProcess:
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is None:
                return DecoderProcess(self.limits)
            if process.is_idle():
                return process
            process.close()  # it died, or was killed, between two photos

    def _give_back(self, process: DecoderProcess) -> None:
        with self._lock:
            self._idle.append(process)


def _answer(decoded: Decoded, most: int) -> NDArray[np.uint8] | Reason:
    if decoded.pixels is not None:
        return decoded.pixels
    if decoded.verdict == Verdict.TOO_MANY_PIXELS:
        return Reason(
            ReasonCode.TOO_LARGE,
            message(
                "the image has {width} x {height} pixels, more than {most} million; "
                "save a smaller one",
                width=decoded.width,
                height=decoded.height,
                most=most // 1_000_000,
            ),
        )
    if decoded.verdict == Verdict.ANIMATED:
        return Reason(
            ReasonCode.UNSUPPORTED_FORMAT,
            message("the image is animated; save one frame as a photo"),
        )
    if decoded.verdict == Verdict.TOO_MUCH_MEMORY:
        return _too_much_memory()
    return _damaged()


def _broken_off(gone: DecoderGone) -> Reason:
    if gone.end == End.STOPPED:
        return Reason(
            ReasonCode.UNREADABLE_IMAGE,
            message("the image was not opened: the decoder was stopped meanwhile; try again"),
        )
    if gone.end == End.SLOW:
        return Reason(
            ReasonCode.UNREADABLE_IMAGE,
            message("the image takes too long to open; save it again as a plain JPEG"),
        )
    return _damaged()


def _damaged() -> Reason:
    return Reason(
        ReasonCode.UNREADABLE_IMAGE,
        message("the image is damaged; save it again or take another"),
    )


def _too_much_memory() -> Reason:
    return Reason(
        ReasonCode.TOO_LARGE,
        message("the image needs too much memory to open; save a smaller one"),
    )
