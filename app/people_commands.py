"""people, person, erase."""

from typing import Annotated

import typer

from app.agreement import agreed
from app.failure import DONE, NO
from app.options import Home, Json, Yes
from app.output import emit, out
from app.settings import read_settings

GROUP = "People"
Who = Annotated[str, typer.Argument(help="Name, external id or id.", show_default=False)]
person = typer.Typer(no_args_is_help=True, help="One person: show, rename, merge, suspend.")


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=GROUP)(people)
    app.add_typer(person, name="person", rich_help_panel=GROUP)
    app.command(rich_help_panel=GROUP)(erase)


def people(
    search: Annotated[str | None, typer.Option(help="Part of a name or external id.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """List who is enrolled.

    Example: rollcall people --search anna
    """
    from enrollment.people import subject_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        found = [subject_document(subject) for subject in service.people(search)]
    if as_json:
        emit({"subjects": found})
    else:
        _say_people(found)
    return DONE


def _say_people(found: list[dict[str, object]]) -> None:
    if not found:
        out("nobody; enroll the first person: rollcall enroll FOLDER --name NAME --consent TEXT")
    for subject in found:
        number = f" [{subject['external_id']}]" if subject["external_id"] else ""
        out(
            f"{subject['subject_id']}  {subject['name']}{number}  {subject['state']}, "
            f"{subject['templates']} templates, since {str(subject['enrolled_at'])[:10]}"
        )


@person.command()
def show(who: Who, home: Home = None, as_json: Json = False) -> int:
    """Show one person with consent, and where each photo came from.

    Example: rollcall person show "Ada Lovelace"
    """
    from enrollment.lineage import lineage
    from enrollment.people import subject_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        subject = service.person(who)
        document = subject_document(subject)
        document["consents"] = [
            {"basis": c.basis, "text": c.text, "given_at": c.given_at.isoformat()}
            for c in service.consents(subject.subject_id)
        ]
        samples = [lineage(sample) for sample in service.samples(subject.subject_id)]
        document["samples"] = samples
    _answer(document, as_json)
    if not as_json:
        for sample in samples:
            _say_sample(sample)
    return DONE


def _say_sample(sample: dict[str, object]) -> None:
    came = f"  {str(sample['kept_at'])[:10]}  {sample['source']}"
    if sample["origin"] == "review":
        came += f", from the review queue, assigned by {sample['assigned_by']}"
    out(came)


@person.command()
def rename(
    who: Who,
    name: Annotated[str, typer.Argument(show_default=False)],
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Change the label; no id and no template changes.

    Example: rollcall person rename "Ada Byron" "Ada Lovelace"
    """
    from enrollment.people import subject_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        _answer(subject_document(service.rename(who, name)), as_json)
    return DONE


@person.command()
def merge(
    who: Who,
    into: Annotated[str, typer.Argument(show_default=False)],
    yes: Yes = False,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Let one person answer as another; `unmerge` undoes it.

    Example: rollcall person merge "A. Lovelace" "Ada Lovelace"
    """
    from enrollment.people import subject_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        one, other = service.person(who), service.person(into)
        alike = service.likeness(one, other)
        likeness = "unknown" if alike is None else f"{alike:.2f}"
        question = (
            f"merge {one.name} ({one.templates} templates) into {other.name} "
            f"({other.templates} templates), likeness {likeness}?"
        )
        if not agreed(question, yes):
            return NO
        _answer(subject_document(service.merge(one.subject_id, other.subject_id)), as_json)
    return DONE


@person.command()
def unmerge(who: Who, home: Home = None, as_json: Json = False) -> int:
    """Bring back a person who was merged into another.

    Example: rollcall person unmerge "A. Lovelace"
    """
    from enrollment.people import subject_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        _answer(subject_document(service.unmerge(who)), as_json)
    return DONE


@person.command()
def suspend(who: Who, home: Home = None, as_json: Json = False) -> int:
    """Let nobody find this person until `resume`; everything is kept.

    Example: rollcall person suspend "Ada Lovelace"
    """
    from enrollment.people import subject_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        _answer(subject_document(service.suspend(who)), as_json)
    return DONE


@person.command()
def resume(who: Who, home: Home = None, as_json: Json = False) -> int:
    """Undo `suspend`.

    Example: rollcall person resume "Ada Lovelace"
    """
    from enrollment.people import subject_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        _answer(subject_document(service.resume(who)), as_json)
    return DONE


def erase(who: Who, yes: Yes = False, home: Home = None, as_json: Json = False) -> int:
    """Erase a person completely: photos, templates, consent, key. Cannot be undone.

    Example: rollcall erase "Ada Lovelace"
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        subject = service.person(who)
        question = f"erase {subject.name} ({subject.templates} templates)? This cannot be undone"
        if not agreed(question, yes):
            return NO
        receipt = service.erase(subject.subject_id)
    if as_json:
        emit({"subject_id": receipt.subject_id, "receipt": receipt.as_document()})
    else:
        rows = sum(receipt.erased_rows.values())
        said = receipt.remains or "the files hold nothing of this person any more"
        out(f"erased: {rows} rows and the key; {said}")
    return DONE


def _answer(document: dict[str, object], as_json: bool) -> None:
    if as_json:
        emit({"subjects": [document]})
    else:
        _say_people([document])
