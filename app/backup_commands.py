"""backup, restore."""

from pathlib import Path
from typing import Annotated

import typer

from app.failure import DONE
from app.options import Home, Json
from app.output import emit, note, out
from app.settings import read_settings

GROUP = "Run and care"


def register(app: typer.Typer) -> None:
    for command in (backup, restore):
        app.command(rich_help_panel=GROUP)(command)


def backup(
    file: Annotated[
        Path | None,
        typer.Argument(help="The new file [default: in the gallery's folder, named by the time]."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Copy the gallery as it is now into one encrypted file, while others go on, and check it.

    Example: rollcall backup /mnt/backup/monday.rollcall
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        made = service.backup(file)
        place = service.keys.place
    if as_json:
        emit(made.as_document())
        return DONE
    out(f"{made.path}: {made.size / 1e6:.1f} MB, opened once and whole; index {made.digest}")
    out(f"nothing in it can be read without {made.keys}: keep that with the gallery's key,")
    out(f"which is {place}, and apart from the backup: an erasure takes people out of it")
    return DONE


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why, for the audit trail.")] = "",
    without_erasure_list: Annotated[
        bool,
        typer.Option(
            "--without-erasure-list",
            help="Go on where the list of the erased is lost: some of them could come back.",
        ),
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Make a gallery from a backup, in an empty folder; who was erased since stays erased.

    Example: rollcall restore /mnt/backup/monday.rollcall --home data --reason "the disk broke"
    """
    from enrollment.restoring import restore as run

    done = run(read_settings("cli", home), file, reason, without_erasure_list)
    if as_json:
        emit(done.as_document())
        return DONE
    out(f"{done.home} is the gallery of {done.made_at:%Y-%m-%d %H:%M} UTC: {done.people} people")
    out(f"erased since, and from it as well: {done.erased}")
    same = "without the erased" if done.erased else "as at the backup"
    out(f"index {done.digest}, {same}")
    if done.heads_lost:
        note(
            f"{done.heads_lost} versions of the head had seen the erased; the next night makes one"
        )
    if not done.list_known:
        note("nobody knows who was erased since: who was, and still has a key, is back")
    note("a gallery of before, if it is still there, must not be used any more")
    return DONE
