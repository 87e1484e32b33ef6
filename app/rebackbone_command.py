"""rebackbone: another backbone for a gallery that serves."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.agreement import agreed
from app.failure import DONE, NO
from app.options import Home, Json, Ray, Yes
from app.output import DownloadBar, emit, note, out, stages
from app.ray_place import OFF, ray_place
from app.settings import read_settings

if TYPE_CHECKING:
    from enrollment.rebackbone import Moved, Prepared, Rebackbone, Terms

GROUP = "Run and care"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=GROUP)(rebackbone)


def rebackbone(
    name: Annotated[
        str | None,
        typer.Argument(
            help="vgg-face, dlib-resnet, onnx:FILE.toml, compressed:FILE.toml or auto.",
            show_default=False,
        ),
    ] = None,
    yes: Yes = False,
    prepare_only: Annotated[
        bool, typer.Option("--prepare-only", help="Embed, compare and report; do not move.")
    ] = False,
    accept_worse: Annotated[
        bool, typer.Option("--accept-worse", help="Move although fewer are found.")
    ] = False,
    allow_missing: Annotated[
        int, typer.Option(min=0, help="Move although so many people would have no template.")
    ] = 0,
    undo: Annotated[bool, typer.Option("--undo", help="Back to the backbone before.")] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Drop the work, or the way back.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Say what there is.")] = False,
    ray: Ray = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Move the gallery to another backbone: it serves on until the move, and there is a way back.

    Interrupted, it goes on where it was. Example: rollcall rebackbone dlib-resnet
    """
    from enrollment.errors import BadInput
    from enrollment.rebackbone import Terms
    from enrollment.service import open_service

    if sum((name is not None, undo, discard, status)) != 1:
        raise BadInput(
            "give a backbone, or one of --undo, --discard and --status; "
            "for example: rollcall rebackbone dlib-resnet"
        )
    settings = read_settings("cli", home)
    with (
        ray_place(ray if name or undo else OFF) as place,
        open_service(settings, DownloadBar(), workplace=place) as service,
    ):
        work = service.rebackbone
        if status:
            return _status(work, as_json)
        if discard:
            return _discard(work, yes, as_json)
        with stages() as progress:
            prepared = work.prepare(name, progress) if name else work.prepare_back(progress)
        if place is not None:
            note(place.account.sentence())
        terms = Terms(accept_worse, allow_missing)
        if not as_json:
            _say(prepared)
        against = prepared.against(terms)
        if prepare_only or against:
            return _stays(prepared, against, as_json)
        question = f"move this gallery from {prepared.before.backbone} to {prepared.facts.backbone}"
        if not agreed(question, yes):
            return NO
        return _move(work, prepared, terms, as_json)


def _move(work: "Rebackbone", prepared: "Prepared", terms: "Terms", as_json: bool) -> int:
    with stages() as progress:
        prepared, moved = work.switch(prepared, terms, progress)
    if moved is None:
        return _stays(prepared, prepared.against(terms), as_json)
    if as_json:
        emit(_document(prepared, moved=moved))
    else:
        _tell(prepared, moved)
    return DONE


def _stays(prepared: "Prepared", against: list[str], as_json: bool) -> int:
    if as_json:
        emit(_document(prepared, against=against))
    for reason in against:
        note(f"not moved: {reason}")
    if not against and not as_json:
        out("not moved, as you asked; run it again without --prepare-only to move")
    return NO if against else DONE


def _document(
    prepared: "Prepared", against: list[str] | None = None, moved: "Moved | None" = None
) -> dict[str, object]:
    from dataclasses import asdict

    from enrollment.rebackbone_report import document_of

    return document_of(prepared) | {
        "moved": moved is not None,
        "against": against or [],
        "left_behind": asdict(moved) if moved else None,
        "report": str(prepared.report) if prepared.report else None,
    }


