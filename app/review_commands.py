"""review: list, show, add, assign, ignore, discard, negatives, forget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.failure import DONE, NO
from app.options import Home, Json
from app.output import DownloadBar, emit, note, out
from app.settings import read_settings

if TYPE_CHECKING:
    from enrollment.review import ReviewReport
    from enrollment.review_cluster import Cluster

GROUP = "Review"
review = typer.Typer(
    no_args_is_help=True,
    help="Faces without a name: list, show, add, assign, ignore, discard; negatives, forget.",
)
Ids = Annotated[
    list[str],
    typer.Argument(
        help="Faces or clusters, as `review list` shows them; 4 characters are enough.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    app.add_typer(review, name="review", rich_help_panel=GROUP)


@review.command("list")
def list_(home: Home = None, as_json: Json = False) -> int:
    """List the faces that wait for a decision, grouped by likeness, the largest group first.

    Example: rollcall review list
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        clusters = service.queue.clusters()
        policy = service.queue.policy
    if as_json:
        emit({
            "sightings": sum(len(cluster.sightings) for cluster in clusters),
            "most": policy.most,
            "days": policy.days,
            "clusters": [cluster.as_document() for cluster in clusters],
        })  # fmt: skip
        return DONE
    if not clusters:
        out("nothing to review; doors and `rollcall identify --review` put faces here")
    for cluster in clusters:
        _say_cluster(cluster)
    return DONE


def _say_cluster(cluster: "Cluster") -> None:
    from enrollment.review_cluster import short

    document = cluster.as_document()
    kinds = document["kinds"]
    assert isinstance(kinds, dict)  # noqa: S101 - as Cluster writes it
    counted = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in kinds.items())
    near = cluster.nearest
    likeness = f"nearest {near.name} {near.score:.3f}" if near else "nearest nobody"
    first, last = cluster.sightings[0].at, cluster.sightings[-1].at
    when = f"{first:%Y-%m-%d %H:%M}" + (f" to {last:%Y-%m-%d %H:%M}" if last != first else "")
    out(f"{short(cluster.cluster_id)}  {counted}  {likeness}  {when} UTC")
    for sighting in cluster.sightings:
        frame = sighting.details["frame"]
        where = str(sighting.details["source"]) + ("" if frame is None else f" frame {frame}")
        out(f"  {short(sighting.sighting_id)}  {sighting.kind.replace('_', ' ')}  {where}")


