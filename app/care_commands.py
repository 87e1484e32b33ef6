"""init, serve, demo, rebuild, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from app.failure import DONE, NO, UNUSABLE, exit_code
from app.options import Home, Json
from app.output import DownloadBar, emit, note, out
from app.settings import read_provider, read_settings

GROUP = "Run and care"


def register(app: typer.Typer) -> None:
    for command in (init, serve, demo, doctor, rebuild):
        app.command(rich_help_panel=GROUP)(command)


def init(
    backbone: Annotated[
        str,
        typer.Option(help="auto, vgg-face, dlib-resnet, onnx:FILE.toml or compressed:FILE.toml."),
    ] = "auto",
    database: Annotated[
        str | None,
        typer.Option(
            help="postgresql://... [default: $ROLLCALL_DATABASE, else a file in the folder]."
        ),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(
            help="https://HOST:PORT of a Milvus that keeps the index [default: $ROLLCALL_INDEX, "
            "else memory]."
        ),
    ] = None,
    joins: Annotated[
        bool,
        typer.Option("--join", help="Serve the gallery that is in the database already."),
    ] = False,
    consent_policy: Annotated[
        str, typer.Option(help="required, or none where consent is kept elsewhere.")
    ] = "required",
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Make a gallery, and its key outside it.

    Example: rollcall init --home data
    """
    from enrollment.key_source import said
    from enrollment.opening import create, database_url, join

    settings = read_settings("cli", home)
    facts = (
        join(settings, database, DownloadBar(), index)
        if joins
        else create(settings, backbone, database, consent_policy, DownloadBar(), index)
    )
    document = {
        "home": str(settings.home),
        "backbone": facts.backbone,
        "backbone_reason": facts.backbone_reason,
        "dimension": facts.dimension,
        "fingerprint": facts.fingerprint,
        "detector": facts.detector,
        "database": _without_password(database_url(settings.home)),
        "key": said(settings, facts.gallery_id),
    }
    if as_json:
        emit(document)
    else:
        how = "serves the gallery of the database" if joins else "has a new gallery"
        out(f"{settings.home} {how}; backbone {facts.backbone}")
        out(facts.backbone_reason)
        out(f"its key is {document['key']}: back it up, without it nothing can be read")
    return DONE


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    scheme, slashes, user = head.partition("//")
    return f"{scheme}{slashes}{user.partition(':')[0]}@{tail}" if at else url


def serve(
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    nightly_at: Annotated[
        str, typer.Option(help="When to run `rollcall nightly`, HH:MM in UTC, or off.")
    ] = "02:00",
    pages: Annotated[bool, typer.Option(help="The web pages beside the API.")] = True,
    public_url: Annotated[
        str | None,
        typer.Option(help="The https address of the proxy before it, for other machines."),
    ] = None,
    insecure_dev: Annotated[
        bool,
        typer.Option("--insecure-dev", help="Nobody signs in; this machine alone, no real faces."),
    ] = False,
    log: Annotated[
        str, typer.Option(help="json or text, on stderr [default: text on a terminal, else json].")
    ] = "auto",
    home: Home = None,
) -> int:
    """Serve the web pages and the REST API, and run the night.

    Example: rollcall serve --port 8501
    """
    from app.server import Serving
    from app.server import serve as run

    serving = Serving(
        host, port, nightly_at, pages, public_url, open_to_all=insecure_dev,
        provider=read_provider(), log=log,
    )  # fmt: skip
    run(read_settings("web", home), serving)
    return DONE


def demo(
    home: Annotated[
        Path, typer.Option("--home", help="A folder for the demo's own gallery.")
    ] = Path("data-demo"),
    as_json: Json = False,
) -> int:
    """Enroll drawn people, identify them, turn strangers away, learn one night; nobody's photo.

    Example: rollcall demo
    """
    from app.demonstration import demonstrate

    outcome = demonstrate(read_settings("demo", home), out=note if as_json else out)
    if as_json:
        emit(outcome.as_document())
    return DONE if outcome.right else NO


def doctor(home: Home = None, as_json: Json = False) -> int:
    """Say what is in force, what is wrong, and the next step.

    Example: rollcall doctor
    """
    from enrollment.service import open_service

    settings = read_settings("cli", home)
    try:
        with open_service(settings, DownloadBar()) as service:
            document = service.diagnose().as_document()
    except Exception as error:
        code = exit_code(error)
        if code is None:
            raise
        document = {"home": str(settings.home), "problems": [str(error)], "next_step": str(error)}
    problems = document["problems"]
    if as_json:
        emit(document)
    else:
        for key, value in document.items():
            out(f"{key:16} {value}")
    return UNUSABLE if problems else DONE


def rebuild(
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare with what is live; change nothing.")
    ] = False,
    index: Annotated[
        str | None,
        typer.Option(help="Keep it there from now on: https://HOST:PORT of a Milvus, or memory."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Build the index anew from the database, or check that it is right.

    Example: rollcall rebuild --verify
    """
    from enrollment.audit_check import audit_document
    from enrollment.errors import BadInput
    from enrollment.opening import move_index
    from enrollment.service import open_service

    settings = read_settings("cli", home)
    if index is not None:
        if verify:
            raise BadInput("--verify changes nothing, so it takes no --index")
        move_index(settings, None if index == "memory" else index)
    with open_service(settings) as service:
        if not verify:
            service.rebuild()
        found = service.verify_gallery()
    document = {
        "templates": found.templates,
        "live_digest": found.live_digest,
        "rebuilt_digest": found.rebuilt_digest,
        "damage": found.damage,
        "audit": audit_document(found.audit),
        "sound": found.sound,
    }
    if as_json:
        emit(document)
    else:
        out(f"{found.templates} templates, {'sound' if found.sound else 'NOT SOUND'}")
    return DONE if found.sound else UNUSABLE
