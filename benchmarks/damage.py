"""Bit rot: is anybody called another, and does anything fall over, when a file of ours is damaged?

    python -m benchmarks.damage --bits 10000 --others 1000
    python -m benchmarks.damage --only "head file" backup

Random bits flipped in each artefact, and in the database in the rows of each kind; 4 KiB pages set
to zero and files cut short. After each the gallery is opened and eight known faces are looked at
(tests/faults/damage.py). Counts what became of it, with the 95 % bound of what is not allowed:
another name, another answer, anything that is not an error of ours. Fails on one of them.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.damage import ARTEFACTS, BAD, Counted, bound, run, without_step

WHAT = ("detected", "ignored", "unchanged", "wrong", "identity", "crash")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, default=10_000, help="flips in each artefact")
    parser.add_argument("--others", type=int, default=1_000, help="pages and cuts of each file")
    parser.add_argument("--only", nargs="+", choices=ARTEFACTS, default=ARTEFACTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="to work in; best in memory")
    options = parser.parse_args()
    print(f"{'artefact':17} {'n':>6} " + " ".join(f"{what:>9}" for what in WHAT) + "   bound")
    failures = trials = 0
    memory = Path("/dev/shm")  # noqa: S108 - what is here is made for this
    base = options.folder or (memory if memory.is_dir() else None)
    with tempfile.TemporaryDirectory(dir=base) as name:

        def trial(artefact: str) -> Counted:
            return run(
                Path(name), artefact, options.bits, options.others, options.seed, told(artefact)
            )

        with ThreadPoolExecutor(options.workers) as pool:
            for artefact, counted in zip(options.only, pool.map(trial, options.only), strict=True):
                bad = sum(counted.outcomes[what] for what in BAD)
                failures, trials = failures + bad, trials + counted.n
                tell(artefact, counted, bad)
    print(f"in all {failures} of {trials}: below {bound(failures, trials):.4%} (95 %)")
    sys.exit(failures > 0)


def tell(artefact: str, counted: Counted, bad: int) -> None:
    numbers = " ".join(f"{counted.outcomes[what]:9}" for what in WHAT)
    print(f"{artefact:17} {counted.n:6} {numbers}   {bound(bad, counted.n):.3%}", flush=True)
    for damage, outcome in counted.bad[:5]:
        print(f"    {damage.kind} at {damage.at}: {outcome.what}: {outcome.said}")
    alone = without_step(counted)
    for sentence, times in alone.most_common(3):
        print(f"    no next step, {times} times: {sentence}")


def told(artefact: str) -> Callable[[int], None]:
    begun = time.monotonic()

    def tell_number(done: int) -> None:
        if done % 1000 == 0:
            speed = done / (time.monotonic() - begun) * 60
            print(f"{artefact}: {done}, {speed:.0f} a minute", file=sys.stderr, flush=True)

    return tell_number


if __name__ == "__main__":
    main()
