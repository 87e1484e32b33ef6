"""enroll, identify, verify, calibrate, evaluate."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.failure import DONE, NO
from app.options import Home, Json, Ray
from app.output import DownloadBar, counting, emit, note, out
from app.ray_place import ray_place
from app.settings import read_settings

if TYPE_CHECKING:
    from app.review_tally import ReviewTally
    from enrollment.foresight import Verdict
    from enrollment.identifier import Identification
    from enrollment.intake import Enrollee
    from enrollment.passage import Passage
    from enrollment.service import Service

GROUP = "Recognise"
Paths = Annotated[list[Path], typer.Argument(show_default=False)]


class OnCollision(StrEnum):
    ASK = "ask"
    REFUSE = "refuse"
    ALLOW = "allow"


class DecidePer(StrEnum):
    FACE = "face"
    PASSAGE = "passage"
    SOURCE = "source"


def register(app: typer.Typer) -> None:
    for command in (enroll, identify, verify, calibrate, evaluate):
        app.command(rich_help_panel=GROUP)(command)


def enroll(
    path: Paths,
    name: Annotated[str | None, typer.Option(help="Whose photos these are.")] = None,
    external_id: Annotated[
        str | None, typer.Option(help="Staff number, to tell people of one name apart.")
    ] = None,
    consent: Annotated[
        str | None, typer.Option(help="The text that the person agreed to; kept with the person.")
    ] = None,
    on_collision: Annotated[
        OnCollision, typer.Option(help="When somebody enrolled looks the same.")
    ] = OnCollision.ASK,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Save nothing: say how well they would be found.")
    ] = False,
    ray: Ray = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Enroll people from folders, photos, a .zip or a .csv.

    Example: rollcall enroll photos/ --consent "Agreed to face recognition at the door, 2026-11-21"
    """
    from enrollment.intake import gather
    from enrollment.service import open_service

    people = gather(path, name, external_id)
    if dry_run:
        return _preview(people, home, as_json)
    started = time.monotonic()
    settings = read_settings("cli", home)
    with (
        ray_place(ray) as place,
        open_service(settings, DownloadBar(), workplace=place) as service,
    ):
        total = sum(len(person.photos) for person in people)
        reports = []
        with counting("enrolling", total) as counter:
            answer = _collision_answer(on_collision, as_json)
            for report in service.enroll(people, consent, answer, counter.one):
                reports.append(report)
                if not as_json:
                    _say_enrolled(report.as_document())
    accepted = sum(report.accepted for report in reports)
    refused = sum(len(report.samples) for report in reports) - accepted
    document = {
        "subjects": [report.as_document() for report in reports],
        "accepted": accepted,
        "refused": refused,
        "seconds": round(time.monotonic() - started, 3),
    }
    if place is not None:
        document["ray"] = asdict(place.account)
    if as_json:
        emit(document)
    else:
        if place is not None:
            out(place.account.sentence())
        out(f"{accepted} photos enrolled, {refused} not, in {document['seconds']} s")
    return DONE if any(report.succeeded for report in reports) else NO


def _preview(people: "Sequence[Enrollee]", home: Path | None, as_json: bool) -> int:
    from enrollment.service import open_service

    documents = []
    promising = False
    total = sum(len(person.photos) for person in people)
    with (
        open_service(read_settings("cli", home), DownloadBar()) as service,
        counting("looking", total) as counter,
    ):
        for person in people:
            verdict = service.preview(person, counter.one)
            promising = promising or verdict.promising
            documents.append(verdict.as_document())
            if not as_json:
                _say_preview(verdict)
    if as_json:
        emit({"subjects": documents})
    return DONE if promising else NO