def _say(prepared: "Prepared") -> None:
    both = prepared.agreement
    out(f"{'':20} {prepared.before.backbone:>28} {prepared.facts.backbone:>28}")
    sides = both.before, both.after
    for label, values in (
        ("right person best", [f"{s.right} of {s.probes}" for s in sides]),
        ("found", [f"{s.found} of {s.probes}" for s in sides]),
        ("threshold", [f"{s.threshold:.3f}" for s in sides]),
        ("strangers named", [_rate(s.measured_fpir, s.fpir_upper_95) for s in sides]),
        ("promise", [s.promise.replace("_", " ") for s in sides]),
        ("look alike", [f"{s.near_pairs} pairs" for s in sides]),
        ("seconds a face", [_seconds(s.seconds_per_face) for s in sides]),
    ):
        out(f"{label:20} {values[0]:>28} {values[1]:>28}")
    out(
        f"found by one alone: {both.only_before} and {both.only_after} photos; "
        f"by chance: p = {both.by_chance:.2g}"
    )
    for one in both.worse[:10]:
        who = prepared.names.get(one.subject_id, one.subject_id)
        out(f"found less often: {who}, {one.after} instead of {one.before} of {one.photos} photos")
    if prepared.fidelity:
        low, median = prepared.fidelity
        out(
            f"kept photos are seen by {prepared.before.backbone} as the photos were: cosine "
            f"{median:.3f} in the median, {low:.3f} at least"
        )
    for subject_id, photos in sorted(prepared.faceless.items()):
        who = prepared.names.get(subject_id, subject_id)
        out(f"no face found again: {who}, {photos} photos")
    out(f"report  {prepared.report}")


def _tell(prepared: "Prepared", moved: "Moved") -> None:
    out(
        f"the gallery has moved to {moved.backbone}; threshold {moved.threshold:.3f}. "
        "Servers follow by themselves; a `watch` ends and has to be started again"
    )
    if moved.head:
        out(f"head {moved.head} retired; the means of the photos serve until the next night")
    if moved.cohort_dropped:
        out("the cohort that was built here is gone: build it anew with rollcall cohort build")
    if moved.queue or moved.queue_lost:
        out(f"review queue: {moved.queue} faces embedded anew, {moved.queue_lost} dropped")
    if moved.set_aside:
        out(f"{moved.set_aside} faces that were said no to are set aside: they have no picture")
    if moved.taken_up:
        out(f"{moved.taken_up} faces that were said no to before count again")
    out(f"back to {prepared.before.backbone}, for 14 days: rollcall rebackbone --undo")


def _status(work: "Rebackbone", as_json: bool) -> int:
    shadow = work.status()
    until = work.kept_until(shadow) if shadow else None
    if as_json:
        emit(
            {
                "state": shadow.state if shadow else None,
                "backbone": shadow.facts.backbone if shadow else None,
                "fingerprint": shadow.facts.fingerprint if shadow else None,
                "since": shadow.since.isoformat(timespec="seconds") if shadow else None,
                "until": until.isoformat(timespec="seconds") if until else None,
                "templates": shadow.templates if shadow else 0,
                "faceless": shadow.faceless if shadow else 0,
                "missing": shadow.missing if shadow else 0,
            }
        )
    elif shadow is None:
        out("no other backbone is being prepared, and there is none to go back to")
    elif until is None:
        out(
            f"{shadow.facts.backbone} is being prepared: {shadow.templates} photos are embedded, "
            f"{shadow.missing} are left, no face in {shadow.faceless}"
        )
    else:
        out(
            f"the gallery had {shadow.facts.backbone} before and can go back until "
            f"{until.date().isoformat()}; {shadow.missing} photos came since"
        )
    return DONE


def _discard(work: "Rebackbone", yes: bool, as_json: bool) -> int:
    shadow = work.status()
    if shadow is not None and not agreed(
        f"drop {shadow.templates} templates of {shadow.facts.backbone}", yes
    ):
        return NO
    dropped = work.discard()
    if as_json:
        emit({"dropped": dropped})
    else:
        out("dropped" if dropped else "there was nothing to drop")
    return DONE


def _rate(measured: float | None, upper: float | None) -> str:
    if measured is None or upper is None:
        return "not measured"
    return f"{measured:.2%} (at most {upper:.2%})"


def _seconds(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"
