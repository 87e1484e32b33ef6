"""The night: learn, measure, and go live only if it is better.

snapshot -> plan -> train -> search as served -> gate -> publish or refuse -> report. Nobody sees
anything before the one transaction that publishes head and outcome together.
"""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import OperatingPoint, Trials, operating_point
from enrollment.champion import IMPRINT, MERGED, mode_of
from enrollment.cohort import Cohort, formula_of, lowering_of
from enrollment.forgetting import Comparison, by_cohort, by_person, compare, per_subject
from enrollment.joined_heads import served_by, waiting, waiting_head
from enrollment.night_lease import JOB, Lease, Now, claim, give_up
from enrollment.night_record import kept_reason, reason_of
from enrollment.night_snapshot import Learnt, Snapshot, pack_owned, take
from enrollment.night_trials import Searches, photo_searches, stranger_searches
from enrollment.planning import NightPlan, NightPolicy, Work, learner_for, mode_word, plan
from enrollment.promotion import (
    Candidate,
    Check,
    Measured,
    PromotionDecision,
    PromotionPolicy,
    better_than_imprint,
    decide,
)
from enrollment.reliability import calibration_error
from enrollment.steadiness import steadied
from enrollment.workplace import Trainings
from models.head_file import HeadArrays, pack, rows_problem
from models.head_trainer import capacity_for
from models.learners import Imprint, Learner, Lesson
from store.archive import Archive
from store.errors import UnknownSubject
from store.gallery import Gallery
from store.records import Job
from wording.message import message

KEPT_HEADS = 14
_TRIES = 3
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class State:
    """A head as it would serve: what it finds of the held-out photos, and whom it lets in."""

    key: str  # "before" | "imprint" | "challenger"
    mode: str
    subjects: int
    searches: Searches
    strangers: Trials
    point: OperatingPoint
    measured: Measured
    seconds: float


@dataclass(frozen=True)
class Challenge:
    """A state that asked to go live, and what the gate said."""

    state: State
    rows: NDArray[np.float32]
    comparison: Comparison | None
    decision: PromotionDecision


@dataclass(frozen=True)
class Night:
    """Everything that a night found; the report is drawn from it."""

    run_id: str
    day: str
    started_at: datetime
    snapshot: Snapshot
    plan: NightPlan
    before: State | None
    imprint: Challenge
    trained: Challenge | None
    seconds: dict[str, float]
    throughput: float | None

    @property
    def winner(self) -> Challenge | None:
        """Who goes live: the trained head if the gate let it, else the means if it let them."""
        if self.trained is not None and self.trained.decision.promoted:
            return self.trained
        return self.imprint if self.imprint.decision.promoted else None

    def head_id(self, challenge: Challenge) -> str:
        return f"{self.day}-{challenge.state.mode}-{self.run_id[:8]}"

    @property
    def outcome(self) -> str:
        return "promoted" if self.winner else "refused"

    def reason(self, nameless: bool = False) -> str:
        people = len(self.snapshot.subjects)
        if self.winner is None:
            return message("refused: {why}", why=self.imprint.decision.words(nameless))
        if self.winner is self.trained:
            return message(
                "the head trained by {learner} serves {n} people from now on",
                learner=mode_word(self.plan.learner.name),
                n=people,
            )
        if self.trained is None:
            return message(
                "the plain means serve {n} people from now on; nothing was trained ({why})",
                n=people,
                why=self.plan.sentence,
            )
        return message(
            "the plain means serve {n} people from now on; the trained head was refused: {why}",
            n=people,
            why=self.trained.decision.words(nameless),
        )


@dataclass(frozen=True)
class NightResult:
    """What the doors are told. report: the HTML file, None where none was written."""

    run_id: str
    day: str
    outcome: str  # "promoted" | "refused" | "skipped"
    reason: str
    mode: str
    metrics: dict[str, object]
    report: Path | None

    def as_document(self) -> dict[str, object]:
        return {
            "run_id": self.run_id,
            "day": self.day,
            "outcome": self.outcome,
            "reason": self.reason,
            "mode": self.mode,
            "metrics": self.metrics,
            "report": str(self.report) if self.report else None,
        }


