"""Can decisions be collected into somebody's template? 10,000 probes of an attacker with a key.

    python -m benchmarks.hill_climbing                  dlib-resnet and retail-0095

The attacker knows the backbone and can make any face, so it asks with embeddings. It is told, as a
key without the scope `scores` is, whether its target was named, and nothing else. It begins with
photos of strangers and mixtures of them; once named it looks for the middle of the region in which
it is named (hit and run). A company of 300 people of LFW; threshold measured at 1 %. What it holds
at the end is compared with the target's template:

- as served: five failures are free, each further one waits 30 s, after fifty the key is stopped
- by day: an insider's key, whose own face ends the row of failures: 1,000 probes, half of them his
- no limit: 10,000 probes
"""

import argparse
import sys
from collections.abc import Callable

import numpy as np

from benchmarks.companies import Company, calibrated, cohort_of_half, company, faces
from benchmarks.split import STRANGERS
from benchmarks.stream import BACKBONES
from enrollment.api_keys import DAILY
from enrollment.calibration import interval_95
from enrollment.cohort import Cohort
from enrollment.key_budget import BackOff
from enrollment.night_trials import served_scores

PEOPLE, TARGETS, PROBES, LIMIT = 300, 100, 10_000, 0.3
_STEP = 0.35  # of a random direction that is tried beside what is named


Oracle = Callable[[np.ndarray], np.ndarray]


def oracle(here: Company, cohort: Cohort, threshold: float, target: int) -> Oracle:
    """Which probes, (n, dimension), are named as the target."""

    def named(probes: np.ndarray) -> np.ndarray:
        searched = here.rows, here.templates, here.owners, cohort.lowering
        best, scores = served_scores(probes.astype(np.float32), *searched)
        return (best == target) & (scores >= threshold)

    return named


def attack(
    named: Oracle, starts: np.ndarray, most: int, rng: np.random.Generator
) -> np.ndarray | None:
    """The attacker's best guess, a unit row, after at most `most` probes; None: never named."""
    tried = starts[:most]
    hits = named(tried)
    if not hits.any():
        return None
    first = int(hits.argmax())
    guess, here, left = tried[first].copy(), tried[first], most - first - 1
    inside = [here]
    while left > 0:
        size = min(left, 50)
        steps = rng.normal(size=(size, len(here)))
        steps *= _STEP / np.linalg.norm(steps, axis=1, keepdims=True)
        probes = guess + steps
        probes /= np.linalg.norm(probes, axis=1, keepdims=True)
        inside += list(probes[named(probes)])
        guess = np.mean(inside, axis=0)
        guess /= np.linalg.norm(guess)
        left -= size
    return guess


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    limits = {"as served": BackOff().stopped_at, "by day": DAILY // 2, "no limit": PROBES}
    for backbone in BACKBONES:
        seen = faces(backbone, degraded=False)
        cohort = cohort_of_half(seen, 0)
        strangers = seen.halves[1]["as taken"]
        rng = np.random.default_rng(0)
        here = company(seen.people, PEOPLE, rng)
        point = calibrated(here, cohort, 0.01, seen.prior)
        print(f"\n### {backbone}: {TARGETS} targets among {PEOPLE}, {len(strangers)} strangers\n")
        print("| limit | probes | named at all | 95 % | median cosine | worst | above 0.3 |")
        print("|---|---|---|---|---|---|---|")
        for label, most in limits.items():
            held = []
            for target in range(TARGETS):
                mine = np.random.default_rng([1, target])
                starts = _starts(strangers, mine)

                named = oracle(here, cohort, point.threshold, target)
                guess = attack(named, starts, most, mine)
                held.append(0.0 if guess is None else float(guess @ here.rows[target]))
            cosines = np.asarray(held)
            found, above = int((cosines > 0).sum()), int((cosines > LIMIT).sum())
            low, high = interval_95(found, TARGETS)
            print(
                f"| {label} | {most:,} | {found} of {TARGETS} | {low:.1%} to {high:.1%} | "
                f"{np.median(cosines):.2f} | {cosines.max():.2f} | {above} |",
                flush=True,
            )


def _starts(strangers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(PROBES, dimension) unit rows: strangers in any order, then mixtures of three of them."""
    mixed = strangers[rng.integers(0, len(strangers), (PROBES, 3))]
    weights = rng.dirichlet(np.ones(3), PROBES)[..., None]
    rows = np.concatenate([strangers[rng.permutation(len(strangers))], (mixed * weights).sum(1)])
    rows = rows[:PROBES]
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    main()
