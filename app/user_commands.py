"""users: who may sign in to the web pages, and as what."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.failure import DONE
from app.options import Home, Json
from app.output import emit, note, out
from app.settings import read_settings

if TYPE_CHECKING:
    from enrollment.accounts import Accounts, User

GROUP = "Run and care"
users = typer.Typer(
    no_args_is_help=True,
    help="Who may sign in: list, add, roles, reset, disable, enable, sign-out.",
)
Login = Annotated[str, typer.Argument(help="As they sign in.", show_default=False)]
Roles = Annotated[
    list[str],
    typer.Option(
        "--role",
        help="viewer, operator, enroller, ml-engineer, privacy-officer, admin or service; "
        "give several.",
    ),
]


def register(app: typer.Typer) -> None:
    app.add_typer(users, name="users", rich_help_panel=GROUP)


@users.command("list")
def list_users(home: Home = None, as_json: Json = False) -> int:
    """Everybody who may sign in, and with which roles.

    Example: rollcall users list
    """
    from enrollment.accounts import user_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        found = service.accounts.all()
    if as_json:
        emit({"users": [user_document(user) for user in found]})
        return DONE
    for user in found:
        disabled = ", disabled" if user.disabled_at else ""
        out(f"{user.login}  {', '.join(sorted(user.roles))}{disabled}")
    if not found:
        out("nobody yet; the first admin is made when the server starts")
    return DONE


@users.command()
def add(login: Login, role: Roles, home: Home = None, as_json: Json = False) -> int:
    """Make an account; its one-time password is shown this once.

    Example: rollcall users add anna --role enroller
    """
    from enrollment.accounts import user_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        user, password = service.accounts.add(login, role)
    _tell(user_document(user), password, as_json)
    return DONE


@users.command()
def reset(login: Login, home: Home = None, as_json: Json = False) -> int:
    """A new one-time password; ends all their sessions and drops the second factor.

    Example: rollcall users reset anna
    """
    from enrollment.accounts import user_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        password = service.accounts.reset(login)
        document = user_document(service.accounts.named(login))
    _tell(document, password, as_json)
    return DONE


@users.command()
def roles(login: Login, role: Roles, home: Home = None, as_json: Json = False) -> int:
    """Give these roles instead of the ones before; they have to sign in anew.

    Example: rollcall users roles anna --role operator --role privacy-officer
    """
    said = f"is {', '.join(sorted(role))} from now on"
    return _change(home, as_json, lambda accounts: accounts.set_roles(login, role), said)


@users.command()
def disable(login: Login, home: Home = None, as_json: Json = False) -> int:
    """They are signed out everywhere, and cannot sign in.

    Example: rollcall users disable anna
    """
    return _change(home, as_json, lambda accounts: accounts.disable(login), "cannot sign in now")


@users.command()
def enable(login: Login, home: Home = None, as_json: Json = False) -> int:
    """They may sign in again.

    Example: rollcall users enable anna
    """
    return _change(home, as_json, lambda accounts: accounts.enable(login), "may sign in again")


@users.command("sign-out")
def sign_out(login: Login, home: Home = None, as_json: Json = False) -> int:
    """End their sessions, on every open page within five seconds.

    Example: rollcall users sign-out anna
    """
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        ended = service.accounts.sign_out(login)
    if as_json:
        emit({"login": login, "sessions_ended": ended})
    else:
        out(f"{ended} sessions ended")
    return DONE


def _change(home: Path | None, as_json: bool, act: "Callable[[Accounts], User]", said: str) -> int:
    from enrollment.accounts import user_document
    from enrollment.service import open_service

    with open_service(read_settings("cli", home)) as service:
        user = act(service.accounts)
    if as_json:
        emit(user_document(user))
    else:
        out(f"{user.login} {said}")
    return DONE


def _tell(document: dict[str, object], password: str, as_json: bool) -> None:
    if as_json:
        emit({**document, "password": password})
    else:
        note(f"one-time password of {document['login']}; it cannot be shown again:")
        out(password)
