"""A master key that a command prints: the way to a key management service."""

import shlex
import subprocess

from store.errors import KeyMissing
from wording.message import message

_SECONDS = 30
_MOST = 4096  # bytes that are read of what it prints


def run_key_command(command: str) -> str:
    """What the command prints, run without a shell.

    Raises:
        KeyMissing: it cannot be run, fails, takes too long, or prints nothing.
    """
    try:
        arguments = shlex.split(command)
        done = subprocess.run(
            arguments,
            check=False,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise KeyMissing(
            message(
                "ROLLCALL_KEY_COMMAND gave no key within {seconds} s; run it by hand to see why",
                seconds=_SECONDS,
            )
        ) from error
    except (OSError, ValueError, IndexError) as error:
        raise KeyMissing(
            message(
                "ROLLCALL_KEY_COMMAND cannot be run ({error}); it is a program and its arguments, "
                "and no shell reads it",
                error=str(error),
            )
        ) from error
    # What it prints is never shown: it may be a key.
    if done.returncode:
        raise KeyMissing(
            message(
                "ROLLCALL_KEY_COMMAND ended with {code}; run it by hand to see why",
                code=done.returncode,
            )
        )
    try:
        printed = done.stdout[:_MOST].decode("ascii").strip()
    except UnicodeDecodeError:
        printed = ""
    if not printed:
        raise KeyMissing(
            message("ROLLCALL_KEY_COMMAND printed no key: it must print base64 or 64 hex digits")
        )
    return printed
