"""keys: another master key."""

from pathlib import Path
from typing import Annotated

import typer

from app.failure import DONE
from app.options import Home, Json
from app.output import emit, note, out
from app.settings import read_new_key, read_settings

GROUP = "Run and care"
keys = typer.Typer(no_args_is_help=True, help="The master key: rotate.")


def register(app: typer.Typer) -> None:
    app.add_typer(keys, name="keys", rich_help_panel=GROUP)


@keys.callback()
def _group() -> None:
    """Makes a group of one command."""


@keys.command()
def rotate(
    new_key_file: Annotated[
        Path | None,
        typer.Option(
            help="The new key's file; made if it is absent [default: $ROLLCALL_NEW_KEY, "
            "else a new key in the place of the old one]."
        ),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Put the gallery under a new master key, all at once. Stop the server before.

    Example: rollcall keys rotate
    """
    from enrollment.service import open_service

    settings = read_settings("cli", home)
    text = None if new_key_file else read_new_key()
    with open_service(settings) as service:
        done = service.keys.rotate(text, new_key_file)
    if as_json:
        emit(done.as_document())
        return DONE
    out(f"the gallery is under the key {done.now}; {done.subjects} people's keys were wrapped anew")
    if done.place is not None:
        out(f"it is {done.place}: back it up, without it nothing can be read")
    else:
        source = new_key_file or "what was in ROLLCALL_NEW_KEY"
        out(f"from now on ROLLCALL_KEY or your key service must give {source}: back it up")
    kept = done.kept or "the old key"
    out(f"keep {kept} apart for as long as you keep backups that were made under {done.before}")
    if not done.log_cut:
        note(
            "another process reads the database, so its log still holds what the old key opens: "
            "stop it and run any command"
        )
    return DONE