@review.command()
def show(
    ids: Ids,
    to: Annotated[Path, typer.Option(help="A .jpg for one sheet, or a folder for a file each.")],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Write the faces as pictures, to look at them. Delete the pictures afterwards.

    Example: rollcall review show c-1f3a52b7 --to faces.jpg
    """
    from app.contact_sheet import write_faces
    from enrollment.review_cluster import chosen, short
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        wanted, gone = chosen(ids, service.queue.clusters())
        portraits = service.queue.portraits(wanted)
    faces = {short(sighting_id): face for sighting_id, face in portraits.items()}
    files = write_faces(faces, to) if faces else []
    if as_json:
        emit({
            "sightings": list(portraits),
            "files": [str(path) for path in files],
            "handled_already": [*gone, *(i for i in wanted if i not in portraits)],
        })  # fmt: skip
    else:
        for path in files:
            out(str(path))
        for word in gone:
            out(f"{word}: not in the queue any more; see: rollcall review list")
    return DONE if files else NO


@review.command()
def add(
    path: Annotated[list[Path], typer.Argument(show_default=False)],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Queue the faces of photos also where they were named, to say that a name is wrong.

    Example: rollcall review add wrongly-named.jpg
    """
    from app.review_tally import ReviewTally
    from enrollment.intake import iterate_photos
    from enrollment.service import open_service

    photos = list(iterate_photos(path))
    with open_service(read_settings("cli", home), DownloadBar()) as service:
        tally = ReviewTally(service.queue.doubt)
        for photo in photos:
            service.identify(photo, tally)
    if as_json:
        emit(tally.as_document())
    else:
        out(tally.sentence())
    return DONE if tally.queued else NO


@review.command()
def assign(
    ids: Ids,
    name: Annotated[
        str, typer.Option(help="Name, external id or id; or a newcomer's name.", show_default=False)
    ],
    consent: Annotated[
        str | None, typer.Option(help="The text that the person agreed to, for a newcomer.")
    ] = None,
    external_id: Annotated[
        str | None, typer.Option(help="Staff number, to tell people of one name apart.")
    ] = None,
    even_if_unlike: Annotated[
        bool,
        typer.Option(
            "--even-if-unlike",
            help="Although it is unlike this person's photos, or as like somebody else's.",
        ),
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Enroll these faces: of a person who is enrolled, or of a newcomer with consent.

    Example: rollcall review assign c-1f3a52b7 --name "Ada Lovelace"
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        report = service.review.assign(
            ids, name, consent, external_id=external_id, even_if_unlike=even_if_unlike
        )
    return _answer(report, as_json, f"assigned to {report.name}")


@review.command()
def ignore(
    ids: Ids,
    not_: Annotated[
        str | None,
        typer.Option("--not", help="Whom these are not [default: strangers, nobody's]."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Remember: this is not that person, or this is a stranger. Look-alikes lose the name.

    Example: rollcall review ignore c-1f3a52b7 --not "Ada Lovelace"
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        report = service.review.ignore(ids, not_)
    whom = f"not {report.name}" if report.name else "strangers"
    return _answer(report, as_json, f"remembered as {whom}")


@review.command()
def discard(
    ids: Annotated[
        list[str] | None, typer.Argument(help="As for `review assign`.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole queue.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Forget faces: nothing of them is kept.

    Example: rollcall review discard c-1f3a52b7
    """
    from enrollment.errors import BadInput
    from enrollment.service import open_service

    if bool(ids) == everything:
        raise BadInput(
            "say which faces to forget: ids as rollcall review list shows them, or --all"
        )
    with open_service(read_settings("cli", home)) as service:
        report = service.review.discard(ids) if ids else service.review.discard_all()
    return _answer(report, as_json, "forgotten")


@review.command()
def negatives(home: Home = None, as_json: Json = False) -> int:
    """List the faces that somebody said no to.

    Example: rollcall review negatives
    """
    from enrollment.review_cluster import short
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        found = service.review.negatives()
        names = {s.subject_id: s.name for s in service.everybody()}
    documents = [
        {
            "negative_id": negative.negative_id,
            "at": negative.at.isoformat(),
            "not": negative.subject_id
            and {"subject_id": negative.subject_id, "name": names.get(negative.subject_id)},
            "lineage": dict(negative.details),
        }
        for negative in found
    ]
    if as_json:
        emit({"negatives": documents})
        return DONE
    if not found:
        out("nobody said no to a face yet; see: rollcall review ignore --help")
    for negative in found:
        whom = f"not {names[negative.subject_id]}" if negative.subject_id else "a stranger"
        details = negative.details
        out(
            f"{short(negative.negative_id)}  {whom}  {negative.at:%Y-%m-%d %H:%M} UTC, "
            f"by {details['ignored_by']}, seen in {details['source']}"
        )
    return DONE


@review.command()
def forget(
    ids: Annotated[
        list[str],
        typer.Argument(help="As `review negatives` shows them.", show_default=False),
    ],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Take a no back: nothing is kept of these faces, and they veto nothing any more.

    Example: rollcall review forget 9c1f03de
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        report = service.review.forget(ids)
    return _answer(report, as_json, "forgotten")


def _answer(report: "ReviewReport", as_json: bool, done: str) -> int:
    from enrollment.review_cluster import short

    if as_json:
        emit(report.as_document())
    else:
        out(f"{report.done} of {len(report.results)} {done}")
        for result in report.results:
            document = result.as_document()
            if document["message"]:
                out(f"  {short(result.id)}: {result.outcome}: {document['message']}")
        for warning in report.warnings:
            out(f"  note: {warning}")
    if report.log_cut is False:
        note(
            "another process reads the database, so deleted pages are still in its log; "
            "they go when it is closed"
        )
    return DONE if report.done else NO
