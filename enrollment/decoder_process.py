"""One decoding process, as seen from ours: started, asked, and ended when it does not behave."""

import contextlib
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment import decoder_child
from enrollment.decoder_child import FORMATS, REPLY, REQUEST, Verdict

# Without these, arenas of threads count as memory, and that of a large picture is kept after it.
_ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(4 * 2**20)}


@dataclass(frozen=True)
class DecoderLimits:
    """What one photo may take.

    pixels: by its header, and as decoded.
    memory: bytes of address space of the whole process. 25 Mpx need 443 MB as WebP, turned, and
        less as any other kind (`python -m benchmarks.decoding large`).
    seconds: of the processor. 25 Mpx of a phone's HEIC take 2.1, the slowest of the usual kinds.
    patience: seconds until an answer is not waited for any more; longer, for the machine is shared.
    start: seconds that a new process may take until it is ready.
    """

    pixels: int = 25_000_000
    memory: int = 512 * 2**20
    seconds: float = 3.0
    patience: float = 15.0
    start: float = 60.0


@dataclass(frozen=True)
class Decoded:
    """pixels: (h, w, 3) uint8 RGB, or None with why; width, height: of what was refused too."""

    verdict: Verdict
    width: int = 0
    height: int = 0
    pixels: NDArray[np.uint8] | None = None


class End(Enum):
    """How a decoding process was lost."""

    SLOW = 1  # it took too much time
    STOPPED = 2  # somebody else killed it, or the kernel did for want of memory
    BROKEN = 3  # by what it was given: it crashed, or spoke nonsense


class DecoderGone(Exception):
    """The process is of no further use, and is ended."""

    def __init__(self, end: End) -> None:
        super().__init__()
        self.end = end


class DecoderProcess:
    """A child that decodes one photo at a time. Not for several threads at once.

    It is started as a program of its own: a fork of a process with TensorFlow's threads in it may
    hang, and would hold a copy of everything. It gets no variable of ours, because the master
    key may be one. It ends when the socket closes, so also when this process is killed
    (PR_SET_PDEATHSIG would end it with the thread that started it, and threads come and go here).
    """

    def __init__(self, limits: DecoderLimits) -> None:
        """Raises: OSError, DecoderGone: it cannot be started."""
        self._limits = limits
        self._socket, theirs = socket.socketpair()
        with theirs:
            try:
                self._process: subprocess.Popen[bytes] = subprocess.Popen(
                    _command(limits),
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env=_ALLOCATOR,
                    start_new_session=True,  # Ctrl+C at a terminal is not for it
                )
            except OSError:
                self._socket.close()
                raise
        self._until = time.monotonic() + limits.start
        with self._closed_on_trouble():
            if self._reply()[0] != Verdict.READY:
                raise DecoderGone(End.BROKEN)

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_idle(self) -> bool:
        """Whether it lives and says nothing unasked: else what it says next is not believed."""
        watched = select.poll()
        watched.register(self._socket, select.POLLIN)
        return not watched.poll(0)

    def decode(self, data: bytes, kind: str, side: int = 0) -> Decoded:
        """Ask for the pixels of a file.

        Args:
            kind: of FORMATS.
            side: px that the picture is made small to; 0: as it is.

        Raises:
            DecoderGone: there is no answer; the process is ended.
        """
        self._until = time.monotonic() + self._limits.patience
        with self._closed_on_trouble():
            self._send(REQUEST.pack(FORMATS.index(kind), side, len(data)))
            self._send(data)
            verdict, width, height = self._reply()
            if verdict == Verdict.READY:
                raise DecoderGone(End.BROKEN)
            if verdict != Verdict.PIXELS:
                return Decoded(verdict, width, height)
            # Zero or too many: memory is never taken on the word of the other side.
            if not 0 < width * height <= self._limits.pixels:
                raise DecoderGone(End.BROKEN)
            pixels = np.empty((height, width, 3), np.uint8)
            self._receive(pixels.data.cast("B"))
            return Decoded(verdict, width, height, pixels)

    def close(self) -> None:
        """End it, whatever it does."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    @contextlib.contextmanager
    def _closed_on_trouble(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            end = End.SLOW if isinstance(error, TimeoutError) else self._end()
            self.close()
            raise DecoderGone(end) from None
        except BaseException:  # a KeyboardInterrupt too: the rest of an answer is on its way
            self.close()
            raise

    def _end(self) -> End:
        """When nothing more came from it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        signals = {-signal.SIGPROF: End.SLOW, -signal.SIGKILL: End.STOPPED}
        return signals.get(self._process.returncode or 0, End.BROKEN)

    def _reply(self) -> tuple[Verdict, int, int]:
        """Raises: ValueError: there is no such verdict."""
        header = bytearray(REPLY.size)
        self._receive(memoryview(header))
        verdict, width, height = REPLY.unpack(header)
        return Verdict(verdict), width, height

    def _send(self, data: bytes) -> None:
        self._wait()
        self._socket.sendall(data)

    def _receive(self, into: memoryview) -> None:
        while into:
            self._wait()
            count = self._socket.recv_into(into)
            if not count:
                raise ConnectionResetError
            into = into[count:]

    def _wait(self) -> None:
        """Of the time that is left."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)


def _command(limits: DecoderLimits) -> list[str]:
    """Nothing but these arguments says what is run; packages are where this process has them."""
    numbers = (limits.pixels, limits.memory, limits.seconds)
    flags = ("-I", "-S", "-B")
    path = (entry for entry in sys.path if Path(entry).is_absolute())
    return [sys.executable, *flags, decoder_child.__file__, *map(str, numbers), *path]
