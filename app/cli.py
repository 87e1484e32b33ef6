"""The command line: `rollcall COMMAND`. Draws and asks, decides nothing."""

import os
import sys
from typing import Annotated

import typer

from app import (
    api_key_commands,
    audit_commands,
    backup_commands,
    care_commands,
    cohort_commands,
    compress_command,
    key_commands,
    merge_command,
    night_commands,
    people_commands,
    rebackbone_command,
    recognition_commands,
    retention_command,
    review_commands,
    stream_command,
    user_commands,
    watch_command,
    webhook_commands,
)
from app.failure import BAD_INPUT, UNUSABLE, exit_code
from app.output import note

INTERRUPTED = 130  # what typer makes of Ctrl-C, without a word

app = typer.Typer(
    name="rollcall",
    help="Enrolls a company's people by face, and recognises them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
care_commands.register(app)
api_key_commands.register(app)
user_commands.register(app)
audit_commands.register(app)
key_commands.register(app)
backup_commands.register(app)
rebackbone_command.register(app)
compress_command.register(app)
merge_command.register(app)
webhook_commands.register(app)
recognition_commands.register(app)
cohort_commands.register(app)
people_commands.register(app)
retention_command.register(app)
review_commands.register(app)
night_commands.register(app)
stream_command.register(app)
watch_command.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(version("rollcall") + "\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and end.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Options of `rollcall` itself; they act through their callbacks."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command and end the process with its exit code; never a traceback."""
    # Before anything loads them: what these libraries print is not for people.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    sys.exit(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    try:
        result = app(args=arguments, standalone_mode=False)
    except typer.exceptions.TyperException as error:
        return _fail(_usage(error), getattr(error, "exit_code", BAD_INPUT))
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away; that is its right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        code = exit_code(error)
        if code is None and os.environ.get("ROLLCALL_DEBUG"):
            raise
        if code is None:
            text = f"this should not have happened: {type(error).__name__}: {error}"
            return _fail(f"{text} (ROLLCALL_DEBUG=1 shows where)", UNUSABLE)
        return _fail(str(error), code)
    if result == INTERRUPTED:
        return _fail("interrupted; what was acknowledged is kept, run it again to go on", result)
    return result if isinstance(result, int) else 0


def _usage(error: typer.exceptions.TyperException) -> str:
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    return f"{text.rstrip('.')}; see: rollcall --help"


def _fail(text: str, code: int) -> int:
    line = " ".join(text.split())
    note("rollcall: " + "".join(c if c.isprintable() else "?" for c in line))
    return code


if __name__ == "__main__":
    main()
