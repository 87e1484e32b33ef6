"""Before something is done that cannot be undone."""

import sys

import typer


def agreed(question: str, yes: bool) -> bool:
    """Ask on the terminal, unless `--yes` has answered already.

    Raises:
        BadInput: nobody is there to ask.
    """
    from enrollment.errors import BadInput

    if yes:
        return True
    if not sys.stdin.isatty():
        raise BadInput(f"{question}: nobody is here to ask; repeat with --yes")
    return typer.confirm(question, err=True)
