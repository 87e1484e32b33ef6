"""retention: whose data must go, and erasing them."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from app.agreement import agreed
from app.failure import DONE, NO
from app.options import Home, Json, Yes
from app.output import counting, emit, note, out
from app.settings import read_settings

if TYPE_CHECKING:
    from enrollment.erasure import ErasureReceipt
    from enrollment.privacy import DueLine
    from enrollment.service import Service

GROUP = "People"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=GROUP)(retention)


def retention(
    erase: Annotated[
        bool, typer.Option("--erase", help="Erase them, after a question; else nothing is changed.")
    ] = False,
    text: Annotated[
        bool, typer.Option("--text", help="Print the rules in force, to publish them.")
    ] = False,
    yes: Yes = False,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Whose data must go: consent withdrawn or ended, purpose ended, left or idle for long.

    Requests and consents that are missing are for people to decide: they stand on the page Privacy.

    Example: rollcall retention
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        if text:
            _say_rules(service, as_json)
            return DONE
        due = service.privacy.overdue()
        if not erase:
            _say(due, service, as_json)
            if due:
                note("nothing was changed; to erase them: rollcall retention --erase")
            return DONE
        if due and not as_json:
            _say(due, service, as_json=False)
        if due and not agreed(f"erase {_people(len(due))}? This cannot be undone", yes):
            return NO
        receipts = _erase(due, service)
    if as_json:
        emit({"erased": [receipt.as_document() for receipt in receipts]})
    else:
        out(f"erased: {_people(len(receipts))}")
    return DONE


def _erase(due: "list[DueLine]", service: "Service") -> "list[ErasureReceipt]":
    from enrollment.retention import BY_TIME

    receipts, ids = [], [line.subject.subject_id for line in due]
    with counting("erased", len(due)) if due else nullcontext() as count:
        for receipt in service.erase_due(ids, BY_TIME):
            if receipt is not None:
                receipts.append(receipt)
            if count is not None:
                count.one()
    return receipts


def _say(due: "list[DueLine]", service: "Service", as_json: bool) -> None:
    from app.due_words import due_in_words
    from app.language import Language

    language, now = Language(), service.privacy.now()
    if as_json:
        emit(
            {
                "due": [
                    {
                        "subject_id": line.subject.subject_id,
                        "name": line.subject.name,
                        "reasons": [
                            {"kind": reason.kind.value, "at": reason.at.isoformat()}
                            for reason in line.reasons
                        ],
                    }
                    for line in due
                ]
            }
        )
        return
    for line in due:
        why = "; ".join(due_in_words(reason, now, language) for reason in line.reasons)
        out(f"{line.subject.name}: {why}")
    out(f"due: {_people(len(due))}")


def _say_rules(service: "Service", as_json: bool) -> None:
    from app.language import Language
    from app.retention_text import rules_of

    privacy = service.privacy
    rules = rules_of(
        Language(), privacy.policy, privacy.review_policy, asked=privacy.consent_required
    )
    if as_json:
        emit({"rules": rules})
    for rule in () if as_json else rules:
        out(f"- {rule}")


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
