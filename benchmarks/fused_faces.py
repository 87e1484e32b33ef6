"""Is the asked rate of strangers kept where several faces of one person are decided together?

    python -m benchmarks.fused_faces                two backbones, a minute

Companies of 50 to 150 of 303 people of LFW, three photos each; strangers are the people who are not
in the company, with 1, 2 or 4 photos each (of different days, so less alike than the frames of one
passage: the worst case); colleagues are searched for with one or two other photos. *one*: the first
photo alone; *mean embedding*: the score of the photos' mean; *served*: the mean of their scores.
"""

import argparse
import sys

import numpy as np

from benchmarks.companies import calibrated, cohort_of_half, company, faces
from benchmarks.split import STRANGERS
from benchmarks.stream import BACKBONES
from enrollment.cohort import Cohort
from models.head import imprint

SIZES = (50, 100, 150)
COMPANIES = 20


def scores(
    photos: np.ndarray, rows: np.ndarray, templates: np.ndarray, owners: np.ndarray, cohort: Cohort
) -> tuple[int, float, float, float]:
    """(best, score of the first photo, of the mean, mean of the scores); -inf: index disagrees."""
    mean = imprint(photos, photos.shape[1])[None]
    best = int((mean @ rows.T).argmax())
    agrees = owners[int((mean @ templates.T).argmax())] == best
    each = photos @ rows[best] - cohort.lowering(photos)
    together = float((mean @ rows[best])[0] - cohort.lowering(mean)[0])
    if not agrees:
        return best, -np.inf, -np.inf, -np.inf
    return best, float(each[0]), together, float(each.mean())


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
        print(f"\n### {backbone}: asked 1 %\n")
        print("| people | whose | photos | one % | mean embedding % | served % | n |")
        print("|---|---|---|---|---|---|---|")
        for size in SIZES:
            hits: dict[tuple[str, int], list[tuple[bool, ...]]] = {}
            for seed in range(COMPANIES):
                rng = np.random.default_rng(seed)
                order = [seen.people[i] for i in rng.permutation(len(seen.people))]
                here = company(order[:size], size, rng)
                threshold = calibrated(here, cohort, 0.01, seen.prior).threshold
                index = here.rows, here.templates, here.owners, cohort
                for photos in (1, 2, 4):
                    for other in order[size:]:
                        if len(other) >= photos:
                            _, *found = scores(other[:photos], *index)
                            named = tuple(s >= threshold for s in found)
                            hits.setdefault(("strangers, named", photos), []).append(named)
                for person in range(size):
                    mine = here.probes[here.truth == person][:2]
                    if len(mine) == 2:
                        best, *found = scores(mine, *index)
                        right = tuple(best == person and s >= threshold for s in found)
                        hits.setdefault(("colleagues, found", 2), []).append(right)
            for (whose, photos), outcomes in hits.items():
                shares = " | ".join(f"{100 * share:.2f}" for share in np.mean(outcomes, axis=0))
                print(f"| {size} | {whose} | {photos} | {shares} | {len(outcomes)} |", flush=True)


if __name__ == "__main__":
    main()
