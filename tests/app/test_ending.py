"""Signals: before anything is served, and afterwards."""

import os
import signal
import subprocess
import sys

import pytest

from app.ending import Ending

TWICE = """
import os, signal, sys
from app.ending import Ending
with Ending() as ending:
    ending.calls(lambda: None)
    os.kill(os.getpid(), signal.SIGTERM)
    print(ending.signal, flush=True)
    os.kill(os.getpid(), signal.SIG{second})
    print("still here")
"""


def test_before_anything_is_served_it_interrupts() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Ending() as ending, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    assert ending.signal == "SIGTERM"
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_first_tells_everybody() -> None:
    told: list[str] = []
    with Ending() as ending:
        ending.calls(lambda: told.append("server"))
        ending.calls(lambda: told.append("night"))
        os.kill(os.getpid(), signal.SIGINT)
    assert (told, ending.signal) == (["server", "night"], "SIGINT")


@pytest.mark.parametrize(("second", "code"), [("TERM", 143), ("INT", 130)])
def test_the_second_ends_at_once(second: str, code: int) -> None:
    script = TWICE.format(second=second)
    ended = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (code, "SIGTERM\n")
