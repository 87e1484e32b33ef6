"""Is the asked rate of strangers kept, in companies of every size, and for bad photos too?

    python -m benchmarks.companies                          two backbones, 1 % and 0.1 %
    python -m benchmarks.companies --backbone retail-0095 --companies 20 --no-degraded

Random companies of 20 to 300 of 303 people of LFW, three photos each; the threshold comes from the
company and a cohort of every other stranger of LFW; strangers are the other 600 (and then the two
halves the other way round). Degraded: the same strangers blurred, dark and small. Embedding takes
10 to 30 minutes a backbone, once (~/.cache/rollcall/embeddings).
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from benchmarks.split import (
    LFW,
    STRANGERS,
    cohort_strangers,
    retail_backbone,
    test_strangers,
    yunet,
)
from benchmarks.stream import BACKBONES, CACHE, progress
from enrollment.calibration import OperatingPoint, leave_subjects_out, operating_point
from enrollment.capture import Capture
from enrollment.cohort import Cohort, Kind, build_cohort
from enrollment.config import Settings
from enrollment.embedding_cache import embed_photos
from enrollment.intake import gather
from enrollment.night_trials import served_scores
from enrollment.opening import capture_for_evaluation
from enrollment.photo import Photo, photo_bytes, photo_file
from models.head import imprint

SIZES = (20, 50, 100, 300)
RATES = (0.01, 0.001)
ENROLLED = 3
DEGRADED = ("blurred", "dark", "small")


@dataclass(frozen=True)
class Faces:
    """Embeddings, (n, dimension) unit rows each. strangers: by how they were photographed."""

    people: list[np.ndarray]
    halves: tuple[dict[str, np.ndarray], dict[str, np.ndarray]]
    prior: float


@dataclass(frozen=True)
class Company:
    """templates, owners: enrolled; probes, truth: other photos of the same people."""

    templates: np.ndarray
    owners: np.ndarray
    probes: np.ndarray
    truth: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        size, d = int(self.owners.max()) + 1, self.templates.shape[1]
        return np.stack([imprint(self.templates[self.owners == i], d) for i in range(size)])


def faces(backbone: str, degraded: bool) -> Faces:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = retail_backbone(folder) if backbone == "retail-0095" else backbone
        capture = capture_for_evaluation(Settings(home=folder, detector=yunet()), spec)
        kinds = ("as taken", *DEGRADED) if degraded else ("as taken",)
        people = [embedded(list(person.photos), capture) for person in gather([LFW / "known"])]
        halves = [
            {kind: embedded([changed(path, kind) for path in half], capture) for kind in kinds}
            for half in (cohort_strangers(), test_strangers())
        ]
    return Faces(people, (halves[0], halves[1]), capture.backbone.priors.threshold)


def embedded(photos: Sequence[Photo], capture: Capture) -> np.ndarray:
    tick = progress("photos", len(photos)) if len(photos) > 100 else lambda photos: None
    found = embed_photos(photos, capture, CACHE, tick)
    return found.vectors[found.found]


def changed(path: Path, kind: str) -> Photo:
    if kind == "as taken":
        return photo_file(path)
    image = Image.open(path).convert("RGB")
    if kind == "blurred":
        image = image.filter(ImageFilter.GaussianBlur(2.5))
    elif kind == "dark":
        image = ImageEnhance.Brightness(image).enhance(0.25)
    else:
        image = image.resize((image.width // 3, image.height // 3), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return photo_bytes(f"{path.name} {kind}", buffer.getvalue())


def company(
    people: Sequence[np.ndarray], size: int, rng: np.random.Generator, enrolled: int = ENROLLED
) -> Company:
    templates, probes = [], []
    for i in rng.permutation(len(people))[:size]:
        shuffled = people[i][rng.permutation(len(people[i]))]
        templates.append(shuffled[:enrolled])
        probes.append(shuffled[enrolled:])
    return Company(
        np.concatenate(templates),
        np.repeat(np.arange(size), [len(t) for t in templates]),
        np.concatenate(probes),
        np.repeat(np.arange(size), [len(p) for p in probes]),
    )


def cohort_of_half(seen: Faces, half: int) -> Cohort:
    """The other half of the strangers is for measuring."""
    strangers = seen.halves[half]["as taken"]
    return build_cohort(strangers, Kind.CENTROIDS, "", seen.prior, "half of the strangers", "")


def calibrated(here: Company, cohort: Cohort, rate: float, prior: float) -> OperatingPoint:
    owners = [str(owner) for owner in here.owners]
    trials = leave_subjects_out(here.templates, owners, cohort.lowering)
    return operating_point(trials, rate, prior, 0, tail=cohort.tail, score=cohort.formula)


def measured(
    seen: Faces, size: int, companies: int, rates: Sequence[float]
) -> Iterator[tuple[float, str, OperatingPoint, float, float]]:
    """(rate, kind of photo, operating point, FPIR, TPIR) of each company and half."""
    for first in (0, 1):
        unknown, cohort = seen.halves[1 - first], cohort_of_half(seen, first)
        for seed in range(companies):
            here = company(seen.people, size, np.random.default_rng([seed, size, first]))
            rows = here.rows
            searched = here.templates, here.owners, cohort.lowering
            best, scores = served_scores(here.probes, rows, *searched)
            strangers = {
                kind: served_scores(vectors, rows, *searched)[1]
                for kind, vectors in unknown.items()
            }
            for rate in rates:
                point = calibrated(here, cohort, rate, seen.prior)
                found = (best == here.truth) & (scores >= point.threshold)
                for kind, theirs in strangers.items():
                    fpir = float((theirs >= point.threshold).mean())
                    yield rate, kind, point, fpir, float(found.mean())


def print_size(seen: Faces, size: int, companies: int, rates: Sequence[float]) -> None:
    results = list(measured(seen, size, companies, rates))
    for rate in rates:
        mine = [r for r in results if r[0] == rate]
        taken = [r for r in mine if r[1] == "as taken"]
        fpir = 100 * np.asarray([r[3] for r in taken])
        kept = np.mean([r[2].promise == "kept" for r in taken])
        others = [
            f"{100 * np.mean([r[3] for r in mine if r[1] == kind]):.2f}"
            for kind in dict.fromkeys(r[1] for r in mine)
            if kind != "as taken"
        ]
        low, high = np.quantile(fpir, [0.1, 0.9])
        print(
            f"| {size} | {100 * rate:g} | {fpir.mean():.2f} | {low:.2f} to {high:.2f} | "
            f"{' / '.join(others) or '-'} | {100 * np.mean([r[4] for r in taken]):.2f} | "
            f"{kept:.0%} | {len(taken)} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", choices=BACKBONES, action="append")
    parser.add_argument("--companies", type=int, default=20, help="of each size, for each half")
    parser.add_argument("--size", type=int, action="append")
    parser.add_argument("--degraded", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    for backbone in arguments.backbone or BACKBONES:
        seen = faces(backbone, arguments.degraded)
        n = [len(half["as taken"]) for half in seen.halves]
        print(f"\n### {backbone}: {n[0]} and {n[1]} strangers\n")
        titles = ["people", "asked %", "FPIR %", "10 to 90 %", " / ".join(DEGRADED), "TPIR %"]
        print("| " + " | ".join([*titles, "kept", "n"]) + " |")
        print("|---" * (len(titles) + 2) + "|")
        for size in arguments.size or SIZES:
            print_size(seen, size, arguments.companies, RATES)


if __name__ == "__main__":
    main()
