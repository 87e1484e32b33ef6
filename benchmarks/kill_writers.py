"""kill -9 at random moments of one of four processes that write to a gallery, again and again.

    python -m benchmarks.kill_writers --kills 10000
    python -m benchmarks.kill_writers --at-once 32        nobody is killed: they only write at once

The writers enroll and erase, with tiny models on a real gallery. After each kill everything that
the process had said was done is there whole, or gone, and at most what it had begun is there beside
it; after every hundredth all are killed and a fresh opening looks at everything. It may be broken
off: it prints what it has seen so far, and the 95 % bound of the failure rate.
"""

import argparse
import sys
import time
from pathlib import Path

from scipy.stats import binomtest

from tests.faults.boundaries import workplace
from tests.faults.writers import Kills, at_once, empty_place, kill_writers, look_at_all

_A_GALLERY = 1000  # kills; then another one, because the audit trail of one grows and grows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, metavar="PROCESSES")
    parser.add_argument("--each", type=int, default=25, help="people a process, with --at-once")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with workplace() as folder:
        if arguments.at_once:
            people, slowest = at_once(empty_place(Path(folder)), arguments.at_once, arguments.each)
            bound = binomtest(0, people).proportion_ci(0.95, method="exact").high
            print(
                f"{arguments.at_once} processes at once: {people} people, 0 lost, 0 twice, 0 "
                f"refused (95 % bound {bound:.2%}); the longest wait {slowest:.2f} s"
            )
            return
    kill(arguments.kills, arguments.seed)


def kill(kills: int, seed: int) -> None:
    started, tally = time.monotonic(), Kills()
    try:
        while tally.kills < kills:
            with workplace() as folder:
                place, aim = empty_place(Path(folder)), min(tally.kills + _A_GALLERY, kills)
                kill_writers(place, aim, tally, seed + tally.kills)
                look_at_all(place, tally)
            took = time.monotonic() - started
            print(f"  {tally.kills} kills, {len(tally.wrong)} wrong, {took:.0f} s", flush=True)
    except KeyboardInterrupt:
        print("broken off")
    for wrong in tally.wrong[:20]:
        print(f"WRONG {wrong}")
    failed = len(tally.wrong)
    bound = binomtest(failed, max(tally.kills, 1)).proportion_ci(0.95, method="exact").high
    print(
        f"{tally.kills} kills under four writers, {tally.acknowledged} changes acknowledged, "
        f"{failed} with anything wrong (95 % bound {bound:.3%})"
    )
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
