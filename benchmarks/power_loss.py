"""Every state that a loss of power may leave, rebuilt and opened: what was acknowledged is there.

    python -m benchmarks.power_loss --states 100000
    python -m benchmarks.power_loss --states 2000 --only erase
    python -m benchmarks.power_loss --states 2000 --control      must find losses

The calls of one run of each operation (tests/faults/operations.py) are recorded with strace. At
each of them the power goes: all kept, what was not made durable lost, its names too, and random
parts of it torn at 512 bytes. Each state is opened by SQLite, which checks it; where its rows or
files are new, the store opens it and looks at everything. The control forgets that anything was
made durable, as if there were no fsync. It may be broken off; it prints what it has seen so far,
and the 95 % bound of the failure rate.
"""

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

from scipy.stats import binomtest

from tests.faults.boundaries import Harness, NoTracing, check_tracing, workplace
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.power_loss import Losses, PowerLoss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--states", type=int, default=100_000, help="different ones, in all")
    parser.add_argument("--only", choices=[operation.name for operation in OPERATIONS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--control", action="store_true", help="as if nothing were made durable")
    arguments = parser.parse_args()
    try:
        check_tracing()
    except NoTracing as why:
        sys.exit(f"skipped: {why}")
    chosen = [o for o in OPERATIONS if arguments.only in (None, o.name)]
    losses = Losses()
    try:
        for number, operation in enumerate(chosen):
            share = (arguments.states - losses.states) // (len(chosen) - number)
            lose_power(operation, share, losses, arguments.seed, arguments.control)
    except KeyboardInterrupt:
        print("broken off")
    for wrong, times in Counter(losses.wrong).most_common(10):
        print(f"WRONG {times} times: {wrong}")
    failed = len(losses.wrong)
    bound = binomtest(failed, max(losses.states, 1)).proportion_ci(0.95, method="exact").high
    print(f"{losses.states} states, {failed} with anything wrong (95 % bound {bound:.4%})")
    sys.exit((failed == 0) if arguments.control else (failed > 0))


def lose_power(
    operation: Operation, most: int, losses: Losses, seed: int, control: bool = False
) -> None:
    started, before, wrong = time.monotonic(), losses.states, len(losses.wrong)
    chance = random.Random(seed)
    with workplace() as folder:
        power = PowerLoss(Harness(operation, Path(folder)), lambda write: not control)
        looks = losses.looks
        for state in power.states(most, seed):
            power.check(state, losses, chance)
            if losses.states % 5000 == 0:
                print(f"  {losses.states} states", flush=True)
    print(
        f"{operation.name:8} {len(power.writes):4} calls: {losses.states - before} states, "
        f"{losses.looks - looks} opened by the store, {len(losses.wrong) - wrong} wrong "
        f"({time.monotonic() - started:.0f} s)",
        flush=True,
    )


if __name__ == "__main__":
    main()
