"""nightly; head list, show, promote, rollback."""

from dataclasses import asdict
from typing import Annotated

import typer

from app.failure import DONE, NO
from app.options import Home, Json, Ray
from app.output import emit, out, stages
from app.ray_place import ray_place
from app.settings import read_settings

GROUP = "Learn"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=GROUP)(nightly)
    heads = typer.Typer(help="The versions of the head.", no_args_is_help=True)
    for command in (list_heads, show, promote, rollback):
        heads.command(name="list" if command is list_heads else None)(command)
    app.add_typer(heads, name="head", rich_help_panel=GROUP)


def nightly(
    force: Annotated[
        bool, typer.Option(help="Also when nothing changed, or the day has had its night.")
    ] = False,
    full: Annotated[bool, typer.Option(help="Train everything anew, whatever it costs.")] = False,
    mode: Annotated[
        str | None,
        typer.Option(
            help="joint, local, rehearsal, pseudo, merged or imprint [default: as it pays]."
        ),
    ] = None,
    budget: Annotated[float, typer.Option(min=1, help="Seconds that training may take.")] = 600.0,
    proximal: Annotated[
        float,
        typer.Option(
            min=0, help="Stay near the head that was merged with another site's last; 0: not."
        ),
    ] = 0.0,
    faces: Annotated[
        bool,
        typer.Option(
            "--faces/--no-faces",
            help="Put the photos that are named otherwise into the report's file, unencrypted; "
            "the page Nightly shows them anyway.",
        ),
    ] = False,
    ray: Ray = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Learn what is new; it serves only if nothing gets worse. Once a UTC day.

    Example: rollcall nightly
    """
    from enrollment.planning import NightPolicy, checked_mode
    from enrollment.service import open_service

    policy = NightPolicy(budget_seconds=budget, mode=checked_mode(mode), proximal=proximal)
    settings = read_settings("nightly", home)
    with (
        ray_place(ray) as place,
        open_service(settings, workplace=place) as service,
        stages() as progress,
    ):
        result = service.nightly(policy, progress, force=force, full=full, faces=faces)
    if as_json:
        account = {} if place is None else {"ray": asdict(place.account)}
        emit(result.as_document() | account)
    else:
        if place is not None:
            out(place.account.sentence())
        out(f"{result.outcome}: {result.reason}")
        if result.report:
            out(f"report  {result.report}")
    return NO if result.outcome == "refused" else DONE


def list_heads(home: Home = None, as_json: Json = False) -> int:
    """The kept versions, oldest first, and which one serves.

    Example: rollcall head list
    """
    from enrollment.head_versions import document_of
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        found = [document_of(head) for head in service.heads()]
    if as_json:
        emit({"heads": found})
        return DONE
    for head in found:
        out(f"{head['state']:9} {head['head_id']}  {head['subjects']} people")
    if not found:
        out("no night has been run yet; the means of the photos serve")
    return DONE


def show(
    head: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """What was measured of one version.

    Example: rollcall head show 2026-11-21
    """
    from enrollment.head_versions import document_of
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        document = document_of(service.head(head))
    _tell(document, as_json)
    return DONE


def promote(
    head: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Let a kept version serve, because you say so.

    Example: rollcall head promote 2026-11-21-joint
    """
    from enrollment.head_versions import document_of
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        document = document_of(service.promote_head(head))
    _tell(document, as_json)
    return DONE


def rollback(home: Home = None, as_json: Json = False) -> int:
    """Back to the version that served before this one.

    Example: rollcall head rollback
    """
    from enrollment.head_versions import document_of
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        document = document_of(service.rollback_head())
    _tell(document, as_json)
    return DONE


def _tell(document: dict[str, object], as_json: bool) -> None:
    if as_json:
        emit(document)
        return
    for key, value in document.items():
        out(f"{key:12} {value}")