WriteReport = Callable[[Night], tuple[list[str], list[str]]]


class Nightly:
    """Runs a night of one gallery. Built in `open_service`.

    prior: the backbone's threshold where the gallery cannot say one; cohort: the strangers that
    confidence is measured against; steady: the threshold that will serve where this was measured.
    write_report: draws the report of a night; gives its files' names, and the ids of the subjects
    who are named in it.
    """

    def __init__(
        self,
        gallery: Gallery,
        archive: Archive,
        prior: Callable[[], float],
        write_report: WriteReport,
        actor: str,
        trainings: Trainings,
        cohort: Callable[[], Cohort | None] = lambda: None,
        steady: Callable[[OperatingPoint], float] = lambda point: point.threshold,
        now: Now = lambda: datetime.now(UTC),
        policy: PromotionPolicy | None = None,
    ) -> None:
        self._gallery = gallery
        self._archive = archive
        self._prior = prior
        self._write_report = write_report
        self._actor = actor
        self._now = now
        self._policy = policy or PromotionPolicy()
        self._trainings = trainings
        self._cohort = cohort
        self._steady = steady

    def run(
        self,
        policy: NightPolicy,
        progress: Progress = lambda stage, share: None,
        *,
        force: bool = False,
        full: bool = False,
    ) -> NightResult:
        """Run tonight, or say why not. What `progress` raises ends it; nothing is half done.

        Args:
            progress: told the stage and the share of it that is done.
            force: also when nothing changed, or the day has had its night.
            full: train everything anew, whatever it costs.
        """
        self._archive.sweep(*self._gallery.named_files())
        idle = None if force or full else self._nothing_to_do()
        if idle is not None:
            return idle
        lease, why = claim(self._gallery, self._actor, self._now, force=force or full)
        if lease is None:
            return self._skipped(why)
        try:
            for _ in range(_TRIES):
                night = self._look(lease, policy, progress, full)
                try:
                    return self._publish(lease, night)
                except (UnknownSubject, _OvertakenError):
                    continue  # somebody was erased meanwhile, or another head serves: look again
        except BaseException:
            give_up(lease)
            raise
        give_up(lease)
        return self._skipped(
            message(
                "somebody was erased, or another head was let serve, while the night ran, "
                "three times over"
            )
        )

    # -- whether ------------------------------------------------------------------------------

    def _nothing_to_do(self) -> NightResult | None:
        jobs = self._gallery.jobs(JOB)
        today = self._now().astimezone(UTC).date()
        last = next((j for j in reversed(jobs) if j.state == "finished"), None)
        if last is not None and date.fromisoformat(last.day) > today:
            return self._skipped(
                message(
                    "the clock says {today}, but the night of {day} has been run; "
                    "set the clock right, or use --force",
                    today=today.isoformat(),
                    day=last.day,
                )
            )
        if last is not None and last.day == today.isoformat():
            return self._again(last)
        snapshot = take(self._gallery, self._archive)
        if not snapshot.subjects:
            return self._skipped(message("nobody is enrolled, so there is nothing to learn"))
        if snapshot.same_as_champion:
            if last is None:
                return self._skipped(message("nobody came, nobody went and no photo was added"))
            return self._skipped(
                message(
                    "nobody came, nobody went and no photo was added since the night of {day}",
                    day=last.day,
                )
            )
        return None

    def _again(self, job: Job) -> NightResult:
        result = self._skipped(
            message(
                "the night of {day} has been run already: {why}",
                day=job.day,
                why=reason_of(job.details),
            )
        )
        run_id = str(job.details.get("run_id"))
        return replace(result, run_id=run_id, mode=str(job.details.get("mode", IMPRINT)))

    def _skipped(self, why: str) -> NightResult:
        finished = [j for j in self._gallery.jobs(JOB) if j.state == "finished"]
        report = self._report_of(finished[-1]) if finished else None
        head = self._gallery.champion()
        return NightResult(
            run_id="",
            day=self._now().astimezone(UTC).date().isoformat(),
            outcome="skipped",
            reason=why,
            mode=mode_of(head) if head else IMPRINT,
            metrics={},
            report=report,
        )

    def _report_of(self, job: Job) -> Path | None:
        names = job.details.get("reports")
        pages = [n for n in names if str(n).endswith(".html")] if isinstance(names, list) else []
        return self._archive.report(str(pages[0])) if pages else None

    # -- looking ------------------------------------------------------------------------------

    def _look(self, lease: Lease, policy: NightPolicy, progress: Progress, full: bool) -> Night:
        watch = Watch()

        def told(stage: str) -> Callable[[float], None]:
            def tick(share: float) -> None:
                lease.beat()
                progress(stage, share)

            tick(0.0)
            return tick

        told("plan")
        snapshot = take(self._gallery, self._archive)
        max_fpir, prior, cohort = self._gallery.max_fpir(), self._prior(), self._cohort()
        measure = Measure(
            self._trainings, max_fpir, prior, snapshot.generation, cohort, self._steady
        )
        chosen = plan(self._work(snapshot), policy, full)
        watch.lap("plan")
        before = self._before(snapshot, policy, measure, told("search with last night's head"))
        imprint = measure.state("imprint", Imprint(), snapshot.tonight, told("search with means"))
        rows = snapshot.tonight.lesson.means()
        means = imprint.measured
        imprinted = self._challenge(imprint, rows, before, means, snapshot, max_fpir, watch)
        watch.lap("evaluate")
        trained, throughput = None, None
        if chosen.learner.name != IMPRINT:
            state = measure.state(
                "challenger", chosen.learner, snapshot.tonight, told("train and search")
            )
            watch.lap("evaluate")
            lesson = snapshot.tonight.lesson
            (rows,) = self._trainings.heads(chosen.learner, [lesson], 1, told("train"))
            if chosen.learner.name == MERGED:
                rows = self._as_joined(snapshot.tonight, rows)
            watch.lap("train")
            throughput = _throughput(snapshot, chosen, policy, watch.seconds["train"])
            trained = self._challenge(state, rows, before, means, snapshot, max_fpir, watch)
            trained = _must_beat(trained, imprinted)
        return Night(
            run_id=lease.run_id,
            day=lease.day,
            started_at=lease.started_at,
            snapshot=snapshot,
            plan=chosen,
            before=before,
            imprint=imprinted,
            trained=trained,
            seconds=watch.seconds,
            throughput=throughput,
        )

    def _as_joined(self, learnt: Learnt, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The rows that two sites brought, and trained ones for whom they do not serve any more."""
        joined = waiting_head(self._gallery, self._archive)
        lesson = learnt.lesson
        return served_by(joined, lesson.subject_ids, learnt.template_ids, lesson.owners, rows)

    def _work(self, snapshot: Snapshot) -> Work:
        lesson = snapshot.tonight.lesson
        measured = [j.details.get("throughput") for j in self._gallery.jobs(JOB)]
        known = [float(t) for t in measured if isinstance(t, int | float)]
        return Work(
            templates=len(lesson.owners),
            subjects=len(lesson.subject_ids),
            changed=int(lesson.changed.sum()),
            dimension=lesson.vectors.shape[1],
            erased_since=snapshot.champion is None and bool(known),
            throughput=known[-1] if known else None,
        )

    def _before(
        self,
        snapshot: Snapshot,
        policy: NightPolicy,
        measure: "Measure",
        tick: Callable[[float], None],
    ) -> State | None:
        if snapshot.before is None or snapshot.champion is None:
            return None
        if len(snapshot.before.template_ids) == 0:
            return None
        learner = learner_for(mode_of(snapshot.champion), policy)
        return measure.state("before", learner, snapshot.before, tick)

    def _challenge(
        self,
        state: State,
        rows: NDArray[np.float32],
        before: State | None,
        means: Measured,
        snapshot: Snapshot,
        max_fpir: float,
        watch: "Watch",
    ) -> Challenge:
        compared, subjects = None, {}
        if before is not None:
            thresholds = before.point.threshold, state.point.threshold
            compared = compare(before.searches, state.searches, *thresholds)
            subjects = per_subject(before.searches, state.searches)
        dimension = self._gallery.facts.dimension
        own_right, own_photos = _own(snapshot.tonight, rows)
        candidate = Candidate(
            measured=state.measured,
            rows_problem=rows_problem(rows, len(snapshot.subjects), dimension),
            seconds=watch.total(),
            memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            own_right=own_right,
            own_photos=own_photos,
        )
        names = {s.subject_id: s.name for s in snapshot.subjects}
        decision = decide(candidate, means, compared, subjects, names, max_fpir, self._policy)
        return Challenge(state, rows, compared, decision)

    # -- publishing ---------------------------------------------------------------------------

    def _publish(self, lease: Lease, night: Night) -> NightResult:
        """Files first, then one transaction; what no row names is swept away."""
        reports, mentioned = self._write_report(night)
        refused = night.trained if night.trained is not night.winner else None
        versions = [
            _version(night, challenge, champion=challenge is night.winner)
            for challenge in (refused, night.winner)
            if challenge is not None
        ]
        manifests = [self._with_file(version) for version in versions]
        details = self._details(lease, night, reports)
        with self._gallery.change(self._actor) as change:
            lease.check(change.job(JOB, lease.day))
            change.check_backbone(night.snapshot.fingerprint)
            if change.champion_id() != night.snapshot.champion_id:
                raise _OvertakenError
            filed = [
                v.head_id for v, m in zip(versions, manifests, strict=True) if "file_sha256" in m
            ]
            if not self._archive.holds(filed, reports):
                raise _OvertakenError  # an erasure took everything that no row named yet
            for version, manifest in zip(versions, manifests, strict=True):
                change.add_head(
                    version.head_id,
                    version.state,
                    night.snapshot.generation,
                    manifest,
                    version.arrays.subject_ids,
                )
            pseudonyms = self._gallery.pseudonyms(mentioned)
            details |= {"mentions": sorted(pseudonyms.values())}
            change.put_job(JOB, lease.day, "finished", lease.started_at, details)
            change.record("night.finish", "", {"run_id": night.run_id, "outcome": night.outcome})
            after = (night.winner or night.imprint).state
            change.put_night(lease.day, by_person(after.searches, after.point.threshold))
            change.drop_heads(self._outdated())
            if night.plan.learner.name == MERGED:  # judged now, under this night's name
                change.drop_heads([h.head_id for h in waiting(self._gallery.heads())])
        return NightResult(
            run_id=night.run_id,
            day=night.day,
            outcome=night.outcome,
            reason=night.reason(),
            mode=str(details["mode"]),
            metrics=metrics_of(night),
            report=self._archive.report(reports[0]) if reports else None,
        )

    def _with_file(self, version: "_Version") -> dict[str, object]:
        if version.manifest["mode"] == IMPRINT:
            return version.manifest
        digest = self._archive.write_head(version.head_id, pack(version.arrays))
        return version.manifest | {"file_sha256": digest}

    def _details(self, lease: Lease, night: Night, reports: list[str]) -> dict[str, object]:
        shown = night.winner or night.trained or night.imprint
        after = (night.winner or night.imprint).state
        cohorts = by_cohort(after.searches, cohort_of(night.snapshot))
        joint = night.trained if night.trained and night.plan.learner.name == "joint" else None
        return lease.details() | {
            "outcome": night.outcome,
            **kept_reason(night.reason(nameless=True)),
            "mode": shown.state.mode,
            "metrics": metrics_of(night),
            "cohorts": cohorts,
            "cohorts_joint": (
                by_cohort(joint.state.searches, cohort_of(night.snapshot)) if joint else None
            ),
            "throughput": night.throughput,
            "reports": reports,
        }

    def _outdated(self) -> list[str]:
        passive = [h for h in self._gallery.heads() if h.state in ("retired", "refused")]
        return [h.head_id for h in passive[: max(0, len(passive) - KEPT_HEADS)]]


class Measure:
    """Puts a recipe to the test on a snapshot."""

    def __init__(
        self,
        trainings: Trainings,
        max_fpir: float,
        prior: float,
        generation: int,
        cohort: Cohort | None = None,
        steady: Callable[[OperatingPoint], float] = lambda point: point.threshold,
    ) -> None:
        self._trainings = trainings
        self._steady = steady
        self._asked = max_fpir, prior, generation
        self._tail = cohort.tail if cohort else None
        self._score = formula_of(cohort)
        self._lowering = lowering_of(cohort)

    def state(
        self, key: str, learner: Learner, learnt: Learnt, tick: Callable[[float], None]
    ) -> State:
        watch = Watch()
        lesson = learnt.lesson
        searches = photo_searches(
            learner,
            lesson,
            learnt.template_ids,
            self._trainings,
            lambda s: tick(s / 2),
            lowering=self._lowering,
        )
        strangers = self._strangers(learner, lesson, lambda s: tick(0.5 + s / 2))
        trials = replace(strangers, mated=np.where(searches.right, searches.scores, -np.inf))
        point = self._point(trials, learner, lesson)
        measured = Measured(
            probes=len(searches.truth),
            right=int(searches.right.sum()),
            found=int(searches.found(point.threshold).sum()),
            threshold=point.threshold,
            fpir=point.measured_fpir,
            fpir_upper_95=point.fpir_upper_95,
            stranger_searches=point.n_nonmated,
            promise=point.promise,
            calibration_error=calibration_error(searches.scores, searches.right),
        )
        tick(1.0)
        return State(
            key=key,
            mode=learner.name,
            subjects=len(lesson.subject_ids),
            searches=searches,
            strangers=strangers,
            point=point,
            measured=measured,
            seconds=watch.total(),
        )

    def _point(self, trials: Trials, learner: Learner, lesson: Lesson) -> OperatingPoint:
        """As `Calibrator` measures it: of a trained head the stricter of two."""
        floor = -np.inf
        if not isinstance(learner, Imprint):
            floor = self._measured(self._strangers(Imprint(), lesson), -np.inf).threshold
        point = self._measured(trials, floor)
        return steadied(point, self._steady(point), trials)

    def _measured(self, trials: Trials, floor: float) -> OperatingPoint:
        return operating_point(
            trials, *self._asked, floor=floor, tail=self._tail, score=self._score
        )

    def _strangers(
        self, learner: Learner, lesson: Lesson, tick: Callable[[float], None] = lambda share: None
    ) -> Trials:
        return stranger_searches(learner, lesson, self._trainings, tick, lowering=self._lowering)


class _OvertakenError(Exception):
    """What the night was measured against does not serve any more, or its files are gone."""


class Watch:
    """Seconds a stage; a stage that comes again adds up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._start = self._last = time.monotonic()

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + now - self._last, 3)
        self._last = now
        self.seconds["total"] = round(now - self._start, 3)

    def total(self) -> float:
        return time.monotonic() - self._start