def _say_preview(verdict: "Verdict") -> None:
    kept = sum(sample.accepted for sample in verdict.preview.samples)
    out(f"{verdict.preview.name}: {kept} of {len(verdict.preview.samples)} photos would be kept")
    for sample in verdict.preview.samples:
        if not sample.accepted:
            said = "; ".join(reason.message for reason in sample.reasons)
            out(f"  {sample.source}: {said}")
    out(f"  {verdict.outlook.words}")
    if verdict.preview.collision is not None:
        near = verdict.preview.collision.near
        out(f"  looks like {near.name}, who is enrolled (likeness {near.score:.2f})")


def _say_enrolled(report: dict[str, object]) -> None:
    samples = report["samples"]
    assert isinstance(samples, list)  # noqa: S101 - as SubjectReport writes it
    out(f"{report['name']}: {report['accepted']} of {len(samples)} photos kept")
    for sample in samples:
        if not sample["accepted"]:
            out(f"  {sample['source']}: {', '.join(sample['reasons'])}: {sample['message']}")
    warnings = report["warnings"]
    assert isinstance(warnings, list)  # noqa: S101
    for warning in warnings:
        out(f"  note: {warning}")


def _collision_answer(choice: OnCollision, as_json: bool) -> Callable[..., str]:
    from enrollment.enroller import Collision, allow_collision, refuse_collision

    if choice is OnCollision.ALLOW:
        return allow_collision
    if choice is OnCollision.REFUSE or as_json or not sys.stdin.isatty():
        return refuse_collision

    def ask(collision: Collision) -> str:
        note(
            f"{collision.name} looks like {collision.near.name}, who is enrolled "
            f"(likeness {collision.near.score:.2f})."
        )
        answer: str = typer.prompt("same person, different people, or cancel?", err=True)
        words = ("same", "different", "cancel")
        return next((w for w in words if answer and w.startswith(answer.lower())), "cancel")

    return ask


