"""kill -9 at random points of nights, and what holds afterwards.

    python -m benchmarks.kill_nightly                        100 kills of imprinting nights
    python -m benchmarks.kill_nightly --mode joint --kills 20

After each kill: at most one champion, every head's file is whole, head and outcome of the day are
both there or neither is, and a second night of the same day leaves exactly one. A real gallery with
tiny simulated embeddings; one newcomer a day.
"""

import argparse
import tempfile
from pathlib import Path

from scipy.stats import binomtest

from tests.faults.killed_nights import killed_nights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--mode", default="imprint")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "gallery"
        tally = killed_nights(home, arguments.kills, arguments.mode, arguments.seed)
    bound = binomtest(0, tally.nights).proportion_ci(0.95, method="exact").high
    print(
        f"{tally.nights} nights aimed at, {tally.killed} killed while they ran, "
        f"{tally.published} of these after the commit; 0 wrong (95 % bound {bound:.1%})"
    )


if __name__ == "__main__":
    main()
