"""Options that every command has."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None,
    typer.Option("--home", help="The gallery's folder [default: $ROLLCALL_HOME, else ./data]."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Work on a Ray cluster: auto, HOST:6379, ray://HOST:10001, local to start one for "
        "this command, or off [default: $ROLLCALL_RAY].",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
