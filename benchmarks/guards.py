"""Is a foreign photo noticed, and somebody who is enrolled a second time?

    python -m benchmarks.guards                 two backbones, under a minute

On embeddings of LFW (people with 6 photos or more), by the rules that enrolling follows: 3, 4 or 5
photos of a person and one of somebody else; a photo of somebody else added to three enrolled ones;
and a person enrolled under another name with three other photos. Bounds are exact 95 % intervals.
"""

import argparse
import sys

import numpy as np

from benchmarks.split import STRANGERS
from benchmarks.stream import BACKBONES, embedded
from enrollment.calibration import interval_95
from enrollment.grouping import largest_group
from models.head import imprint

CASES = 1_000
PHOTOS = (3, 4, 5)


def said(what: str, count: int, of: int, goal: str) -> None:
    low, high = interval_95(count, of)
    share = f"{count / of:.2%} ({low:.2%} to {high:.2%}) of {of}"
    print(f"  {what:48} {share:36} goal {goal}", flush=True)


def foreign_among_own(people: list[np.ndarray], same_person: float) -> None:
    noticed = lost = own = 0
    for case in range(CASES):
        rng = np.random.default_rng(case)
        one, other = rng.permutation(len(people))[:2]
        photos = PHOTOS[case % len(PHOTOS)]
        mine = people[one][rng.permutation(len(people[one]))[:photos]]
        foreign = people[other][rng.integers(len(people[other]))]
        group = largest_group(np.concatenate([mine, foreign[None]]), same_person)
        noticed += photos not in group
        alone = largest_group(mine, same_person)
        lost += photos - len(alone)
        own += photos
    said("foreign photo among a person's photos: set aside", noticed, CASES, ">= 99 %")
    said("  own photos set aside where all are own", lost, own, "<= 0.5 %")


def foreign_added(people: list[np.ndarray], same_person: float) -> None:
    refused = 0
    for case in range(CASES):
        rng = np.random.default_rng([case, 1])
        one, other = rng.permutation(len(people))[:2]
        mine = people[one][rng.permutation(len(people[one]))[:3]]
        foreign = people[other][rng.integers(len(people[other]))]
        refused += float((mine @ foreign).mean()) < same_person
    own = [float((p[:3] @ photo).mean()) < same_person for p in people for photo in p[3:]]
    said("foreign photo added to three: set aside", refused, CASES, ">= 99 %")
    said("  own photos set aside", int(np.sum(own)), len(own), "<= 0.5 %")


def second_name(people: list[np.ndarray], collision: float) -> None:
    d = people[0].shape[1]
    stopped = 0
    for case in range(CASES):
        rng = np.random.default_rng([case, 2])
        mine = people[rng.integers(len(people))]
        order = rng.permutation(len(mine))
        row, again = imprint(mine[order[:3]], d), imprint(mine[order[3:6]], d)
        stopped += float(row @ again) >= collision
    rows = np.stack([imprint(p[:3], d) for p in people])
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -1)
    said("the same person under a second name: stopped", stopped, CASES, ">= 98 %")
    innocent = int((cosines.max(axis=1) >= collision).sum())
    said(f"  somebody new among {len(rows)}: stopped", innocent, len(rows), "-")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", choices=BACKBONES, action="append")
    arguments = parser.parse_args()
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    for backbone in arguments.backbone or BACKBONES:
        company, priors = embedded(backbone)
        people = [v for v in company.vectors_by_subject.values() if len(v) >= 6]
        print(f"\n{backbone}: {len(people)} people")
        foreign_among_own(people, priors.same_person)
        foreign_added(people, priors.same_person)
        second_name(people, priors.collision)


if __name__ == "__main__":
    main()
