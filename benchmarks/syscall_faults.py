"""kill -9, a full disk and a broken one at every call by which an operation writes.

    python -m benchmarks.syscall_faults                       every boundary of every operation
    python -m benchmarks.syscall_faults --only erase --every 5

The operations are in tests/faults/operations.py, with tiny models on a real gallery. At each call
that writes to the gallery's folder or its keys the process is killed once, told once that the disk
is full and, where the call makes something durable, once that the device is broken (strace). Then a
fresh opening looks: what was acknowledged is whole, what was not is whole or absent, file, index,
seals, trail and anchor hold, an error was one sentence, whoever was enrolled was still found after
it, and the same command done again ends well. Prints counts and the 95 % bound of the failure rate.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from scipy.stats import binomtest

from tests.faults.boundaries import NoTracing, Tally, check_tracing, run, workplace
from tests.faults.operations import OPERATIONS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="only every so manieth injection")
    parser.add_argument("--only", choices=[operation.name for operation in OPERATIONS])
    arguments = parser.parse_args()
    try:
        check_tracing()
    except NoTracing as why:
        sys.exit(f"skipped: {why}")
    tally = Tally(Counter(), [])
    for operation in OPERATIONS:
        if arguments.only not in (None, operation.name):
            continue
        started = time.monotonic()
        with workplace() as folder:
            boundaries = run(operation, Path(folder), tally, arguments.every)
        came = ", ".join(f"{n} {f}" for (o, f), n in tally.injected.items() if o == operation.name)
        took = time.monotonic() - started
        print(f"{operation.name:8} {boundaries:4} boundaries: {came} ({took:.0f} s)", flush=True)
    for wrong in tally.wrong:
        print(f"WRONG {wrong}")
    total, failed = sum(tally.injected.values()), len(tally.wrong)
    bound = binomtest(failed, max(total, 1)).proportion_ci(0.95, method="exact").high
    print(f"{total} injections, {failed} with anything wrong (95 % bound {bound:.2%})")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
