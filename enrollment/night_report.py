"""A night as a document and as a page: what happened, to whom, and what to do about it."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC

import numpy as np

from enrollment.calibration import interval_95
from enrollment.forgetting import backward_transfer, by_cohort, forgetting, matrix, per_subject
from enrollment.night_lease import JOB
from enrollment.night_record import document_to_store
from enrollment.nightly import Challenge, Night, State, cohort_of
from enrollment.photo import encode_jpeg
from enrollment.portrait import crop_of
from enrollment.report_photos import fill_in, photos_in
from store.archive import Archive
from store.gallery import Gallery
from store.records import Sample

_MOST_DISAGREEMENTS = 20
_BINS = 40
_TITLES = {
    "before": "Serving until tonight",
    "imprint": "Plain means, tonight",
    "challenger": "Trained tonight",
}


class NightReport:
    """Writes the report of a night beside the gallery.

    faces: whether the photos that the heads disagree on are in the file, which is not encrypted;
        else it says which they are, and `with_faces` puts them in for somebody who looks.
    """

    def __init__(self, gallery: Gallery, archive: Archive, place: str, faces: bool = False) -> None:
        self._gallery = gallery
        self._archive = archive
        self._place = place
        self._faces = faces

    def write(self, night: Night) -> tuple[list[str], list[str]]:
        """Write page and document; gives their names, page first, and who is named in them."""
        from enrollment.report import render

        document = self.document(night)
        name = f"{night.day}-{night.run_id[:8]}"
        self._archive.write_report(f"{name}.html", render(document).encode())
        self._archive.write_report(
            f"{name}.json",
            json.dumps(document_to_store(document), indent=1, ensure_ascii=False).encode(),
        )
        return [f"{name}.html", f"{name}.json"], [s.subject_id for s in night.snapshot.subjects]

    def document(self, night: Night) -> dict[str, object]:
        names = {s.subject_id: s.name for s in night.snapshot.subjects}
        shown = night.winner or night.trained or night.imprint
        history = self._history(night)
        return {
            "run_id": night.run_id,
            "day": night.day,
            "outcome": night.outcome,
            "reason": night.reason(),
            "mode": shown.state.mode,
            "gallery": self._place,
            "backbone": self._gallery.facts.backbone,
            "started_at": night.started_at.astimezone(UTC).isoformat(timespec="seconds"),
            "seconds": night.seconds,
            "plan": {
                "mode": night.plan.learner.name,
                "sentence": night.plan.sentence,
                "estimated_seconds": night.plan.estimated_seconds,
                "budget_seconds": night.plan.budget_seconds,
            },
            "people": _people(night),
            "head": {
                "head_id": night.head_id(night.winner) if night.winner else None,
                "previous_head_id": (
                    night.snapshot.champion.head_id if night.snapshot.champion else None
                ),
            },
            "checks": [asdict(check) for check in shown.decision.checks],
            "states": [_state(state) for state in _states(night)],
            "served": night.winner.state.key if night.winner else "before",
            "comparison": shown.comparison.as_document() if shown.comparison else None,
            "cohorts": _cohorts(history),
            "forgetting": self._forgetting(history, night),
            "forgetting_per_person": _per_person(night, shown, names),
            "disagreements": self._disagreements(night, shown, names),
            "scores": _scores(night, shown),
            "needs_photos": _needs_photos(night, shown, names),
            "cost": _cost(night),
        }

    def _history(self, night: Night) -> list[tuple[str, Mapping[str, tuple[int, int]]]]:
        """(right, photos) by cohort, of each night and of this one."""
        after = (night.winner or night.imprint).state
        tonight = by_cohort(after.searches, cohort_of(night.snapshot))
        return [*self._nights("cohorts", night.day), (night.day, tonight)]

    def _nights(self, key: str, until: str) -> list[tuple[str, Mapping[str, tuple[int, int]]]]:
        found: list[tuple[str, Mapping[str, tuple[int, int]]]] = []
        for job in self._gallery.jobs(JOB):
            tallies = job.details.get(key)
            if job.state == "finished" and job.day < until and isinstance(tallies, dict):
                found.append((job.day, {c: (int(r), int(p)) for c, (r, p) in tallies.items()}))
        return found

    def _forgetting(
        self, history: Sequence[tuple[str, Mapping[str, tuple[int, int]]]], night: Night
    ) -> dict[str, object]:
        served = matrix(history).accuracy
        bwt, against = backward_transfer(served), None
        if night.trained is not None and night.plan.learner.name == "joint":
            tonight = by_cohort(night.trained.state.searches, cohort_of(night.snapshot))
            joint = [*self._nights("cohorts_joint", night.day), (night.day, tonight)]
            theirs = backward_transfer(matrix(joint).accuracy)
            against = bwt - theirs if bwt is not None and theirs is not None else None
        return {"forgetting": forgetting(served), "bwt": bwt, "bwt_minus_joint": against}

    def _disagreements(
        self, night: Night, shown: Challenge, names: Mapping[str, str]
    ) -> list[dict[str, object]]:
        """Photos that the champion and tonight's head name otherwise; newly wrong ones first."""
        if night.before is None:
            return []
        before, after = night.before.searches, shown.state.searches
        _, old, new = np.intersect1d(before.template_ids, after.template_ids, return_indices=True)
        differs = np.flatnonzero(before.answer[old] != after.answer[new])
        order = sorted(differs, key=lambda i: (bool(after.right[new[i]]), int(i)))
        chosen = order[:_MOST_DISAGREEMENTS]
        photos = self._gallery.samples_of([int(after.template_ids[new[i]]) for i in chosen])
        return [
            {
                "truth": names[str(after.truth[new[i]])],
                "before": names[str(before.answer[old[i]])],
                "after": names[str(after.answer[new[i]])],
                "score_before": _score(before.scores[old[i]]),
                "score_after": _score(after.scores[new[i]]),
                **self._photo(int(after.template_ids[new[i]]), photos),
            }
            for i in chosen
        ]

    def _photo(self, template_id: int, photos: Mapping[int, Sample]) -> dict[str, object]:
        """Which photo it is, and the face itself if it is to be in the file."""
        sample = photos.get(template_id)
        if sample is None:
            return {"photo": None, "face": None}
        face = face_of(sample) if self._faces else None
        return {"photo": f"{template_id} {sample.sample_id}", "face": face}


