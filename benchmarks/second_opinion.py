"""What does it cost, and what does it save, that head and index must agree?

    python -m benchmarks.second_opinion             two backbones, a minute

Random companies of LFW, three photos each, calibrated once with and once without asking the index.
*right first*: the best candidate is the right one (and, where the index is asked, agreed on);
*wrong name*: a colleague is given another one's name.
"""

import argparse
import sys

import numpy as np

from benchmarks.companies import Company, cohort_of_half, company, faces
from benchmarks.split import STRANGERS
from benchmarks.stream import BACKBONES
from enrollment.calibration import leave_subjects_out, threshold_for
from enrollment.cohort import Cohort
from enrollment.night_trials import served_scores

SIZES = (100, 300)
COMPANIES = 20
RATE = 0.01


def thresholds(here: Company, cohort: Cohort) -> dict[bool, float]:
    """By whether the index is asked."""
    owners = [str(owner) for owner in here.owners]
    asked = leave_subjects_out(here.templates, owners, cohort.lowering)
    rows, scores = here.rows, []
    for person in range(len(rows)):
        mine = here.templates[here.owners == person]
        cosines = mine @ np.delete(rows, person, axis=0).T
        scores.append(cosines.max(axis=1) - cohort.lowering(mine))
    alone = np.concatenate(scores).astype(np.float64)
    return {
        True: threshold_for(asked.nonmated, asked.weights, RATE)[0],
        False: threshold_for(alone, np.ones(len(alone)), RATE)[0],
    }


def measured(here: Company, strangers: np.ndarray, cohort: Cohort) -> list[list[float]]:
    """(right first, found, wrong name, strangers named) with and without asking the index."""
    served = here.templates, here.owners, cohort.lowering
    best, agreed = served_scores(here.probes, here.rows, *served)
    _, strange = served_scores(strangers, here.rows, *served)
    alone = (here.probes @ here.rows.T).max(axis=1) - cohort.lowering(here.probes)
    lonely = (strangers @ here.rows.T).max(axis=1) - cohort.lowering(strangers)
    right, found = best == here.truth, []
    for asks, limit in thresholds(here, cohort).items():
        mine, theirs = (agreed, strange) if asks else (alone, lonely)
        named = mine >= limit
        found.append([
            (right & np.isfinite(mine)).mean(), (right & named).mean(),
            (~right & named).mean(), (theirs >= limit).mean(),
        ])  # fmt: skip
    return found


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
        print(f"\n### {backbone}: asked 1 %, {COMPANIES} companies of each size\n")
        print("| people | index | right first % | found % | wrong name % | strangers named % |")
        print("|---|---|---|---|---|---|")
        for size in SIZES:
            results = [
                measured(
                    company(seen.people, size, np.random.default_rng([seed, size])),
                    seen.halves[1]["as taken"],
                    cohort,
                )
                for seed in range(COMPANIES)
            ]
            for title, mean in zip(("asked", "not asked"), np.mean(results, axis=0), strict=True):
                cells = " | ".join(f"{100 * share:.3f}" for share in mean)
                print(f"| {size} | {title} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
