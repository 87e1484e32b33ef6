"""api-key: who may ask over HTTP, and for what."""

from typing import Annotated

import typer

from app.failure import DONE
from app.options import Home, Json
from app.output import emit, note, out
from app.settings import read_settings

GROUP = "Run and care"
api_key = typer.Typer(no_args_is_help=True, help="Keys for REST: add, list, revoke, resume.")


def register(app: typer.Typer) -> None:
    app.add_typer(api_key, name="api-key", rich_help_panel=GROUP)


@api_key.command()
def add(
    name: Annotated[str, typer.Argument(help="The software it is for.", show_default=False)],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="identify, enroll, read, nightly, admin or scores; give several "
            "[default: identify]."
        ),
    ] = None,
    days: Annotated[int, typer.Option(help="When it ends, in days.", min=1, max=90)] = 90,
    daily: Annotated[
        int, typer.Option(help="How often it may ask who somebody is, each day.", min=1)
    ] = 1000,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Make a key; it is shown this once.

    Example: rollcall api-key add "Door 3" --scope identify --scope read
    """
    from enrollment.api_keys import IDENTIFY, key_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        key, secret = service.api_keys.add(name, scope or [IDENTIFY], days, daily)
    if as_json:
        emit({**key_document(key, holds=True), "key": secret})
    else:
        note(f"key of {key.name} for {', '.join(sorted(key.scopes))}, until {key.expires_at:%F}")
        note("keep it now: it cannot be shown again")
        out(secret)
    return DONE


@api_key.command("list")
def list_keys(home: Home = None, as_json: Json = False) -> int:
    """Every key, without the key itself.

    Example: rollcall api-key list
    """
    from enrollment.api_keys import key_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        keys = service.api_keys
        found = [key_document(key, holds=keys.holds(key)) for key in keys.all()]
    if as_json:
        emit({"keys": found})
        return DONE
    for key in found:
        ended = "" if key["holds"] else ", holds no more"
        scopes = key["scopes"]
        assert isinstance(scopes, list)  # noqa: S101 - as key_document writes it
        out(f"{key['name']}  {', '.join(scopes)}, until {str(key['expires_at'])[:10]}{ended}")
    if not found:
        out("no key; make one: rollcall api-key add NAME --scope identify")
    return DONE


@api_key.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Its name or id.", show_default=False)],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Let a key open nothing from now on.

    Example: rollcall api-key revoke "Door 3"
    """
    from enrollment.api_keys import key_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        key = service.api_keys.revoke(name)
    if as_json:
        emit(key_document(key, holds=False))
    else:
        out(f"the key of {key.name} opens nothing from now on")
    return DONE


@api_key.command()
def resume(
    name: Annotated[str, typer.Argument(help="Its name or id.", show_default=False)],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Let a key go on that was stopped because too many faces in a row were nobody's.

    Example: rollcall api-key resume "Door 3"
    """
    from enrollment.api_keys import key_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        key = service.api_keys.named(name)
        service.key_budget.resume(key)
        document = key_document(key, holds=service.api_keys.holds(key))
    if as_json:
        emit(document)
    else:
        out(f"the key of {key.name} may ask again")
    return DONE