def identify(
    path: Paths,
    decide_per: Annotated[
        DecidePer,
        typer.Option(help="Of a video: an answer a face, a person who passes, or the whole file."),
    ] = DecidePer.FACE,
    every: Annotated[
        int | None, typer.Option(min=1, help="Of a video, every n-th frame [default: 5 a second].")
    ] = None,
    review: Annotated[
        bool,
        typer.Option(
            "--review",
            help="Keep unnamed faces, encrypted, for `rollcall review`. Nothing is kept otherwise.",
        ),
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Say who is on photos, in folders or in videos; one line a face.

    Example: rollcall identify door.jpg visitors/ --json
    """
    from app.review_tally import ReviewTally
    from app.video import VIDEO_SUFFIXES, is_video
    from enrollment.ahead import AT_ONCE, ahead
    from enrollment.intake import files_to_identify
    from enrollment.photo import photo_file
    from enrollment.service import open_service

    files = files_to_identify(path, VIDEO_SUFFIXES)
    with (
        open_service(read_settings("cli", home), DownloadBar()) as service,
        counting("identifying", len(files)) as counter,
    ):
        tally = ReviewTally(service.queue.look_on) if review else None

        def look(file: Path) -> "list[Identification] | None":
            return None if is_video(file) else service.identify(photo_file(file), tally)

        # One at a time where faces are kept: which of two alike comes first must not be chance.
        for file, answers in ahead(look, files, 1 if tally else AT_ONCE):
            if answers is None:
                documents = _video_documents(service, file, decide_per, every, tally)
            else:
                documents = (answer.as_document() for answer in answers)
            for document in documents:
                if as_json:
                    emit(document)
                else:
                    _say_identified(document)
            counter.one()
    if tally is not None:
        note(tally.sentence())
    return DONE


def _video_documents(
    service: "Service",
    file: Path,
    decide_per: DecidePer,
    every: int | None,
    tally: "ReviewTally | None",
) -> Iterator[dict[str, object]]:
    """The answers for one video; passages as soon as they are decided."""
    from app.video import frames
    from enrollment.passage import decide_source

    if decide_per is DecidePer.FACE:
        for frame in frames(file, every):
            for answer in service.identify_image(frame.image, str(file), frame.number, tally):
                yield answer.as_document()
    elif decide_per is DecidePer.PASSAGE:
        for passage in _passages(service, file, every, tally):
            yield passage.as_document()
    else:
        yield decide_source(
            _passages(service, file, every, tally, least=1), str(file)
        ).as_document()


def _passages(
    service: "Service",
    file: Path,
    every: int | None,
    tally: "ReviewTally | None",
    least: int = 2,
) -> Iterator["Passage"]:
    """Args: least: frames in which a face must be seen to count."""
    from app.video import FRAMES_A_SECOND_FOR_PASSAGES, frames, seconds_between
    from enrollment.passage import PassagePolicy

    usual = PassagePolicy()
    between = seconds_between(file, every, FRAMES_A_SECOND_FOR_PASSAGES)
    # With frames far apart nobody is unseen just because nobody looked.
    gap = max(usual.gap, 2.5 * between)
    policy = replace(usual, gap=gap, least=least)
    passages = service.passages(str(file), policy, onlooker=tally)
    for frame in frames(file, every, FRAMES_A_SECOND_FOR_PASSAGES):
        yield from passages.see(frame)
    yield from passages.end()


def _say_identified(answer: dict[str, object]) -> None:
    where = str(answer["source"])
    if answer["frame"] is not None:
        where += f" frame {answer['frame']}"
    if answer["box"] is not None:
        where += f" at {answer['box']}"
    if answer["decision"] == "refused":
        out(f"{where}: refused: {answer['message']}")
        return
    who = answer["name"] or "unknown"
    score = "" if answer["score"] is None else f", score {answer['score']:.3f}"
    out(f"{where}: {who}{score}")


def verify(
    photo: Annotated[Path, typer.Argument(show_default=False)],
    name: Annotated[str, typer.Option(help="Name, external id or id.", show_default=False)],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Does the photo show this person? Ends with 0 for yes and 1 for no.

    Example: rollcall verify badge.jpg --name "Ada Lovelace"
    """
    from enrollment.intake import existing_file
    from enrollment.photo import photo_file
    from enrollment.service import open_service

    existing_file(photo)
    with open_service(read_settings("cli", home), DownloadBar()) as service:
        answer = service.verify(photo_file(photo), name)
    if as_json:
        emit(answer.as_document())
    else:
        score = "" if answer.score is None else f" (score {answer.score:.3f})"
        reasons = "".join(f": {reason.message}" for reason in answer.reasons)
        out(f"{answer.decision}{score}, threshold {answer.threshold:.3f}{reasons}")
    return DONE if answer.decision == "known" else NO


def calibrate(
    max_fpir: Annotated[
        float | None, typer.Option(help="Share of strangers that may be named [default: 0.01].")
    ] = None,
    strangers: Annotated[
        Path | None, typer.Option(help="Photos of people who are not enrolled.")
    ] = None,
    history: Annotated[
        bool, typer.Option(help="Measure nothing: show how the threshold went.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option(help="With --history: draw it into this .svg or .png file.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Set the threshold by the rate of strangers that may be named.

    Example: rollcall calibrate --max-fpir 0.01
    """
    from enrollment.intake import iterate_photos
    from enrollment.service import open_service

    if history or picture:
        return _history(picture, home, as_json)
    photos = None if strangers is None else list(iterate_photos([strangers]))
    with open_service(read_settings("cli", home), DownloadBar()) as service:
        document = service.point_document(service.calibrate(max_fpir, photos))
        point = service.operating_point()
    if as_json:
        emit(document)
    else:
        out(f"threshold {point.threshold:.4f} for at most {point.max_fpir:.2%} strangers named")
        if point.measured_fpir is not None and point.fpir_upper_95 is not None:
            out(
                f"measured {point.measured_fpir:.2%} (95 % bound {point.fpir_upper_95:.2%}, "
                f"{point.n_nonmated} searches), missed {point.fnir or 0:.2%} of {point.n_mated}"
            )
        out(f"{point.promise}: {point.explanation}")
        _say_pairs(document)
    return DONE


def _say_pairs(document: dict[str, object]) -> None:
    matches = document["false_matches"]
    assert isinstance(matches, list)  # noqa: S101 - as Service.point_document writes it
    for match in matches:
        if match["searches"] > 1:
            out(f"  {match['searches']} strangers would be taken for {match['name']}")
    pairs = document["near_pairs"]
    assert isinstance(pairs, list)  # noqa: S101
    for pair in pairs:
        one, other = pair["names"]
        needed = (
            f"named only if nearer to one by {pair['margin']:.3f}"
            if pair["margin"] > 0
            else "too few photos to say by how much they differ; add some of both"
        )
        out(f"  {one} and {other} are alike ({pair['likeness']:.2f}): {needed}")


def _history(picture: Path | None, home: Path | None, as_json: bool) -> int:
    from enrollment.service import open_service
    from enrollment.threshold_history import draw_history, history_document

    with open_service(read_settings("cli", home), DownloadBar()) as service:
        points = service.operating_points()
    document = history_document(points)
    if picture is not None:
        draw_history(points, picture)
    if as_json:
        emit(document)
        return DONE
    entries = document["operating_points"]
    assert isinstance(entries, list)  # noqa: S101
    for entry in entries:
        rate = entry["measured_fpir"]
        measured = "" if rate is None else f", measured {rate:.2%}"
        out(
            f"{entry['at']}  threshold {entry['threshold']:.4f} for {entry['max_fpir']:.2%}"
            f"{measured}, {entry['subjects']} people, {entry['promise']}"
        )
    if picture is not None:
        out(f"picture  {picture}")
    return DONE


def evaluate(
    gallery: Annotated[Path, typer.Option(help="A folder for each person to enroll.")],
    mated: Annotated[Path, typer.Option(help="Other photos of them, a folder each.")],
    nonmated: Annotated[Path, typer.Option(help="Photos of strangers.")],
    backbone: Annotated[str, typer.Option(help="As for init.")] = "auto",
    max_fpir: Annotated[float, typer.Option(min=1e-6, max=0.5)] = 0.01,
    strangers: Annotated[
        Path | None,
        typer.Option(help="Photos of other strangers: build a cohort first, as `cohort build`."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Measure accuracy on labelled photos, in a temporary gallery.

    Example: rollcall evaluate --gallery enrolled/ --mated probes/ --nonmated strangers/ --json
    """
    from enrollment.evaluation import Plan
    from enrollment.evaluation import evaluate as run
    from enrollment.intake import gather, iterate_photos
    from enrollment.opening import capture_for_evaluation

    plan = Plan(
        gather([gallery]),
        gather([mated]),
        list(iterate_photos([nonmated])),
        max_fpir,
        [] if strangers is None else list(iterate_photos([strangers])),
    )
    settings = read_settings("evaluate", home)
    capture = capture_for_evaluation(settings, backbone, DownloadBar())
    note(f"{capture.backbone.name} on {capture.backbone.device}, {capture.detector.name}")
    with counting("evaluating", plan.photos) as counter:
        document = run(settings, capture, plan, counter).as_document()
    if as_json:
        emit(document)
    else:
        _say_evaluated(document)
    return DONE


def _say_evaluated(document: dict[str, object]) -> None:
    for key in (
        "backbone", "detector", "n_subjects", "n_mated", "n_nonmated", "failure_to_enroll",
        "failure_to_acquire", "rank1", "threshold", "max_fpir", "promise", "fpir",
        "fpir_interval_95", "tpir", "fnir", "seconds",
    ):  # fmt: skip
        out(f"{key:20} {document[key]}")
    confusions = document["confusions"]
    assert isinstance(confusions, list)  # noqa: S101
    for confusion in confusions[:20]:
        out(f"  {confusion['source']}: got {confusion['got']} ({confusion['score']:.3f})")
