"""The machine's own limits, to be measured beside everything else: arithmetic and memory.

A small loop in C is compiled on the spot, because no library reaches them: fused multiply-adds in
registers, and reading memory once. Where there is no compiler, numpy's matrix product and sum stand
in for them, and `Limits.measured` says so: ratios are then too good.
"""

import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_LANES = 96  # numbers in registers: enough to hide the latency of an addition
_SOURCE = """
#include <stddef.h>
float multiply_add(size_t times) {
    float a[LANES], x = 0.999f, y = 0.001f, sum = 0;
    for (int i = 0; i < LANES; i++) a[i] = i;
    for (size_t k = 0; k < times; k++) {
        #pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) a[i] = a[i] * x + y;
    }
    for (int i = 0; i < LANES; i++) sum += a[i];
    return sum;
}
float read_once(const float *p, size_t n) {
    float a[64] = {0}, sum = 0;
    for (size_t k = 0; k + 64 <= n; k += 64)
        for (int i = 0; i < 64; i++) a[i] += p[k + i];
    for (int i = 0; i < 64; i++) sum += a[i];
    return sum;
}
"""
_TIMES = 20_000_000  # a fifth of a second
_TRIES = 3


class Limits:
    """Of this machine, on so many threads. With one thread, of the processor's time: other
    programs then do not count; with more, of the clock's."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self.clock: Callable[[], float] = time.process_time if threads == 1 else time.perf_counter

    @property
    def measured(self) -> str:
        return "C" if self._library is not None else "numpy, for there is no C compiler"

    def gflops(self) -> float:
        """10^9 float32 operations a second, now: the best of three, for others can only take away
        from what the machine can do."""
        if self._library is None:
            square = np.ones((1024, 1024), np.float32)
            return 2 * 1024**3 / 1e9 / self._best(lambda: square @ square)
        work = partial(self._library.multiply_add, _TIMES)
        return 2 * _LANES * _TIMES * self.threads / 1e9 / self._best(work)

    def _best(self, work: Callable[[], object]) -> float:
        return min(self._seconds(work) for _ in range(_TRIES))

    def seconds_to_read(self, array: NDArray[np.float32]) -> float:
        """Seconds that it takes one thread to read a contiguous array once, now."""
        if self._library is None:
            return self._seconds(array.sum)
        start = self.clock()
        self._library.read_once(array.ctypes.data, array.size)
        return self.clock() - start

    def _seconds(self, work: Callable[[], object]) -> float:
        if self.threads == 1 or self._library is None:
            start = self.clock()
            work()
            return self.clock() - start
        with ThreadPoolExecutor(self.threads) as pool:
            start = self.clock()
            list(pool.map(lambda _: work(), range(self.threads)))
            return self.clock() - start

    @cached_property
    def _library(self) -> ctypes.CDLL | None:
        compiler = os.environ.get("CC") or shutil.which("cc")
        if compiler is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            source, made = Path(folder, "limits.c"), Path(folder, "limits.so")
            source.write_text(_SOURCE, "utf-8")
            flags = ["-O3", "-march=native", "-ffast-math", f"-DLANES={_LANES}", "-shared", "-fPIC"]
            done = subprocess.run([compiler, *flags, "-o", made, source], check=False)
            if done.returncode:
                return None
            library = ctypes.CDLL(str(made))
        library.multiply_add.argtypes = [ctypes.c_size_t]
        library.multiply_add.restype = library.read_once.restype = ctypes.c_float
        library.read_once.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        return library
