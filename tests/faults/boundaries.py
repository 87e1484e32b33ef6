"""Every call by which an operation writes, found with strace, and a fault at each of them."""

import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.forked import Ended, Forked
from tests.faults.operations import Operation
from tests.faults.place import MEMORY, Place
from tests.faults.soundness import look

WRITES = (
    "openat", "write", "pwrite64", "writev", "pwritev", "fsync", "fdatasync", "ftruncate",
    "truncate", "rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "linkat", "mkdir",
    "mkdirat", "rmdir", "fallocate", "chmod", "fchmod", "fchmodat",
)  # fmt: skip
_SYNCS = ("fsync", "fdatasync")
_LINE = re.compile(r"(?P<call>\w+)\((?P<rest>.*)\)\s+= (?P<result>-?\w+)")


class NoTracing(Exception):
    """strace is missing, or may not trace here; the text says which."""


@dataclass(frozen=True)
class Boundary:
    """The `when`-th use of `call` in the operation; what it writes."""

    call: str
    when: int
    what: str


@dataclass(frozen=True)
class Fault:
    """How strace is told, and whether the process dies of it."""

    name: str
    inject: str
    deadly: bool = False

    def fits(self, call: str) -> bool:
        """A device reports a broken write when it is asked to make it durable."""
        return self.name != "EIO" or call in _SYNCS


KILL = Fault("SIGKILL", "signal=KILL", deadly=True)
FULL = Fault("ENOSPC", "error=ENOSPC")
BROKEN = Fault("EIO", "error=EIO")
FAULTS = (KILL, FULL, BROKEN)


def check_tracing() -> None:
    """Raises NoTracing."""
    if shutil.which("strace") is None:
        raise NoTracing("strace is not installed: apt-get install strace")
    tried = subprocess.run(
        ["strace", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode != 0:
        raise NoTracing(f"strace may not trace here: {tried.stderr.strip()}")


class Harness:
    """One operation, its beginning made once, and a copy of it for each fault."""

    def __init__(self, operation: Operation, folder: Path) -> None:
        self.operation = operation
        self.base = Place(folder / operation.name)
        operation.make(self.base)
        self.trial = folder / "trial"
        self.before = look(self.base.copy(self.trial))

    def boundaries(self) -> list[Boundary]:
        """Of one run that nobody disturbs, in order."""
        return [b for b in self.calls() if b is not None]

    def calls(self) -> Iterator[Boundary | None]:
        place = self.base.copy(self.trial)
        ended, lines = self.traced(place, ["-y"], WRITES)
        assert ended.broke is None, ended.broke
        assert ended.refused is None, ended.refused
        assert self.judged(place, ended), "left alone, it is done"
        counts: Counter[str] = Counter()
        for line in lines:
            found = _LINE.search(line)
            if found is None:
                continue
            call = found["call"]
            counts[call] += 1
            if _writes(call, found["rest"], place.root) and not found["result"].startswith("-"):
                yield Boundary(call, counts[call], found["rest"][:160])

    def broken_off(self, boundary: Boundary, fault: Fault) -> bool:
        """Put the fault there and see what is left; was it put?

        Raises:
            AssertionError: something is lost, half there, or was not said plainly.
        """
        place = self.base.copy(self.trial)
        told = f"inject={boundary.call}:{fault.inject}:when={boundary.when}"
        ended, lines = self.traced(place, ["-e", told], (boundary.call,))
        if fault.deadly and not ended.killed:
            return False
        if not fault.deadly and not any("(INJECTED)" in line for line in lines):
            return False
        assert ended.broke is None, f"a traceback: {ended.broke}"
        if ended.refused is not None:
            assert "|" not in ended.refused, f"no sentence: {ended.refused}"
        self.judged(place, ended)
        self.repeated(place)
        return True

    def judged(self, place: Place, ended: Ended) -> bool:
        return self.operation.judge(self.before, look(place), place, ended.said)

    def repeated(self, place: Place) -> None:
        """The same command again, by a fresh process, ends what was broken off."""
        child = Forked(lambda say: self.operation.act(place, say))
        child.go()
        ended = child.ended()
        assert ended.broke is None, f"repeated: {ended.broke}"
        assert ended.refused is None, f"repeated: {ended.refused}"
        assert self.judged(place, ended), "repeated, it is done"

    def traced(
        self, place: Place, options: list[str], calls: tuple[str, ...]
    ) -> tuple[Ended, list[str]]:
        """Run the operation under strace: how it ended, and strace's lines."""
        child = Forked(lambda say: self.operation.act(place, say))
        with tempfile.NamedTemporaryFile("r", dir=self.trial.parent) as out:
            command = ["strace", "-p", str(child.pid), "-o", out.name]
            with subprocess.Popen(
                [*command, "-e", f"trace={','.join(calls)}", *options],
                stderr=subprocess.PIPE,
                text=True,
            ) as tracer:
                assert tracer.stderr is not None
                said = tracer.stderr.readline()
                child.go()
                ended = child.ended()
                assert "attached" in said, said
                tracer.stderr.read()
            return ended, out.read().splitlines()


def _writes(call: str, rest: str, root: Path) -> bool:
    return str(root) in rest and (call != "openat" or "O_CREAT" in rest)


def workplace() -> tempfile.TemporaryDirectory[str]:
    """Where harnesses work: in memory, for nothing here must survive a real loss of power."""
    return tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)


@dataclass
class Tally:
    """injected: faults that came, by operation and fault; wrong: what they left."""

    injected: Counter[tuple[str, str]]
    wrong: list[str]
    seconds: float = 0.0


def run(
    operation: Operation,
    folder: Path,
    tally: Tally,
    every: int = 1,
    faults: tuple[Fault, ...] = FAULTS,
) -> int:
    """Each fault at every `every`-th boundary; how many boundaries there are."""
    started = time.monotonic()
    harness = Harness(operation, folder)
    boundaries = harness.boundaries()
    number = 0
    for boundary in boundaries:
        for fault in faults:
            if not fault.fits(boundary.call):
                continue
            number += 1
            if number % every:
                continue
            try:
                came = harness.broken_off(boundary, fault)
            except Exception as wrong:
                came = True
                where = f"{operation.name}: {fault.name} at {boundary.call} {boundary.what}"
                tally.wrong.append(f"{where}: {type(wrong).__name__}: {wrong}")
            tally.injected[operation.name, fault.name] += came
    tally.seconds += time.monotonic() - started
    return len(boundaries)