def with_faces(page: str, gallery: Gallery) -> tuple[str, set[str]]:
    """A report's page with the faces that it names, as far as their photos are kept still; and the
    ids of whoever is shown."""
    wanted = {photo: int(photo.split()[0]) for photo in photos_in(page)}
    found = gallery.samples_of(set(wanted.values())) if wanted else {}
    # Numbers of templates may be given again; ids of samples are not.
    kept = {
        photo: found[template_id]
        for photo, template_id in wanted.items()
        if template_id in found and found[template_id].sample_id == photo.split()[1]
    }
    faces = {photo: face_of(sample) for photo, sample in kept.items()}
    return fill_in(page, faces), {sample.subject_id for sample in kept.values()}


def face_of(sample: Sample) -> str:
    """The face of a kept photo: a JPEG in base64."""
    return base64.b64encode(encode_jpeg(crop_of(sample.image, sample.details))).decode()


def _states(night: Night) -> list[State]:
    states = [night.before, night.imprint.state, night.trained.state if night.trained else None]
    return [state for state in states if state is not None]


def _state(state: State) -> dict[str, object]:
    m = state.measured
    return {
        "key": state.key,
        "title": _TITLES[state.key],
        "mode": state.mode,
        "subjects": state.subjects,
        "probes": m.probes,
        "right": m.right,
        "accuracy": m.right / m.probes if m.probes else None,
        "accuracy_interval_95": list(interval_95(m.right, m.probes)) if m.probes else None,
        "find_rate": m.find_rate if m.probes else None,
        "find_rate_interval_95": list(interval_95(m.found, m.probes)) if m.probes else None,
        "threshold": m.threshold,
        "fpir": m.fpir,
        "fpir_upper_95": m.fpir_upper_95,
        "stranger_searches": m.stranger_searches,
        "promise": m.promise,
        "seconds": state.seconds,
    }


