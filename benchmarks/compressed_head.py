"""A head's rows in fewer bytes: what it costs on real faces.

    python -m benchmarks.compressed_head
    python -m benchmarks.compressed_head --backbone retail-0095 --companies 5

Random companies of 300 of 303 people of LFW, three photos each; a row is the mean of them. Probes
are the other photos; half of the strangers gives the threshold that names 1 % of them, the other
half measures, and then the two halves the other way round. Only the rows are rounded, not the
probes. `obd`: w^2 / 2 times the second derivative of the squared change of the logits, which for
a row's weight is the mean square of its coordinate over the templates (LeCun, Denker, Solla 1990).
Kept weights are counted with two bytes for where they are. Embeddings come from the cache of
`benchmarks.stream`.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.companies import Company, Faces, company, faces
from benchmarks.split import STRANGERS
from benchmarks.stream import BACKBONES
from enrollment.calibration import interval_95
from models.compression import largest

RATE = 0.01
SIZE = 300
SHARES = (0.5, 0.25, 0.1)


@dataclass(frozen=True)
class Form:
    """bytes: of a row with d numbers. rows: the rows as they are read back."""

    name: str
    bytes: Callable[[int], float]
    rows: Callable[[Company], np.ndarray]


@dataclass
class Tally:
    right: int = 0
    found: int = 0
    lost: int = 0  # found as float32 and not so
    won: int = 0
    probes: int = 0
    named: int = 0
    strangers: int = 0


def whole_steps(rows: np.ndarray, most: int) -> np.ndarray:
    """Rounded to -most..most steps of each row's own."""
    step = np.abs(rows).max(axis=1, keepdims=True) / most
    return np.rint(rows / step) * step


def pruned(share: float, by_damage: bool, here: Company) -> np.ndarray:
    rows = here.rows
    bend = (here.templates**2).mean(axis=0) if by_damage else np.ones(rows.shape[1])
    return np.where(largest((rows**2 * bend).astype(np.float32), share), rows, 0)


FORMS = (
    Form("float32", lambda d: 4 * d, lambda c: c.rows),
    Form("float16", lambda d: 2 * d, lambda c: c.rows.astype(np.float16).astype(np.float32)),
    Form("int8 a row", lambda d: d + 4, lambda c: whole_steps(c.rows, 127)),
    Form("int4 a row", lambda d: d / 2 + 4, lambda c: whole_steps(c.rows, 7)),
    Form("sign alone", lambda d: d / 8, lambda c: np.sign(c.rows)),
    *(
        Form(f"{name} {share:g}", lambda d, s=share: 6 * s * d, partial(pruned, share, obd))
        for share in SHARES
        for name, obd in (("magnitude", False), ("obd", True))
    ),
)  # fmt: skip


def scores(vectors: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    cosines = vectors @ (rows / lengths).T.astype(np.float32)
    return cosines.argmax(axis=1), cosines.max(axis=1)


def measured(seen: Faces, companies: int) -> dict[str, Tally]:
    tallies = {form.name: Tally() for form in FORMS}
    for half in (0, 1):
        threshold_of, strangers = (seen.halves[i]["as taken"] for i in (half, 1 - half))
        for seed in range(companies):
            here = company(seen.people, SIZE, np.random.default_rng([seed, SIZE, half]))
            plain = np.zeros(0, bool)
            for form in FORMS:
                rows = form.rows(here)
                limit = np.quantile(scores(threshold_of, rows)[1], 1 - RATE, method="higher")
                best, score = scores(here.probes, rows)
                right = best == here.truth
                found = right & (score >= limit)
                plain = found if form.name == "float32" else plain
                tally = tallies[form.name]
                tally.right += int(right.sum())
                tally.found += int(found.sum())
                tally.lost += int((plain & ~found).sum())
                tally.won += int((found & ~plain).sum())
                tally.probes += len(found)
                tally.named += int((scores(strangers, rows)[1] >= limit).sum())
                tally.strangers += len(strangers)
    return tallies


def print_table(tallies: dict[str, Tally], dimension: int, companies: int) -> None:
    print("| rows as | bytes a row | rank 1 % | found % (95 %) | lost, won | strangers named % |")
    print("|---|---|---|---|---|---|")
    runs = 2 * companies
    for form in FORMS:
        t = tallies[form.name]
        # The same photos come in every company: n is of one company.
        low, high = interval_95(round(t.found / runs), round(t.probes / runs))
        print(
            f"| {form.name} | {form.bytes(dimension):.0f} | {100 * t.right / t.probes:.2f} | "
            f"{100 * t.found / t.probes:.2f} ({100 * low:.2f} to {100 * high:.2f}) | "
            f"{t.lost / runs:.1f}, {t.won / runs:.1f} | {100 * t.named / t.strangers:.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", choices=BACKBONES, action="append")
    parser.add_argument("--companies", type=int, default=10, help="for each half of the strangers")
    arguments = parser.parse_args()
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    for backbone in arguments.backbone or BACKBONES:
        seen = faces(backbone, degraded=False)
        tallies = measured(seen, arguments.companies)
        runs, n = 2 * arguments.companies, [len(half["as taken"]) for half in seen.halves]
        print(
            f"\n### {backbone}: {runs} companies of {SIZE}, {tallies['float32'].probes // runs} "
            f"probes in each, {n[0]} and {n[1]} strangers\n"
        )
        print_table(tallies, seen.people[0].shape[1], arguments.companies)


if __name__ == "__main__":
    main()
