"""webhook: which other software is told what happens here."""

from typing import Annotated

import typer

from app.failure import DONE, NO
from app.options import Home, Json
from app.output import emit, note, out
from app.settings import read_settings

GROUP = "Run and care"
webhook = typer.Typer(
    no_args_is_help=True, help="Tell other software what happens: add, list, test, remove."
)
Name = Annotated[str, typer.Argument(help="Its name or id.", show_default=False)]


def register(app: typer.Typer) -> None:
    app.add_typer(webhook, name="webhook", rich_help_panel=GROUP)


@webhook.command()
def add(
    name: Annotated[str, typer.Argument(help="The software it is for.", show_default=False)],
    url: Annotated[str, typer.Argument(help="https://...", show_default=False)],
    event: Annotated[
        list[str] | None,
        typer.Option(help="As docs/api.md names them; give several [default: every one]."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Tell other software what happens while `serve` runs; the secret is shown this once.

    Example: rollcall webhook add "HR" https://hr.example/rollcall --event subject.erase
    """
    from enrollment.service import open_service
    from enrollment.webhooks import EVENTS, webhook_document

    with open_service(read_settings("cli", home)) as service:
        hook, secret = service.webhooks.add(name, url, event or EVENTS)
    if as_json:
        emit({**webhook_document(hook), "secret": secret})
    else:
        note(f"{hook.name} is told of {', '.join(hook.events)}")
        note("its messages are signed with this secret; keep it now, it cannot be shown again")
        out(secret)
    return DONE


@webhook.command("list")
def list_hooks(home: Home = None, as_json: Json = False) -> int:
    """Every webhook and whether it is taken, without its secret.

    Example: rollcall webhook list
    """
    from enrollment.service import open_service
    from enrollment.webhooks import webhook_document

    with open_service(read_settings("cli", home)) as service:
        found = [webhook_document(hook) for hook in service.webhooks.all()]
    if as_json:
        emit({"webhooks": found})
        return DONE
    for hook in found:
        out(f"{hook['name']}  {hook['url']}, {_state(hook)}")
    if not found:
        out("no webhook; make one: rollcall webhook add NAME https://...")
    return DONE


@webhook.command("test")
def try_out(name: Name, home: Home = None, as_json: Json = False) -> int:
    """Send a message that says nothing; where it is taken, a paused webhook goes on.

    Example: rollcall webhook test "HR"
    """
    from app.signed_post import post
    from enrollment.service import open_service
    from enrollment.webhook_address import check_receiver

    with open_service(read_settings("cli", home)) as service:
        hook = service.webhooks.named(name)
        body = service.webhooks.trial().body
        status, trouble = post(check_receiver(hook.url), body, hook.secret)
        if trouble is None:
            service.webhooks.resume(hook)
    if as_json:
        emit({"name": hook.name, "taken": trouble is None, "status": status, "message": trouble})
    else:
        out(
            f"{hook.name} took it" if trouble is None else f"{hook.name} did not take it: {trouble}"
        )
    return DONE if trouble is None else NO


@webhook.command()
def remove(name: Name, home: Home = None, as_json: Json = False) -> int:
    """Tell it nothing more.

    Example: rollcall webhook remove "HR"
    """
    from enrollment.service import open_service
    from enrollment.webhooks import webhook_document

    with open_service(read_settings("cli", home)) as service:
        hook = service.webhooks.remove(name)
    if as_json:
        emit(webhook_document(hook))
    else:
        out(f"{hook.name} is told nothing more")
    return DONE


def _state(hook: dict[str, object]) -> str:
    if hook["state"] == "paused":
        return (
            f"PAUSED since {hook['paused_at']}, because it took nothing since "
            f"{hook['failing_since']}; run: rollcall webhook test {hook['name']!r}"
        )
    if hook["state"] == "failing":
        return (
            f"takes nothing since {hook['failing_since']} ({hook['failed']} attempts), "
            f"tried again {hook['next_at']}"
        )
    return f"told up to entry {hook['delivered_to']} of the audit trail"
