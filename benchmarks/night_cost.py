"""What a night costs, against training everything anew in the same run.

    python -m benchmarks.night_cost

Simulated embeddings (128 numbers, 3 to 10 photos a subject, about .7 alike), because no set of real
faces here has 3,000 people: the arithmetic is the same. Each figure is the median of `--repeats`
runs after one that compiles. Goals: imprinting and thresholds of 595 people in less than a second;
rehearsal (k = 3, ten newcomers) at most a fifth of a full training at 300 people, and a smaller
share the larger the gallery is.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.figure import figure, line, write
from enrollment.calibration import leave_subjects_out, operating_point
from enrollment.cohort import Cohort, Kind, build_cohort
from enrollment.near_pairs import near_pairs
from models.head_trainer import FitOptions, HeadTrainer, capacity_for, unit_rows
from models.learners import Imprint, Joint, Learner, Lesson, Local, Rehearsal

DIMENSION = 128
NEWCOMERS = 10
SHARE = 0.2  # of a full training, at 300 people


def lesson_of(subjects: int) -> Lesson:
    rng = np.random.default_rng(subjects)
    counts = rng.integers(3, 11, subjects)
    owners = np.repeat(np.arange(subjects), counts)
    centres = rng.normal(size=(subjects, DIMENSION))
    noise = 0.65 * rng.normal(size=(len(owners), DIMENSION))
    changed = np.arange(subjects) >= subjects - NEWCOMERS
    lesson = Lesson(
        subject_ids=tuple(f"s{i}" for i in range(subjects)),
        vectors=unit_rows((centres[owners] + noise).astype(np.float32)),
        owners=owners,
        champion=np.zeros((subjects, DIMENSION), np.float32),
        changed=changed,
    )
    champion = np.where(changed[:, None], 0, lesson.means()).astype(np.float32)
    return Lesson(lesson.subject_ids, lesson.vectors, lesson.owners, champion, changed)


def seconds(work: Callable[[], object], repeats: int) -> list[float]:
    work()
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return took


def cohort_of(strangers: int) -> Cohort:
    rng = np.random.default_rng(strangers)
    vectors = unit_rows(rng.normal(size=(strangers, DIMENSION)).astype(np.float32))
    return build_cohort(vectors, Kind.CENTROIDS, "simulated", 0.9, "simulated", "")


def imprinted_night(lesson: Lesson, cohort: Cohort) -> None:
    """Rows and the operating point, as `rollcall nightly --mode imprint` makes them."""
    lesson.means()
    owners = [lesson.subject_ids[i] for i in lesson.owners]
    trials = leave_subjects_out(lesson.vectors, owners, cohort.lowering)
    operating_point(trials, 0.01, 0.5, 0, tail=cohort.tail, score=cohort.formula)
    near_pairs(lesson.vectors, owners, 0.9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--people", type=int, nargs="+", default=[300, 1000, 3000])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    people, cohort = lesson_of(595), cohort_of(600)
    imprinting = seconds(lambda: imprinted_night(people, cohort), arguments.repeats)
    what = f"imprint and threshold, 595 people, {len(people.owners)} photos"
    figures = [figure("night", what, imprinting, "s", at_most=1)]
    print(line(figures[0]))
    learners: list[tuple[str, Learner]] = [
        ("imprint", Imprint()),
        ("local", Local()),
        ("rehearsal k=3", Rehearsal(3)),
        ("full training", Joint(FitOptions())),
    ]
    trainer = HeadTrainer(DIMENSION)
    print("\n| people | photos | " + " | ".join(name for name, _ in learners) + " |")
    print("|---" * (len(learners) + 2) + "|")
    for subjects in arguments.people:
        lesson = lesson_of(subjects)
        rounds = [
            seconds(partial(learner.learn, lesson, trainer), arguments.repeats)
            for _, learner in learners
        ]
        took = [float(np.median(of)) for of in rounds]
        cells = [f"{t:.3f} s, {t / took[-1]:.3f}" for t in took]
        names = [name for name, _ in learners]
        shares = [one / took[-1] for one in rounds[names.index("rehearsal k=3")]]
        what = f"rehearsal of {NEWCOMERS} newcomers, {subjects:,} people"
        goal = SHARE if subjects <= 300 else None
        figures.append(figure("night", what, shares, "of training anew", at_most=goal))
        print(f"| {subjects} | {len(lesson.owners)} | " + " | ".join(cells) + " |", flush=True)
        products = 3 * len(lesson.owners) * capacity_for(subjects) * DIMENSION * 20
        print(f"  full training: {products / took[-1] / 1e9:.1f} billion multiply-adds a second")
    if arguments.json:
        write(figures, arguments.json)


if __name__ == "__main__":
    main()
