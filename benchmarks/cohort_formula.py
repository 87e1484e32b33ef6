"""How many neighbours, which share, and how many people a centroid: what `Cohort` is made with.

    python -m benchmarks.cohort_formula             two backbones, a minute

Chosen on other strangers than the figures are reported on: galleries are 150 of the 303 people of
LFW, and the other 153 are the strangers; the cohort is made of the 600 strangers that the shipped
one is made of. What is shown is the share of the enrolled found at the threshold that 1 % of the
strangers reach, a mean of `--draws` draws.
"""

import argparse
import sys

import numpy as np

from benchmarks.companies import ENROLLED, company, faces
from benchmarks.split import STRANGERS
from benchmarks.stream import BACKBONES
from models.microaggregation import microaggregate

NEIGHBOURS = (1, 2, 4, 8, 16)
SHARES = (0.3, 0.4, 0.5, 0.6, 0.75)
LEAST = (1, 3, 4, 5)  # 1: the strangers' own vectors
GALLERY = 150


def nearest(probes: np.ndarray, rows: np.ndarray, neighbours: int) -> np.ndarray:
    return np.partition(probes @ rows.T, -neighbours, axis=1)[:, -neighbours:].mean(axis=1)


def draw(people: list[np.ndarray], cohorts: dict[int, np.ndarray], seed: int) -> dict[tuple, float]:
    rng = np.random.default_rng(seed)
    order = [people[i] for i in rng.permutation(len(people))]
    here = company(order[:GALLERY], GALLERY, rng)
    strangers = np.concatenate([p[: ENROLLED + 1] for p in order[GALLERY:]])
    cosines, theirs = here.probes @ here.rows.T, (strangers @ here.rows.T).max(axis=1)
    right, mine = cosines.argmax(axis=1) == here.truth, cosines.max(axis=1)
    found = {(0, 0, 0.0): float((right & (mine > np.quantile(theirs, 0.99))).mean())}
    for least, rows in cohorts.items():
        for neighbours in NEIGHBOURS:
            lower = nearest(here.probes, rows, neighbours), nearest(strangers, rows, neighbours)
            for share in SHARES:
                limit = np.quantile(theirs - share * lower[1], 0.99)
                key = least, neighbours, share
                found[key] = float((right & (mine - share * lower[0] > limit)).mean())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=12)
    arguments = parser.parse_args()
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    for backbone in BACKBONES:
        seen = faces(backbone, degraded=False)
        strangers = seen.halves[0]["as taken"]
        cohorts = {least: microaggregate(strangers, least) for least in LEAST}
        draws = [draw(seen.people, cohorts, seed) for seed in range(arguments.draws)]
        mean = {key: 100 * float(np.mean([d[key] for d in draws])) for key in draws[0]}
        print(f"\n### {backbone}: without a cohort {mean.pop((0, 0, 0.0)):.2f} %\n")
        print("| people a row, neighbours | " + " | ".join(f"share {s:g}" for s in SHARES) + " |")
        print("|---" * (len(SHARES) + 1) + "|")
        for least in LEAST:
            for neighbours in NEIGHBOURS:
                cells = [f"{mean[least, neighbours, share]:.2f}" for share in SHARES]
                print(f"| {least}, {neighbours} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
