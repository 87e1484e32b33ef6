"""Two sites, one company: is a head that was put together as good as one that saw everybody?

    python -m benchmarks.two_sites                       LFW (retail-0095), five seeds
    python -m benchmarks.two_sites --drawn --seeds 0 1   without the photos: drawn embeddings

Half of the people are enrolled at each site and 30 of them at both, with photos of their own at
each. A third of everybody's photos is held out, and a threshold is chosen on one half of the
strangers (1 % of them named) and tested on the other half. Compared, with the same photos:

    union        one head, trained on everybody at once
    merged       each site trains its own; rows side by side, of shared people averaged
    means        no training
    prox MU      as merged, each pulled towards the means that both sites agreed on before
                 (FedProx, Li et al. 2020)
    wrong: numbered   the control: two heads trained apart, averaged row by row as each site numbers
                 its people
    wrong: starts     the control: each site also learns a projection of its own, from a random
                 start of its own, and the two are averaged
    wrong: starts, union   the same network trained on everybody, to show that it can learn
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.split import LFW
from enrollment.calibration import interval_95
from models.head_trainer import FitOptions, HeadTrainer, unit_rows
from models.learners import Imprint, Joint, Lesson, Regularizers, SideBySide

MUS = (0.001, 0.01, 0.1, 1.0)
SHARED = 30
FPIR = 0.01
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Split:
    """lesson: what both sites learn from; probes, truth: held-out photos and whose they are;
    tuning, strangers: (n, dimension) of people whom nobody enrolled."""

    lesson: Lesson
    probes: Rows
    truth: NDArray[np.intp]
    shared: NDArray[np.bool_]
    tuning: Rows
    strangers: Rows


@dataclass(frozen=True)
class Score:
    """Of the held-out photos: whose nearest row is right, and who is found at the threshold;
    named: of the strangers."""

    right: NDArray[np.bool_]
    found: NDArray[np.bool_]
    named: NDArray[np.bool_]


def split(people: Mapping[str, Rows], strangers: Rows, seed: int) -> Split:
    """Deal people, photos and strangers out; people need six photos to be at both sites."""
    chance = np.random.default_rng(seed)
    names = [name for name in people if len(people[name]) >= 4]
    chance.shuffle(names)
    many = [name for name in names if len(people[name]) >= 6][:SHARED]
    both = set(many)
    vectors, owners, sites, probes, truth = [], [], [], [], []
    for i, name in enumerate(names):
        photos = people[name][chance.permutation(len(people[name]))][:12]
        out = max(1, len(photos) // 3)
        probes += list(photos[:out])
        truth += [i] * out
        kept = photos[out:]
        vectors += list(kept)
        owners += [i] * len(kept)
        at = np.arange(len(kept)) % 2 if name in both else np.full(len(kept), i % 2)
        sites += at.tolist()
    dimension = len(vectors[0])
    order = chance.permutation(len(strangers))
    half = len(strangers) // 2
    lesson = Lesson(
        subject_ids=tuple(names),
        vectors=np.stack(vectors),
        owners=np.asarray(owners, np.intp),
        champion=np.zeros((len(names), dimension), np.float32),
        changed=np.ones(len(names), bool),
        sites=np.asarray(sites, np.intp),
    )
    truths = np.asarray(truth, np.intp)
    return Split(
        lesson,
        np.stack(probes),
        truths,
        np.asarray([names[t] in both for t in truth], bool),
        strangers[order[:half]],
        strangers[order[half:]],
    )


def measured(rows: Rows, of: Split, seen: Callable[[Rows], Rows] = lambda rows: rows) -> Score:
    """Args: seen: what a head makes of embeddings before it compares them."""
    tuned = np.sort((seen(of.tuning) @ rows.T).max(axis=1))
    threshold = tuned[-max(int(FPIR * len(tuned)), 1)]
    cosines = seen(of.probes) @ rows.T
    right = cosines.argmax(axis=1) == of.truth
    found = right & (cosines.max(axis=1) > threshold)
    return Score(right, found, (seen(of.strangers) @ rows.T).max(axis=1) > threshold)


def numbered(of: Split, trainer: HeadTrainer, options: FitOptions) -> Rows:
    """Two heads averaged row by row, each in the order in which its site enrolled its people."""
    heads = []
    for site in (0, 1):
        mine = np.flatnonzero(of.lesson.sites == site)
        subjects = np.unique(of.lesson.owners[mine])
        rows = Joint(options).learn(of.lesson.of_subjects(subjects, mine), trainer)
        numbering = np.random.default_rng([site, 9]).permutation(len(rows))
        heads.append(rows[numbering])
    result = of.lesson.means()
    total = np.zeros_like(result)
    for rows in heads:
        total[: len(rows)] += rows
    return unit_rows(np.where(total.any(axis=1, keepdims=True), total, result))


@dataclass(frozen=True)
class Projected:
    """A head behind a projection that it learnt: logits = scale * unit(x P) @ unit(W).T."""

    projection: Rows
    rows: Rows

    def seen(self, vectors: Rows) -> Rows:
        return unit_rows(vectors @ self.projection)


class Adam:
    """Kingma and Ba, ICLR 2015, at a rate of 0.01."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._mean = np.zeros(shape)
        self._square = np.zeros(shape)

    def step(self, gradient: NDArray[np.float64], number: int) -> NDArray[np.float64]:
        """What to take away in the step of this number, from 1."""
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient**2 - self._square)
        root = np.sqrt(self._square / (1 - 0.999**number)) + 1e-8
        return np.asarray(0.01 * (self._mean / (1 - 0.9**number)) / root)


