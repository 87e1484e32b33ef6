"""cohort build, show, drop."""

from pathlib import Path
from typing import Annotated

import typer

from app.failure import DONE
from app.options import Home, Json
from app.output import DownloadBar, counting, emit, out
from app.settings import read_settings

GROUP = "Recognise"


def register(app: typer.Typer) -> None:
    cohort = typer.Typer(
        help="The strangers that confidence is measured against.", no_args_is_help=True
    )
    for command in (build, show, drop):
        cohort.command()(command)
    app.add_typer(cohort, name="cohort", rich_help_panel=GROUP)


def build(
    strangers: Annotated[
        Path, typer.Option(help="Photos of people who are not enrolled, one each.")
    ],
    kind: Annotated[
        str,
        typer.Option(help="centroids (of three strangers each: nobody's template) or vectors."),
    ] = "centroids",
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Measure confidence against strangers of your own from now on.

    Example: rollcall cohort build --strangers visitors/
    """
    from enrollment.cohort import checked_kind
    from enrollment.intake import iterate_photos
    from enrollment.service import open_service

    chosen = checked_kind(kind)
    photos = list(iterate_photos([strangers]))
    with (
        open_service(read_settings("cli", home), DownloadBar()) as service,
        counting("embedding", len(photos)) as counter,
    ):
        report = service.build_cohort(photos, chosen, strangers.name, counter.one)
        point = service.operating_point()
    if as_json:
        emit(report.as_document())
    else:
        _say_cohort(report.as_document())
        out(f"threshold {point.threshold:.4f} for at most {point.max_fpir:.2%} strangers named")
    return DONE


def show(home: Home = None, as_json: Json = False) -> int:
    """What confidence is measured against here.

    Example: rollcall cohort show
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home), DownloadBar()) as service:
        document = service.cohort().as_document()
    if as_json:
        emit(document)
    else:
        _say_cohort(document)
    return DONE


def drop(home: Home = None, as_json: Json = False) -> int:
    """Forget the strangers that were brought here; back to the backbone's own, if any.

    Example: rollcall cohort drop
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home), DownloadBar()) as service:
        document = service.drop_cohort().as_document()
    if as_json:
        emit(document)
    else:
        _say_cohort(document)
    return DONE


def _say_cohort(document: dict[str, object]) -> None:
    if document["kind"] is None:
        out("no cohort: a score is the cosine. Build one with: rollcall cohort build")
        return
    whose = "brought on site" if document["own"] else "comes with the backbone"
    out(f"{document['kind']}: {document['rows']} rows from {document['strangers']} strangers")
    out(f"{whose}: {document['made_from']} ({document['made_at']})")
    out(f"a score is the {document['formula']}")
    left_out = {
        "without a face": document["without_face"],
        "perhaps enrolled": document["enrolled"],
        "there already": document["repeated"],
    }
    if any(left_out.values()):
        out("left out: " + ", ".join(f"{count} {why}" for why, count in left_out.items() if count))
