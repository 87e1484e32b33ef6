"""kill -9 at random points of moves to another backbone, while a door asks all the time.

    python -m benchmarks.kill_rebackbone --kills 50

After each kill everybody is there and is found, index, file and audit are sound, the gallery is
wholly at one backbone, and the same command ends the move. The door is another process that was
open before the first move: each of its answers is right, or says that the gallery has moved. A real
gallery with two tiny backbones whose vectors have the same length; one newcomer before each move.
"""

import argparse
import tempfile
from pathlib import Path

from scipy.stats import binomtest

from tests.faults.killed_moves import killed_moves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = killed_moves(Path(folder) / "gallery", arguments.kills, arguments.seed)
    bound = binomtest(0, tally.moves).proportion_ci(0.95, method="exact").high
    print(
        f"{tally.moves} moves aimed at, {tally.killed} killed while they ran, {tally.moved} of "
        f"these after the commit; 0 wrong (95 % bound {bound:.1%}); at the door {tally.right} "
        f"right answers, 0 wrong, {tally.told} times told that the gallery has moved"
    )


if __name__ == "__main__":
    main()
