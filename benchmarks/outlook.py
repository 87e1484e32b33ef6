"""Does the enrollment verdict come true? Expected against real find rates, on LFW.

    python -m benchmarks.outlook

Random companies of 100 people of LFW with 1 to 5 photos each; for every person the find rate that
would have been said at enrollment, and what was found of the person's other photos.
"""

import argparse
import sys
from itertools import pairwise

import numpy as np

from benchmarks.companies import calibrated, cohort_of_half, company, faces
from benchmarks.split import STRANGERS
from benchmarks.stream import BACKBONES
from enrollment.night_trials import served_scores
from enrollment.outlook import find_rate, scatter_of

COMPANIES = 12
BANDS = (0.0, 0.6, 0.8, 0.9, 0.95, 0.98, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    for backbone in BACKBONES:
        seen = faces(backbone, degraded=False)
        cohort = cohort_of_half(seen, 0)
        said, found, count = [], [], []
        for seed in range(COMPANIES):
            rng = np.random.default_rng(seed)
            people = [p for p in seen.people if len(p) >= 6]
            here = company(people, 100, rng, enrolled=1 + seed % 5)
            point = calibrated(here, cohort, 0.01, seen.prior)
            lowered = cohort.lowering(here.templates)
            others = np.random.default_rng([seed, 1])
            gallery = company(people, 100, others)  # what is known before they are enrolled
            scatter = scatter_of(
                gallery.templates,
                [str(o) for o in gallery.owners],
                cohort.lowering(gallery.templates),
            )
            assert scatter is not None
            best, scores = served_scores(
                here.probes, here.rows, here.templates, here.owners, cohort.lowering
            )
            hit = (best == here.truth) & (scores >= point.threshold)
            for i in range(100):
                mine = here.owners == i
                said.append(
                    find_rate(here.templates[mine], lowered[mine], point.threshold, scatter)
                )
                found.append(hit[here.truth == i].mean())
                count.append((here.truth == i).sum())
        expected, real, photos = np.asarray(said), np.asarray(found), np.asarray(count)
        print(f"\n### {backbone}: {len(real)} people, {photos.sum()} photos\n")
        print("| said | people | said on average | found |\n|---|---|---|---|")
        for low, high in pairwise(BANDS):
            band = (expected >= low) & ((expected < high) | (high == 1.0))
            if band.any():
                weights = photos[band]
                print(
                    f"| {low:.0%} to {high:.0%} | {band.sum()} | "
                    f"{np.average(expected[band], weights=weights):.1%} | "
                    f"{np.average(real[band], weights=weights):.1%} |"
                )
        away = np.average(np.abs(expected - real), weights=photos)
        bias = np.average(expected - real, weights=photos)
        print(f"\nmean error {away:.3f}, bias {bias:+.3f}, "
              f"rank correlation {_rank_correlation(expected, real):.2f}")  # fmt: skip


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)


if __name__ == "__main__":
    main()
