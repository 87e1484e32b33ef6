"""Make the cohort that is shipped with dlib-resnet.

    python -m benchmarks.ship_cohort                writes enrollment/cohorts/dlib-resnet.npz
    python -m benchmarks.ship_cohort --check        only says whether it would be the same

Every other stranger of ../shared/faces/lfw/unknown (600 people, one photo each; the others are left
for measuring), found by MTCNN as galleries do it by default, averaged in groups of three, so that
no row is anybody's template.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.split import STRANGERS, cohort_strangers
from benchmarks.stream import CACHE, progress
from enrollment.cohort import Kind, build_cohort, repeats
from enrollment.cohort_file import ShippedCohort, pack_cohort, unpack_cohort
from enrollment.config import Settings
from enrollment.embedding_cache import embed_photos
from enrollment.opening import capture_for_evaluation
from enrollment.photo import photo_file
from models.fingerprint import backbone_fingerprint, golden_embeddings

BACKBONE = "dlib-resnet"
FILE = Path(__file__).resolve().parent.parent / "enrollment" / "cohorts" / f"{BACKBONE}.npz"


def make() -> ShippedCohort:
    with tempfile.TemporaryDirectory() as folder:
        capture = capture_for_evaluation(Settings(home=Path(folder), detector="mtcnn"), BACKBONE)
    photos = [photo_file(path) for path in cohort_strangers()]
    embedded = embed_photos(photos, capture, CACHE, progress("photos", len(photos)))
    vectors = embedded.vectors[embedded.found]
    limit = capture.backbone.priors.threshold
    vectors = vectors[~repeats(vectors, limit)]
    cohort = build_cohort(
        vectors,
        Kind.CENTROIDS,
        backbone_fingerprint(capture.backbone),
        limit,
        f"Labeled Faces in the Wild, {len(vectors)} people with one photo, MTCNN; "
        "python -m benchmarks.ship_cohort",
        "2026-11-21T00:00:00+00:00",
    )
    return ShippedCohort(cohort, golden_embeddings(capture.backbone))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    content = pack_cohort(make())
    cohort = unpack_cohort(content).cohort
    print(cohort.as_document())
    if arguments.check:
        shipped = unpack_cohort(FILE.read_bytes()).cohort
        same = shipped.vectors.shape == cohort.vectors.shape
        alike = float((shipped.vectors * cohort.vectors).sum(axis=1).min()) if same else 0.0
        print(f"rows agree with the shipped ones to cosine {alike:.6f}")
        sys.exit(0 if alike > 0.9999 else 1)
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(content)
    print(f"{FILE}: {len(content)} bytes, rows {np.shape(cohort.vectors)}")


if __name__ == "__main__":
    main()