def cohort_of(snapshot: Snapshot) -> dict[str, str]:
    """Subject id -> the UTC day on which the subject came."""
    return {
        s.subject_id: s.enrolled_at.astimezone(UTC).date().isoformat() for s in snapshot.subjects
    }


def metrics_of(night: Night) -> dict[str, object]:
    """Numbers alone: this outlives the people."""
    shown = night.winner or night.trained or night.imprint
    states = [night.before, night.imprint.state, night.trained.state if night.trained else None]
    return {
        "subjects": len(night.snapshot.subjects),
        "templates": len(night.snapshot.tonight.template_ids),
        "trained": night.plan.learner.name if night.trained else None,
        "states": {state.key: _figures(state) for state in states if state is not None},
        "comparison": shown.comparison.as_document() if shown.comparison else None,
        "checks": {check.name: check.passed for check in shown.decision.checks},
        "trained_checks": (
            {check.name: check.passed for check in night.trained.decision.checks}
            if night.trained
            else None
        ),
        "seconds": night.seconds,
    }


def _figures(state: State) -> dict[str, object]:
    measured = state.measured
    return {
        "mode": state.mode,
        "probes": measured.probes,
        "accuracy": measured.right / measured.probes if measured.probes else None,
        "find_rate": measured.find_rate if measured.probes else None,
        "threshold": measured.threshold,
        "fpir": measured.fpir,
        "fpir_upper_95": measured.fpir_upper_95,
        "promise": measured.promise,
    }


