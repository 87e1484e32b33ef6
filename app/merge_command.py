"""merge-gallery."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.agreement import agreed
from app.failure import DONE, NO
from app.options import Home, Json, Yes
from app.output import emit, note, out, stages
from app.settings import read_other_settings, read_settings

if TYPE_CHECKING:
    from enrollment.merge_report import LeftOut, MergeReport

GROUP = "Run and care"
_ANSWERS = {"s": "same", "d": "different", "k": "cancel"}


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=GROUP)(merge_gallery)


def merge_gallery(
    other_home: Annotated[
        Path, typer.Argument(help="The other site's folder; it is only read.", show_default=False)
    ],
    other_key_folder: Annotated[
        Path | None,
        typer.Option(
            help="Where the other gallery's key file is [default: $ROLLCALL_OTHER_KEY is the key, "
            "else where the keys of this one are]."
        ),
    ] = None,
    other_database: Annotated[
        str | None,
        typer.Option(
            help="Where the other gallery is, if it is in PostgreSQL: postgresql://HOST/NAME. Its "
            "own file is not believed.",
            show_default=False,
        ),
    ] = None,
    on_collision: Annotated[
        str | None,
        typer.Option(
            help="Where two may be one person: ask, refuse (leave them out), allow (two people) or "
            "same (one, where they look alike) [default: ask on a terminal, else refuse]."
        ),
    ] = None,
    erase_theirs: Annotated[
        bool,
        typer.Option("--erase-theirs", help="Erase here whoever was erased at the other site."),
    ] = False,
    yes: Yes = False,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Take over another site's people: photos, consents, heads and who was erased. Repeatable.

    Example: rollcall merge-gallery /mnt/hamburg/data --other-key-folder /mnt/hamburg/keys
    """
    from enrollment.counterpart import Twin, refuse_twin, same_where_alike
    from enrollment.enroller import Collision, CollisionAnswer, allow_collision
    from enrollment.errors import BadInput
    from enrollment.people import Person
    from enrollment.service import open_service

    def ask(twin: Collision) -> str:
        number = f" [{twin.external_id}]" if isinstance(twin, Twin) and twin.external_id else ""
        question = (
            f"{twin.name}{number} of there and {twin.near.name} of here: likeness "
            f"{twin.near.score:.2f}, from {twin.limit:.2f} on photos of one person are. "
            "[s]ame person, [d]ifferent people, s[k]ip"
        )
        while (answer := str(typer.prompt(question, err=True)).strip().lower()) not in _ANSWERS:
            note("answer with s, d or k")
        return _ANSWERS[answer]

    def erased(people: Sequence[Person]) -> bool:
        if erase_theirs:
            return True
        names = ", ".join(person.name for person in people[:5])
        question = f"{len(people)} people of here were erased there ({names}); erase them here too?"
        return sys.stdin.isatty() and not as_json and typer.confirm(question, err=True)

    answers: dict[str, CollisionAnswer] = {
        "ask": ask,
        "refuse": refuse_twin,
        "allow": allow_collision,
        "same": same_where_alike,
    }
    chosen = on_collision or ("ask" if sys.stdin.isatty() and not as_json else "refuse")
    if chosen not in answers:
        raise BadInput(f"--on-collision is one of {', '.join(answers)}, not {chosen}")
    if chosen == "ask" and not sys.stdin.isatty():
        raise BadInput("nobody is here to ask; give --on-collision refuse, allow or same")
    other = read_other_settings(other_home.expanduser(), other_key_folder, other_database)
    with open_service(read_settings("cli", home)) as service:
        if not agreed(f"take the people of {other.home} over into this gallery?", yes):
            return NO
        # A bar that is drawn anew would write over a question.
        with nullcontext(_silent) if chosen == "ask" else stages() as progress:
            report = service.merge_gallery(other, answers[chosen], erased, progress)
    if as_json:
        emit(report.as_document())
    else:
        _say(report)
    return DONE if report.finished else NO


def _silent(_stage: str, _share: float) -> None:
    """Where questions are asked, they say how far it is."""


def _say(report: "MergeReport") -> None:
    if report.waiting_erasures:
        n = len(report.waiting_erasures)
        out(f"{n} people of here were erased at the other site; nothing else was done but what is")
        out(
            "said below. Repeat with --erase-theirs to erase them here: "
            + " ".join(report.waiting_erasures)
        )
    out(
        f"{report.brought} of {report.there} people came with {report.samples} photos "
        f"({report.united} are people of here, {report.told_apart} look like one and are not); "
        f"{report.present} were here by an earlier merge, {report.updated} of them got news"
    )
    _say_some(report.duplicates, "photos were here already")
    _say_some(report.erased, "people were erased because they were erased there")
    _say_some(report.erased_here, "people stay away because they were erased here")
    _say_some(report.withdrawn, "consents were taken back there, and so here")
    _say_some(report.suspended, "people are suspended, as they are there")
    _say_some(len(report.numbers_dropped), "people came without their number, which is taken here")
    _say_some(report.negatives, "noes came along")
    for one in report.left_out:
        if one.reason.value != "erased_here":
            out(_left_out(one))
    for other in report.differs:
        out(f"{other.name}: {other.what} is {other.there!r} there; here nothing was changed")
    if report.head_id:
        out(f"head {report.head_id} holds both sites' rows; let the gate judge it:")
        out("  rollcall nightly --mode merged --force")
    elif report.head_why:
        out(f"no head was put together: {report.head_why}")
    if report.questions:
        note(f"{len(report.questions)} people wait for a word: repeat the command on a terminal")
    note("accounts, keys, webhooks, threshold, cohort and review queue of there stay there")


def _say_some(count: int, what: str) -> None:
    if count:
        out(f"{count} {what}")


def _left_out(one: "LeftOut") -> str:
    near = f", {one.near_name} ({one.score:.2f})" if one.near else ""
    what = f"{one.photos} photos of {one.name}" if one.photos else one.name
    why = f": {one.why}" if one.why else ""
    return f"left out: {what} ({one.reason.value}{near}{why})"
