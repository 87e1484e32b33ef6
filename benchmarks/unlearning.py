"""After an erasure, is the head the one that would have been, had the person never been here?

    python -m benchmarks.unlearning                                 100 times, then 1,000 people
    python -m benchmarks.unlearning --times 20 --people 0

Each time a gallery is copied, and somebody more is enrolled in the copy. There a night trains the
head on everybody, this head is let serve, the person is erased, and the next night trains anew.
Then the rows are compared, bit by bit, with those that the same night trains in the gallery that
never saw the person, and so is what serves between the erasure and that night. As a control, the
rows of before the erasure are compared, too: they must differ, or the comparison sees nothing.
"""

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from enrollment.capture import Capture
from enrollment.champion import arrays_of
from enrollment.config import Settings
from enrollment.night_report import NightReport
from enrollment.nightly import Nightly
from enrollment.opening import facts_of, write_gallery
from enrollment.planning import NightPolicy
from enrollment.service import Service, open_service
from models.head_trainer import HeadTrainer, unit_rows
from store.records import NewSample, StoredHead
from tests import tiny

FIRST = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
JOINT = NightPolicy(mode="joint")
PHOTOS = 3
Rows = NDArray[np.float32]


class WideBackbone(tiny.TinyBackbone):
    """As wide as the recognisers that people use."""

    dimension = 512

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = super().embed(crops)
        return np.tile(rows, 512 // rows.shape[1]) / np.float32(np.sqrt(512 / rows.shape[1]))


@dataclass(frozen=True)
class Comparison:
    """after, between: is the head the same as the one that never saw the person, once it is
    trained anew, and as it serves until then. before: the control."""

    after: bool
    between: bool
    before: bool


def compared(folder: Path, seed: int) -> Comparison:
    """One erasure against a gallery that never had the person."""
    people = int(np.random.default_rng(seed).integers(3, 12))
    vectors = faces(people + 1, tiny.TinyBackbone.dimension, seed)
    with made(folder / "never") as base:
        enroll(base, vectors, range(people))
    # A copy: templates are ordered by random numbers, so a gallery filled anew is another one.
    shutil.copytree(folder / "never", folder / "erased")
    shutil.copytree(folder / "never-keys", folder / "erased-keys")
    with opened(folder / "never") as never:
        serving_never = serving(never, vectors[people])
        never_saw = trained(never, FIRST + timedelta(days=1))
    with opened(folder / "erased") as erased:
        enroll(erased, vectors, range(people, people + 1))
        with_them = trained(erased, FIRST)
        erased.promote_head(joint(erased).head_id)
        erased.erase(f"Person {people}")
        serving_between = serving(erased, vectors[people])
        after = trained(erased, FIRST + timedelta(days=1))
    return Comparison(
        after=same(after, never_saw),
        between=same(serving_between, serving_never),
        before=same(with_them[:people], never_saw),
    )


def same(one: Rows, other: Rows) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def made(home: Path, backbone: tiny.TinyBackbone | None = None) -> Service:
    """An empty gallery, with models that take no time."""
    settings, capture = _parts(home, backbone)
    write_gallery(settings, facts_of(capture, "", "none"))
    return open_service(settings, capture=capture)


def opened(home: Path) -> Service:
    settings, capture = _parts(home, None)
    return open_service(settings, capture=capture)


def _parts(home: Path, backbone: tiny.TinyBackbone | None) -> tuple[Settings, Capture]:
    keys = home.with_name(f"{home.name}-keys")
    settings = Settings(home=home, key=tiny.KEY, key_folder=keys, actor="benchmark")
    return settings, Capture(tiny.TinyDetector(), backbone or tiny.TinyBackbone())


def faces(people: int, dimension: int, seed: int) -> NDArray[np.float32]:
    """(people, photos, dimension) unit rows."""
    rng = np.random.default_rng(seed)
    noisy = rng.normal(size=(people, 1, dimension)) + 0.5 * rng.normal(
        size=(people, PHOTOS, dimension)
    )
    flat = unit_rows(noisy.reshape(-1, dimension).astype(np.float32))
    return flat.reshape(people, PHOTOS, dimension)


def enroll(service: Service, vectors: NDArray[np.float32], numbers: "range | list[int]") -> None:
    with service._gallery.change("benchmark") as change:
        for number in numbers:
            subject_id = change.add_subject(f"Person {number}", None)
            consent = change.add_consent(subject_id, "policy-none", "")
            photos = [
                NewSample(f"{number}-{i}".encode(), b"x", {}, vector)
                for i, vector in enumerate(vectors[number])
            ]
            change.add_samples(subject_id, consent, photos)
    service._roster.refresh()


def trained(service: Service, at: datetime) -> Rows:
    """The rows that a night trains on everybody, in the order of enrollment."""
    night(service, at)
    arrays = arrays_of(joint(service), service._archive, service._gallery.facts.dimension)
    return arrays.rows


def night(service: Service, at: datetime) -> None:
    gallery, archive = service._gallery, service._archive
    report = NightReport(gallery, archive, "benchmark", faces=False)
    trainer = HeadTrainer(gallery.facts.dimension)
    nightly = Nightly(
        gallery, archive, lambda: 0.6, report.write, "benchmark", trainer, now=lambda: at
    )
    nightly.run(JOINT, progress, full=True)


def joint(service: Service) -> StoredHead:
    """The newest that was trained, whether it serves or was refused."""
    return next(h for h in reversed(service.heads()) if h.manifest["mode"] == "joint")


def serving(service: Service, probes: Rows) -> Rows:
    """What whoever is gone is answered: the score of everybody who is here, by name."""
    names = {s.subject_id: s.name for s in service.people()}
    found = [
        sorted((names[i], score) for i, score in zip(r.subject_ids, r.scores, strict=True))
        for r in service._roster.rank(probes)
    ]
    return np.asarray([[score for _, score in row] for row in found], np.float32)


def at_scale(folder: Path, people: int) -> tuple[float, float]:
    """Seconds until an erasure is confirmed, and until a head is trained anew."""
    with made(folder / "large", WideBackbone()) as service:
        enroll(service, faces(people, WideBackbone.dimension, 1), range(people))
        night(service, FIRST)
        service.promote_head(joint(service).head_id)
        began = time.perf_counter()
        receipt = service.erase(f"Person {people // 2}")
        erased = time.perf_counter() - began
        assert receipt.log_cut
        assert not service._gallery.unfinished_erasures()
        night(service, FIRST + timedelta(days=1))
        return erased, time.perf_counter() - began


def progress(stage: str, share: float = 0.0) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{stage} {share:.0%}", end="", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--people", type=int, default=1000, help="of the large gallery; 0: none")
    arguments = parser.parse_args()
    done: list[Comparison] = []
    try:
        for seed in range(arguments.times):
            with tempfile.TemporaryDirectory() as folder:
                done.append(compared(Path(folder), seed))
            progress(f"{seed + 1} of {arguments.times}")
    except KeyboardInterrupt:
        print("\nended early")
    n = len(done)
    wrong = sum(not (c.after and c.between) for c in done)
    if n:
        bound = binomtest(wrong, n).proportion_ci(0.95, method="exact").high
        print(
            f"{n - wrong} of {n} heads after an erasure are bit-identical to one that never saw "
            f"the person (95 % bound: at most {bound:.1%} are not)\n"
            f"control: the head of before the erasure differs in "
            f"{sum(not c.before for c in done)} of {n}"
        )
    if arguments.people:
        with tempfile.TemporaryDirectory() as folder:
            erased, again = at_scale(Path(folder), arguments.people)
        print(
            f"{arguments.people} people, {PHOTOS} photos of {WideBackbone.dimension} numbers each: "
            f"erased and confirmed in {erased:.2f} s; a head is trained anew, judged and in force "
            f"{again:.1f} s after the erasure"
        )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