def projected(
    vectors: Rows, owners: NDArray[np.intp], people: int, seed: int, size: int = 128
) -> Projected:
    """Train projection and rows together, from random starts. 300 full steps of Adam, by hand."""
    chance = np.random.default_rng(seed)
    p = chance.normal(size=(vectors.shape[1], size)) / np.sqrt(vectors.shape[1])
    w = chance.normal(size=(people, size)) / np.sqrt(size)
    adam = Adam(p.shape), Adam(w.shape)
    hot = np.eye(people)[owners]
    for step in range(1, 301):
        z = vectors @ p
        nz = np.linalg.norm(z, axis=1, keepdims=True) + 1e-9
        nw = np.linalg.norm(w, axis=1, keepdims=True) + 1e-9
        u, v = z / nz, w / nw
        logits = 16.0 * u @ v.T
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        back = 16.0 * (chances - hot) / len(owners)
        du, dv = back @ v, back.T @ u
        dz = (du - u * (du * u).sum(axis=1, keepdims=True)) / nz
        dw = (dv - v * (dv * v).sum(axis=1, keepdims=True)) / nw
        p = p - adam[0].step(vectors.T @ dz, step)
        w = w - adam[1].step(dw, step)
    return Projected(p.astype(np.float32), unit_rows(w.astype(np.float32)))


def from_random_starts(of: Split, seed: int) -> Projected:
    """Each site trains a network of its own from a start of its own; both are averaged."""
    people = len(of.lesson.subject_ids)
    halves = []
    for site in (0, 1):
        mine = of.lesson.sites == site
        vectors, owners = of.lesson.vectors[mine], of.lesson.owners[mine]
        halves.append(projected(vectors, owners, people, 100 * seed + site))
    rows = unit_rows(halves[0].rows + halves[1].rows)
    return Projected((halves[0].projection + halves[1].projection) / 2, rows)


def compared(of: Split, trainer: HeadTrainer, seed: int) -> dict[str, Score]:
    options = FitOptions(seed=seed)
    agreed = replace(of.lesson, anchor=of.lesson.means())
    union = replace(of.lesson, sites=None)
    found = {
        "union": measured(Joint(options).learn(union, trainer), of),
        "merged": measured(SideBySide(options).learn(of.lesson, trainer), of),
        "means": measured(Imprint().learn(of.lesson, trainer), of),
    }
    for mu in MUS:
        learner = SideBySide(options, Regularizers(proximal=mu))
        found[f"prox {mu}"] = measured(learner.learn(agreed, trainer), of)
    found["wrong: numbered"] = measured(numbered(of, trainer, options), of)
    apart = from_random_starts(of, seed)
    found["wrong: starts"] = measured(apart.rows, of, apart.seen)
    lesson = of.lesson
    whole = projected(lesson.vectors, lesson.owners, len(lesson.subject_ids), seed)
    found["wrong: starts, union"] = measured(whole.rows, of, whole.seen)
    return found