def _people(night: Night) -> dict[str, object]:
    lesson = night.snapshot.tonight.lesson
    counts = np.bincount(lesson.owners, minlength=len(lesson.subject_ids))
    before = night.snapshot.before
    known = set(before.lesson.subject_ids) if before else set()
    rows = [
        (s, {"name": s.name, "photos": int(counts[i])}, bool(lesson.changed[i]))
        for i, s in enumerate(night.snapshot.subjects)
    ]
    return {
        "total": len(rows),
        "photos": len(lesson.owners),
        "new": [row for s, row, _ in rows if s.subject_id not in known] if before else [],
        "changed": [row for s, row, changed in rows if changed and s.subject_id in known],
        "gone": night.snapshot.gone,
    }


def _cohorts(
    history: Sequence[tuple[str, Mapping[str, tuple[int, int]]]],
) -> dict[str, object]:
    found = matrix(history)
    return {
        "cohorts": list(found.cohorts),
        "nights": list(found.nights),
        "accuracy": [[float(x) if np.isfinite(x) else None for x in row] for row in found.accuracy],
        "probes": found.probes.tolist(),
    }


def _per_person(
    night: Night, shown: Challenge, names: Mapping[str, str]
) -> list[dict[str, object]]:
    if night.before is None:
        return []
    tallies = per_subject(night.before.searches, shown.state.searches)
    moved = [(s, b, a) for s, (b, a) in tallies.items() if a != b]
    return [
        {"name": names[s], "before": list(b), "after": list(a)}
        for s, b, a in sorted(moved, key=lambda item: item[2][0] - item[1][0])
    ]


def _scores(night: Night, shown: Challenge) -> dict[str, object] | None:
    """Histograms of the scores with which the right person, and a stranger, would be named."""
    searches, strangers = shown.state.searches, shown.state.strangers.nonmated
    mated = searches.scores[searches.right & np.isfinite(searches.scores)]
    nonmated = strangers[np.isfinite(strangers)]
    both = np.concatenate([mated, nonmated])
    if len(both) == 0:
        return None
    edges = np.linspace(float(both.min()), max(float(both.max()), float(both.min()) + 1e-6), _BINS)
    return {
        "edges": edges.tolist(),
        "mated": np.histogram(mated, edges)[0].tolist(),
        "nonmated": np.histogram(nonmated, edges)[0].tolist(),
        "threshold": shown.state.point.threshold,
        "threshold_before": night.before.point.threshold if night.before else None,
    }


def _needs_photos(
    night: Night, shown: Challenge, names: Mapping[str, str]
) -> list[dict[str, object]]:
    lesson = night.snapshot.tonight.lesson
    counts = np.bincount(lesson.owners, minlength=len(lesson.subject_ids))
    searches = shown.state.searches
    found = searches.found(shown.state.point.threshold)
    needs: list[dict[str, object]] = []
    for subject_id, photos in zip(lesson.subject_ids, counts, strict=True):
        mine = searches.truth == subject_id
        if photos < 3:
            why = f"{photos} of at least 3 photos"
        elif mine.any() and found[mine].mean() < 0.5:
            why = f"found in {int(found[mine].sum())} of {int(mine.sum())} photos"
        else:
            continue
        needs.append({"name": names[subject_id], "why": why})
    return needs


def _cost(night: Night) -> dict[str, object]:
    joint = night.trained is not None and night.plan.learner.name == "joint"
    return {
        "tonight_seconds": night.imprint.state.seconds,
        "full_retrain_seconds": night.seconds.get("train") if joint else None,
        "note": "tonight: making the means and measuring them; full: one training of everything",
    }


def _score(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