@dataclass(frozen=True)
class _Version:
    head_id: str
    state: str
    manifest: dict[str, object]
    arrays: HeadArrays


def _version(night: Night, challenge: Challenge, champion: bool) -> _Version:
    learnt = night.snapshot.tonight
    mode = challenge.state.mode
    manifest: dict[str, object] = {
        "mode": mode,
        "day": night.day,
        "run_id": night.run_id,
        "subjects": len(learnt.lesson.subject_ids),
        "templates": pack_owned(learnt),
        "figures": _figures(challenge.state),
        **kept_reason(challenge.decision.words(nameless=True)),
    }
    if mode != IMPRINT:
        # The only honest strangers of a trained head: those whom its recipe had not seen.
        manifest["score"] = challenge.state.point.score
        manifest["strangers"] = {
            "scores": _finite(challenge.state.strangers.nonmated),
            "weights": challenge.state.strangers.weights.tolist(),
            "searched": challenge.state.strangers.searched,
        }
    return _Version(
        head_id=night.head_id(challenge),
        state="champion" if champion else "refused",
        manifest=manifest,
        arrays=HeadArrays(
            learnt.lesson.subject_ids,
            challenge.rows,
            learnt.template_ids,
            np.asarray(learnt.lesson.owners, np.int64),
        ),
    )


