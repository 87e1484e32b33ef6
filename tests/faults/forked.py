"""A process to be broken off: a fork of a warm one, which works when it is told to."""

import contextlib
import gc
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from enrollment import photo
from enrollment.errors import RollcallError
from models.errors import ModelError
from store.errors import StoreError

Say = Callable[[str], None]
# What a door knows how to say. Anything else is a traceback to whoever gets it.
EXPECTED = (StoreError, RollcallError, ModelError)
_PATIENCE = 90  # seconds; then it hangs, which SIGALRM ends
_SAYS, _REFUSES, _BREAKS = "+", "-", "!"


@dataclass(frozen=True)
class Ended:
    """said: what was acknowledged. refused: the sentence it ended with. broke: a traceback."""

    said: tuple[str, ...]
    refused: str | None
    broke: str | None
    status: int

    @property
    def killed(self) -> bool:
        return os.WIFSIGNALED(self.status)


class Forked:
    """Not before `go` does it do anything."""

    def __init__(self, work: Callable[[Say], None]) -> None:
        self._early = b""
        waits, self._go = os.pipe()
        self._told, tells = os.pipe()
        gc.freeze()  # else a collection in the child copies every page that it has from here
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._go)
            os.close(self._told)
            _child(work, waits, tells)
        os.close(waits)
        os.close(tells)

    def go(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._go, b"g")
        os.close(self._go)

    def wait_for(self, lines: int) -> None:
        """Until it has said so many, or has ended."""
        while self._early.count(b"\n") < lines and (read := os.read(self._told, 1 << 16)):
            self._early += read

    def ended(self) -> Ended:
        """Wait for it. What it said before it was killed counts."""
        with os.fdopen(self._told, "rb") as told:
            lines = (self._early + told.read()).decode().splitlines()
        _, status = os.waitpid(self.pid, 0)
        assert not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM), "it hangs"
        by = {kind: [line[1:] for line in lines if line[0] == kind] for kind in "+-!"}
        return Ended(
            tuple(by[_SAYS]),
            by[_REFUSES][0] if by[_REFUSES] else None,
            by[_BREAKS][0] if by[_BREAKS] else None,
            status,
        )


def _child(work: Callable[[Say], None], waits: int, tells: int) -> None:
    def tell(kind: str, line: str) -> None:
        os.write(tells, f"{kind}{line}\n".encode())

    try:
        signal.alarm(_PATIENCE)
        photo.shared_decoder = _InThisProcess  # type: ignore[assignment]
        os.read(waits, 1)
        work(lambda line: tell(_SAYS, line))
    except EXPECTED as error:
        tell(_REFUSES, f"{type(error).__name__}: {error}".replace("\n", "|"))
    except BaseException:
        tell(_BREAKS, traceback.format_exc().replace("\n", "|"))
    finally:
        os._exit(0)


class _InThisProcess:
    """Reads the tests' own pictures: a child of its own for that takes longer than all else."""

    def pixels(self, data: bytes, _kind: str, _side: int = 0) -> NDArray[np.uint8]:
        import io

        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