def drawn(seed: int = 0, people: int = 300) -> tuple[dict[str, Rows], Rows]:
    """Embeddings of nobody: 256 numbers, about as alike as faces are."""
    chance = np.random.default_rng(seed)

    def photos(count: int) -> Rows:
        vectors = chance.normal(size=256) + 2.4 * chance.normal(size=(count, 256))
        return unit_rows((vectors + 0.5).astype(np.float32))

    found = {f"Person {i}": photos(4 + i % 6) for i in range(people)}
    return found, np.concatenate([photos(1) for _ in range(1200)])


def faces(backbone: str) -> tuple[dict[str, Rows], Rows]:
    from benchmarks.stream import embedded

    company, _ = embedded(backbone)
    return company.vectors_by_subject, company.strangers


def bounds(hits: Sequence[NDArray[np.bool_]]) -> str:
    """Share, and the spread over the seeds; the interval is of the first seed, exact 95 %."""
    shares = [100 * float(h.mean()) for h in hits]
    low, high = interval_95(int(hits[0].sum()), len(hits[0]))
    return f"{np.mean(shares):6.2f} ±{np.std(shares):.2f} [{100 * low:.1f} {100 * high:.1f}]"


def difference(
    ours: Sequence[NDArray[np.bool_]],
    theirs: Sequence[NDArray[np.bool_]],
    whose: Sequence[NDArray[np.str_]],
) -> str:
    """In points, paired by photo; 95 % of 1,000 bootstraps over people, who are in every seed."""
    gaps = np.concatenate([a.astype(float) - b for a, b in zip(ours, theirs, strict=True)])
    _, person = np.unique(np.concatenate(whose), return_inverse=True)
    sums, counts = np.bincount(person, gaps), np.bincount(person)
    chance = np.random.default_rng(0)
    again = []
    for _ in range(1000):
        chosen = chance.integers(0, len(sums), len(sums))
        again.append(sums[chosen].sum() / counts[chosen].sum())
    low, high = 100 * np.percentile(again, [2.5, 97.5])
    return f"{100 * gaps.mean():+.2f} [{low:+.2f} {high:+.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--backbone", default="retail-0095", choices=["retail-0095", "dlib-resnet"])
    parser.add_argument("--drawn", action="store_true", help="embeddings of nobody")
    arguments = parser.parse_args()
    real = LFW.is_dir() and not arguments.drawn
    if not real:
        print("the photos are not here, or drawn ones were asked for", file=sys.stderr)
    people, strangers = faces(arguments.backbone) if real else drawn()
    results: dict[str, list[Score]] = {}
    shared, whose = [], []
    trainer = HeadTrainer(strangers.shape[1])
    for seed in arguments.seeds:
        of = split(people, strangers, seed)
        shared.append(of.shared)
        whose.append(np.asarray(of.lesson.subject_ids)[of.truth])
        for name, score in compared(of, trainer, seed).items():
            results.setdefault(name, []).append(score)
        print(f"seed {seed} done", file=sys.stderr, flush=True)
    first = split(people, strangers, arguments.seeds[0])
    print(
        f"{arguments.backbone if real else 'drawn'}: {len(first.lesson.subject_ids)} people, "
        f"{SHARED} at both sites; n = {len(first.truth)} held-out photos "
        f"({int(first.shared.sum())} of shared people), {len(first.strangers)} strangers, "
        f"{len(arguments.seeds)} seeds"
    )
    print("| head | rank 1 % | found at 1 % FPIR | FPIR % | found of shared people | less union |")
    print("|---|---|---|---|---|---|")
    for name, scores in results.items():
        of_shared = [s.found[m] for s, m in zip(scores, shared, strict=True)]
        cells = (
            name,
            bounds([s.right for s in scores]),
            bounds([s.found for s in scores]),
            bounds([s.named for s in scores]),
            bounds(of_shared),
            difference([s.found for s in scores], [s.found for s in results["union"]], whose),
        )
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
