"""What a no does on real faces: whom it keeps out, and whom it costs a name.

    python -m benchmarks.vetoes                  both backbones, about a minute each once embedded
    python -m benchmarks.vetoes dlib-resnet

LFW, YuNet: half of the 303 people are staff (three photos each), the others are visitors with
several photos; 1,200 strangers have one each. The threshold is where 1 % of these strangers are
named. Three draws of the staff, through the product's gallery, roster and vetoes.

- *others of them*: one named photo of a visitor is ignored as not that person; of the same
  visitor's other photos that had a name, *still named* keep it.
- *lost, realistic*: every named visitor's photo is remembered; so many of the staff's own photos
  lose their name. *All strangers*: 1,200 faces are remembered as strangers; so many lose it then.
- *own missed*: staff's photos that are not named; *as near misses* are queued as such, and so many
  *strangers as near misses*.
"""

import secrets
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.split import LFW, STRANGERS, retail_backbone, yunet
from benchmarks.stream import BACKBONES, CACHE
from enrollment.company import embed_company
from enrollment.config import Settings
from enrollment.intake import gather, iterate_photos
from enrollment.opening import capture_for_evaluation
from enrollment.review_policy import ReviewPolicy
from enrollment.roster import Roster
from enrollment.veto import Vetoes
from models.backbone import ScorePriors
from store.database import sqlite_url
from store.gallery import Gallery, create_gallery, new_gallery_id, open_gallery
from store.records import GalleryFacts, NewSample, NewSighting

ENROLLED = 3
Vectors = NDArray[np.float32]


@dataclass
class Faces:
    people: dict[str, Vectors]  # (photos, dimension) each
    strangers: Vectors
    priors: ScorePriors


def embedded(backbone: str) -> Faces:
    people, strangers = gather([LFW / "known"]), list(iterate_photos([STRANGERS]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = retail_backbone(folder) if backbone == "retail-0095" else backbone
        capture = capture_for_evaluation(Settings(home=folder, detector=yunet()), spec)
        company = embed_company(people, strangers, capture, CACHE)
    return Faces(
        dict(company.vectors_by_subject),
        company.strangers,
        capture.backbone.priors,
    )


class Company:
    """A gallery of some of the people, with roster and vetoes."""

    def __init__(self, folder: Path, staff: dict[str, Vectors], same_person: float) -> None:
        dimension = next(iter(staff.values())).shape[1]
        facts = GalleryFacts(
            new_gallery_id(), datetime.now(UTC), "b", "", "d", dimension, "f",
            np.zeros((8, dimension), np.float32), "none",
        )  # fmt: skip
        key = secrets.token_bytes(32)
        create_gallery(sqlite_url(folder / "g.db"), key, facts, 0.01)
        self.gallery: Gallery = open_gallery(sqlite_url(folder / "g.db"), key)
        self.same_person = same_person
        self.ids: dict[str, str] = {}
        with self.gallery.change("benchmark") as change:
            for name, vectors in staff.items():
                self.ids[name] = change.add_subject(name, None)
                consent = change.add_consent(self.ids[name], "policy-none", "")
                new = [
                    NewSample(secrets.token_bytes(32), b"", {}, vector)
                    for vector in vectors[:ENROLLED]
                ]
                change.add_samples(self.ids[name], consent, new)
        self.roster = Roster(self.gallery)
        self.vetoes = Vetoes(self.gallery, self.roster)

    def best(self, probes: Vectors) -> list[tuple[str, float]]:
        """Who is named at any threshold, and the score; -inf where head and index disagree."""
        return [
            (r.subject_ids[0], r.scores[0] if r.head_agrees else -np.inf)
            for r in self.roster.rank(probes)
        ]

    def vetoed(self, probe: Vectors, subject_id: str) -> bool:
        return self.vetoes.against(probe, subject_id, self.same_person) is not None

    def remember(self, faces: list[tuple[Vectors, str | None]]) -> list[str]:
        """Say no: (face, whom it is not, or None for a stranger)."""
        with self.gallery.change("benchmark") as change:
            for vector, _ in faces:
                change.add_sighting(
                    NewSighting("unknown", None, None, secrets.token_bytes(8), {}, vector)
                )
            lying = {s.vector.tobytes(): s for s in change.sightings()}
            said = [change.add_negative(lying[v.tobytes()], who, {}) for v, who in faces]
            change.drop_old_sightings(change.at, 0)
        return said

    def forget(self, negative_ids: list[str]) -> None:
        with self.gallery.change("benchmark") as change:
            change.drop_negatives(negative_ids)


def draw(faces: Faces, seed: int) -> dict[str, int]:
    names = sorted(faces.people)
    order = np.random.default_rng(seed).permutation(len(names))
    half = len(names) // 2
    staff = {names[i]: faces.people[names[i]] for i in order[:half]}
    visitors = {names[i]: faces.people[names[i]] for i in order[half:]}
    counts: dict[str, int] = defaultdict(int)
    with tempfile.TemporaryDirectory() as folder:
        company = Company(Path(folder), staff, faces.priors.same_person)
        strangers = [score for _, score in company.best(faces.strangers)]
        threshold = float(np.quantile(strangers, 0.99))
        named = {
            visitor: [
                (photo, who)
                for photo, (who, score) in zip(photos, company.best(photos), strict=True)
                if score >= threshold
            ]
            for visitor, photos in visitors.items()
        }
        for found in named.values():
            counts["visitors' photos"] += len(found)
            if len(found) > 1:
                said = company.remember([found[0]])
                counts["others of them"] += len(found) - 1
                counts["still named"] += sum(not company.vetoed(p, who) for p, who in found[1:])
                company.forget(said)
        near = ReviewPolicy().near_from(threshold, faces.priors)
        counts["strangers as near misses"] = sum(near <= s < threshold for s in strangers)
        for photos in staff.values():
            missed = [s for _, s in company.best(photos[ENROLLED:]) if s < threshold]
            counts["own missed"] += len(missed)
            counts["as near misses"] += sum(s >= near for s in missed)
        own = [
            (photo, company.ids[name])
            for name, photos in staff.items()
            for photo, (who, score) in zip(
                photos[ENROLLED:], company.best(photos[ENROLLED:]), strict=True
            )
            if who == company.ids[name] and score >= threshold
        ]
        counts["own photos"] = len(own)
        said = company.remember([face for found in named.values() for face in found])
        counts["lost, realistic"] = sum(company.vetoed(p, who) for p, who in own)
        company.forget(said)
        company.remember([(face, None) for face in faces.strangers])
        counts["lost, all strangers"] = sum(company.vetoed(p, who) for p, who in own)
        company.gallery.close()
    return dict(counts)


def main() -> None:
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    for backbone in sys.argv[1:] or BACKBONES:
        faces = embedded(backbone)
        total: dict[str, int] = defaultdict(int)
        for seed in range(3):
            found = draw(faces, seed)
            print(f"{backbone}, seed {seed}: {found}", flush=True)
            for key, count in found.items():
                total[key] += count
        print(f"{backbone}: {dict(total)}")


if __name__ == "__main__":
    main()
