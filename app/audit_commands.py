"""audit: is everything as Rollcall wrote it?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.failure import DONE, NO
from app.options import Home, Json
from app.output import emit, note, out
from app.settings import read_settings

if TYPE_CHECKING:
    from enrollment.audit_check import Found

GROUP = "Run and care"
audit = typer.Typer(no_args_is_help=True, help="The audit trail: verify, accept, receipt.")


def register(app: typer.Typer) -> None:
    app.add_typer(audit, name="audit", rich_help_panel=GROUP)


@audit.command()
def verify(home: Home = None, as_json: Json = False) -> int:
    """Look for what was changed outside Rollcall; changes nothing. Ends with 1 where it finds any.

    Example: rollcall audit verify
    """
    from enrollment.audit_check import audit_document, verify_audit, what_to_do

    settings = read_settings("cli", home)
    found = verify_audit(settings)
    if as_json:
        emit(audit_document(found))
    else:
        _say(found)
        step = what_to_do(found, settings.home)
        if step is not None:
            out(f"next: {step}")
    return DONE if found.intact else NO


@audit.command()
def accept(
    reason: Annotated[str, typer.Argument(help="Why, for the audit trail.", show_default=False)],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Say that a backup was restored on purpose, so that the older state is the gallery again.

    Example: rollcall audit accept "the disk broke; backup of Monday restored"
    """
    from enrollment.audit_check import audit_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        found = service.privacy.accept_older(reason)
    if as_json:
        emit(audit_document(found))
    else:
        _say(found)
    return DONE if found.intact else NO


@audit.command()
def receipt(
    file: Annotated[Path, typer.Argument(help="What an erasure handed out.", show_default=False)],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Is a receipt of an erasure genuine, and is the person still gone? Ends with 1 where not.

    Example: rollcall audit receipt erasure-1f3c.json
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        checked = service.privacy.check_receipts(file)
    if as_json:
        emit({"receipts": [one.as_document() for one in checked]})
    for one in () if as_json else checked:
        said = "holds" if one.holds else "DOES NOT HOLD"
        why = [
            *(() if one.genuine else ("this gallery did not write it, or it was changed",)),
            *(() if one.erased else ("nobody with this id was erased here",)),
            *(("somebody with this id is enrolled",) if one.here else ()),
        ]
        out(f"{one.subject_id}: {said}{': ' if why else ''}{'; '.join(why)}")
    return DONE if all(one.holds for one in checked) else NO


def _say(found: "Found") -> None:
    for finding in found.findings:
        out(f"{finding.kind} ({finding.where}): {finding.message}")
    for anchor in found.anchors:
        if anchor.problem:
            note(f"anchor: {anchor.problem}")
    if not found.sealed:
        note(
            "not sealed yet: people and rules are sealed when this version first opens the gallery"
        )
    anchored = "nothing" if found.anchored_to is None else f"row {found.anchored_to}"
    out(
        f"{'intact' if found.intact else 'NOT INTACT'}: verified to row {found.verified_to} of "
        f"{found.rows}, anchored to {anchored}, {found.seconds:.1f} s"
    )