def _own(learnt: Learnt, rows: NDArray[np.float32]) -> tuple[int, int]:
    """Of the photos of those who changed, how many are nearest to their own row; and how many."""
    lesson = learnt.lesson
    theirs = lesson.changed[lesson.owners]
    nearest = (lesson.vectors[theirs] @ rows.T).argmax(axis=1)
    return int((nearest == lesson.owners[theirs]).sum()), int(theirs.sum())


def _must_beat(trained: Challenge, imprint: Challenge) -> Challenge:
    mine = trained.state.searches.found(trained.state.point.threshold)
    theirs = imprint.state.searches.found(imprint.state.point.threshold)
    only = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
    check: Check = better_than_imprint(trained.state.measured, imprint.state.measured, only)
    return replace(trained, decision=PromotionDecision((*trained.decision.checks, check)))


def _throughput(
    snapshot: Snapshot, chosen: NightPlan, policy: NightPolicy, seconds: float
) -> float | None:
    """Multiply-adds a second of tonight's training, where it went over everything."""
    if chosen.learner.name != "joint" or seconds <= 0:
        return None
    lesson = snapshot.tonight.lesson
    products = len(lesson.owners) * capacity_for(len(lesson.subject_ids)) * lesson.vectors.shape[1]
    return float(3.0 * products * policy.options.epochs / seconds)


def _finite(scores: NDArray[np.float64]) -> list[float]:
    """-2 stands for nobody was named: JSON has no infinity, and no score is so low."""
    return [float(s) for s in np.where(np.isfinite(scores), scores, -2.0)]
